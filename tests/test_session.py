"""One question in, one answer out, with no kernel and no browser."""

import threading

import numpy as np
import pytest

from latentlens.core.picture import Pictures
from latentlens.session import Question, SampleMean, Session
from tests.made_up import blobs, made_up_record


@pytest.fixture
def record():
    return made_up_record()


@pytest.fixture
def conv():
    """The raw activations behind the record's "conv" layer."""
    latent, _, _ = blobs()
    return np.maximum(latent @ np.random.default_rng(1).normal(size=(6, 40)), 0).astype(np.float32)


class Model:
    """Stands for the model: gives the rows asked for in batches, and remembers them."""

    def __init__(self, conv):
        self.conv, self.asked = conv, []

    def __call__(self, rows, layers):
        assert layers == ["conv"]
        for start in range(0, len(rows), 4):
            chunk = rows[start : start + 4]
            self.asked += chunk.tolist()
            yield chunk, {"conv": self.conv[chunk]}


def final(steps):
    return list(steps)[-1]


def test_a_sample_is_the_ranking_cut(record):
    session = Session(record)
    sample = session.sample("random", 0.1, 0.7)
    assert len(sample) == 30
    assert session.ranking("random") is session.ranking("random")


def test_two_threads_fit_a_ranking_once(record):
    session = Session(record)
    got = []
    threads = [
        threading.Thread(target=lambda: got.append(session.ranking("max_margin"))) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(ranking) for ranking in got}) == 1


def test_the_model_runs_only_on_sampled_items_not_held_yet(record, conv):
    model = Model(conv)
    session = Session(record, read_activations=model)
    small = Question(layer="conv", sampler="random", fraction=0.1)
    large = Question(layer="conv", sampler="random", fraction=0.2)
    first, second = final(session.sample_mean(small)), final(session.sample_mean(large))
    rows = np.sort(session.sample("random", 0.2, 0.7).index)
    assert sorted(model.asked) == rows.tolist()
    assert (first.n_used, second.n_used) == (30, 60)
    np.testing.assert_allclose(second.mean, conv[rows].mean(axis=0, dtype=np.float64), rtol=1e-12)


def test_without_room_to_hold_them_activations_are_run_again(record, conv):
    model = Model(conv)
    session = Session(record, read_activations=model, held_budget=100)
    question = Question(layer="conv", sampler="random", fraction=0.1)
    once, again = final(session.sample_mean(question)), final(session.sample_mean(question))
    assert len(model.asked) == 60
    assert session.held.nbytes == 0
    np.testing.assert_array_equal(once.mean, again.mean)


def test_progress_is_told_before_the_mean(record, conv):
    session = Session(record, read_activations=Model(conv))
    *progress, mean = session.sample_mean(Question(layer="conv", sampler="random", fraction=0.05))
    assert progress == [(4, 15), (8, 15), (12, 15), (15, 15)]
    assert isinstance(mean, SampleMean)


def test_the_latents_mean_needs_no_model(record):
    session = Session(record)
    question = Question(layer="latent", sampler="random", fraction=0.1, label="bee")
    mean = final(session.sample_mean(question))
    rows = session.sample("random", 0.1, 0.7).index
    rows = rows[record.label[rows] == 1]
    np.testing.assert_allclose(mean.mean, record.latent[rows].mean(axis=0, dtype=np.float64))
    assert mean.n_used == len(rows)


def test_other_means_without_a_model_are_refused_in_words(record):
    with pytest.raises(ValueError, match=r"'conv' needs the model run on chosen items"):
        final(Session(record).sample_mean(Question(layer="conv", sampler="random")))


def test_a_group_that_the_sample_misses_has_no_mean(record, conv):
    session = Session(record, read_activations=Model(conv))
    outside = np.setdiff1d(np.arange(300), session.sample("random", 0.05, 0.7).index)[:5]
    question = Question(
        layer="conv", sampler="random", fraction=0.05, selection=outside.astype(np.uint32)
    )
    mean = final(session.sample_mean(question))
    assert mean.n_used == 0
    assert np.isnan(mean.mean).all()


@pytest.mark.parametrize("correctness", ["all", "correct", "incorrect"])
@pytest.mark.parametrize("by", ["true", "predicted"])
@pytest.mark.parametrize("label", ["", "ant", "cat"])
def test_exact_means_of_cells_are_the_means_of_the_raw_activations(
    record, conv, label, by, correctness
):
    session = Session(record)
    question = Question(layer="conv", label=label, by=by, correctness=correctness)
    member = session.member(question)
    expected = conv[member].mean(axis=0, dtype=np.float64)
    np.testing.assert_allclose(session.exact_mean(question), expected, rtol=1e-12)


def test_on_request_an_answer_runs_the_model_for_the_samples_mean(record, conv):
    session = Session(record, read_activations=Model(conv))
    question = Question(layer="conv", sampler="random", fraction=0.2, measure="mean", k=5)
    assert session.answer(question).top is None
    answer = session.answer(question, run_model=True)
    rows = session.sample("random", 0.2, 0.7).index
    best = np.argsort(-conv[rows].mean(axis=0, dtype=np.float64), kind="stable")[:5]
    assert answer.top.unit == best.tolist()


def test_unknown_names_are_answered_with_the_known_ones(record):
    session = Session(record)
    with pytest.raises(ValueError, match=r"layer must be one of 'conv', 'latent', 'logits'"):
        session.layer("fc9")
    with pytest.raises(ValueError, match=r"label must be one of 'ant', 'bee', 'cat'"):
        session.answer(Question(layer="conv", label="dog"))
    with pytest.raises(ValueError, match=r"sampler must be one of 'max_margin'"):
        session.ranking("coin")


def test_requests_are_answered_by_kind(record, conv):
    session = Session(record, read_activations=Model(conv))
    layer = final(session.handle({"kind": "layer", "id": 1, "layer": "conv"}))
    assert (layer["kind"], layer["id"]) == ("layer", 1)
    np.testing.assert_array_equal(layer["top_unit"], record.layers["conv"].top_unit)
    latent = final(session.handle({"kind": "latent", "id": 2}))
    np.testing.assert_array_equal(latent["latent"], record.latent)
    question = {"layer": "conv", "sampler": "random", "fraction": 0.1, "k": 8, "selection": None}
    replies = list(session.handle({"kind": "means", "id": 3, "question": question}))
    assert [reply["kind"] for reply in replies[:-1]] == ["progress"] * (len(replies) - 1)
    assert replies[-1]["n_used"] == 30
    answer = final(session.handle({"kind": "answer", "id": 4, "question": question}))["answer"]
    assert answer["n_used"] == 30
    assert len(answer["top"]["unit"]) == 8


def test_pictures_come_in_the_order_asked(record):
    grey = np.arange(300, dtype=np.uint8)[:, None, None] + np.zeros((4, 4), np.uint8)
    session = Session(record, pictures=Pictures(lambda rows: [grey[row] for row in rows]))
    reply = final(session.handle({"kind": "pictures", "id": 1, "rows": [7, 3]}))
    assert [picture["row"] for picture in reply["pictures"]] == [7, 3]
    assert [int(picture["image"][0, 0]) for picture in reply["pictures"]] == [7, 3]


def test_too_many_pictures_at_once_are_refused(record):
    with pytest.raises(ValueError, match="At most 200 pictures at a time; got 201"):
        final(Session(record).handle({"kind": "pictures", "id": 1, "rows": [0] * 201}))
