"""One question in, one answer out, with no kernel and no browser."""

import threading

import numpy as np
import pytest

from latentlens.core import ADDED, DRAWN, answer, members, record_from_arrays
from latentlens.core.fidelity import QuerySet
from latentlens.core.picture import Pictures
from latentlens.samplers import SAMPLERS
from latentlens.session import Question, SampleMean, Session, handle
from latentlens.session.fidelity import averaged_point, compared, draws_of, fidelity, point
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


@pytest.mark.parametrize("layer", ["conv", "latent"])
@pytest.mark.parametrize("sampler", ["stratified", "coreset"])
def test_items_that_weigh_differently_do_so_in_the_mean(record, conv, sampler, layer):
    session = Session(record, read_activations=Model(conv))
    question = Question(
        layer=layer, sampler=sampler, fraction=0.2, label="ant", by="predicted", k=5
    )
    mean = final(session.sample_mean(question)).mean
    sample = session.sample(sampler, 0.2, 0.7)
    own = record.pred[sample.index] == 0
    raw = {"conv": conv, "latent": record.latent}[layer][sample.index[own]]
    expected = np.average(raw.astype(np.float64), axis=0, weights=sample.weight[own])
    assert len(set(sample.weight[own])) > 1
    np.testing.assert_allclose(mean, expected, rtol=1e-12)
    answered = session.answer(question, run_model=True).mean
    np.testing.assert_allclose(answered, mean, rtol=1e-12)


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
    layer = final(handle(session, {"kind": "layer", "id": 1, "layer": "conv"}))
    assert (layer["kind"], layer["id"]) == ("layer", 1)
    np.testing.assert_array_equal(layer["top_unit"], record.layers["conv"].top_unit)
    latent = final(handle(session, {"kind": "latent", "id": 2}))
    np.testing.assert_array_equal(latent["latent"], record.latent)
    question = {"layer": "conv", "sampler": "random", "fraction": 0.1, "k": 8, "selection": None}
    replies = list(handle(session, {"kind": "means", "id": 3, "question": question}))
    assert [reply["kind"] for reply in replies[:-1]] == ["progress"] * (len(replies) - 1)
    assert replies[-1]["n_used"] == 30
    answer = final(handle(session, {"kind": "answer", "id": 4, "question": question}))["answer"]
    assert answer["n_used"] == 30
    assert len(answer["top"]["unit"]) == 8


def test_pictures_come_in_the_order_asked(record):
    grey = np.arange(300, dtype=np.uint8)[:, None, None] + np.zeros((4, 4), np.uint8)
    session = Session(record, pictures=Pictures(lambda rows: [grey[row] for row in rows]))
    reply = final(handle(session, {"kind": "pictures", "id": 1, "rows": [7, 3]}))
    assert [picture["row"] for picture in reply["pictures"]] == [7, 3]
    assert [int(picture["image"][0, 0]) for picture in reply["pictures"]] == [7, 3]


def test_too_many_pictures_at_once_are_refused(record):
    with pytest.raises(ValueError, match="At most 200 pictures at a time; got 201"):
        final(handle(Session(record), {"kind": "pictures", "id": 1, "rows": [0] * 201}))


# -- fidelity and what is added to a sample --------------------------------------


def test_added_rows_are_in_the_sample_under_a_role_of_their_own(record):
    session = Session(record)
    drawn = session.sample("random", 0.1, 0.7)
    outside = np.setdiff1d(np.arange(300), drawn.index)[:2]
    added = np.append(outside, drawn.index[0])
    question = Question(layer="conv", sampler="random", fraction=0.1, added=added)
    roles = session.roles(question)
    assert roles[outside].tolist() == [ADDED, ADDED]
    assert roles[drawn.index[0]] == DRAWN
    topped = session.sample("random", 0.1, 0.7, added)
    assert topped.index.tolist() == [*drawn.index, *outside]
    assert topped.frame.role.tolist()[-2:] == ["added", "added"]


def test_a_sample_with_added_rows_is_no_probability_sample_and_says_so(record):
    session = Session(record)
    drawn = session.sample("random", 0.1, 0.7)
    assert drawn.probability
    assert drawn.note == ""
    outside = np.setdiff1d(np.arange(300), drawn.index)[:1]
    topped = session.sample("random", 0.1, 0.7, outside)
    assert not topped.probability
    assert set(topped.weight) == {1.0}
    assert "1 item was added by hand. This is no probability sample" in topped.note
    assert topped.frame.attrs["note"] == topped.note
    assert session.sample("random", 0.1, 0.7, drawn.index[:3]).probability


def test_rows_that_are_none_cannot_be_added(record):
    with pytest.raises(ValueError, match="added must hold rows between 0 and 299"):
        Session(record).roles(Question(layer="conv", added=[300]))


def test_the_most_outlying_items_of_a_group_are_those_of_lowest_ratio_outside_the_sample(record):
    session = Session(record)
    question = Question(layer="conv", label="bee", correctness="correct", fraction=0.05)
    found = session.most_outlying(question, 4)
    ranking, roles = session.ranking("max_margin"), session.roles(question)
    member = (record.label == 1) & record.correct & (roles == 0)
    assert found.tolist() == sorted(np.flatnonzero(member), key=ranking.log_ratio.__getitem__)[:4]


def test_unless_told_how_many_as_many_as_the_fraction_of_the_group_are_added(record):
    session = Session(record)
    size = int(((record.label == 1) & record.correct).sum())

    def found(fraction):
        question = Question(layer="conv", label="bee", correctness="correct", fraction=fraction)
        return len(session.most_outlying(question))

    assert found(0.001) == 1
    assert found(0.05) == round(0.05 * size)
    assert found(0.5) == 10


def test_a_group_without_items_cannot_be_topped_up(record):
    nobody = record_from_arrays(record.latent, record.label, record.label, classes=record.classes)
    question = Question(layer="latent", label="bee", correctness="incorrect")
    with pytest.raises(ValueError, match="The data have no item in this group"):
        Session(nobody).most_outlying(question)


QUALITY = {"kind": "quality", "id": 9, "sampler": "max_margin", "fraction": 0.3, "j": 0.7,
           "by": "true", "k": 8}  # fmt: skip


def substance(session, **changes):
    replies = list(handle(session, {**QUALITY, **changes}))
    return [reply for reply in replies if reply["kind"] == "quality"]


def brute_quality(session, conv, sampler, fraction, *, seed=None, added=()):
    """Ask for the answer to every cell, one by one, and average."""
    record, scores = session.record, []
    for name in record.layers:
        raw = conv if name == "conv" else session.raw(name)
        for label in range(3):
            for correctness in ("correct", "incorrect"):
                member = members(
                    record.label, record.pred, label_class=label, correctness=correctness
                )
                if not member.any():
                    continue
                roles = session.ranking(sampler, seed).roles(fraction, 0.7)
                roles[list(added)] = np.maximum(roles[list(added)], 1)
                one = answer(record.layers[name], roles=roles, member=member, k=8, raw=raw)
                scores.append((one.precision, one.cosine_distance, one.js_distance))
    s1 = [s for s, _, _ in scores if s is not None]
    return np.mean(s1), np.mean([s for _, s, _ in scores]), np.mean([s for _, _, s in scores])


def test_quality_is_the_mean_over_the_cells_asked_one_by_one(record, conv):
    session = Session(record, read_activations=Model(conv))
    first, last_ = substance(session)
    assert (first["done"], last_["done"]) == (False, True)
    assert all(s2 is None for curve in first["curves"] for s2 in curve["s2"])
    assert last_["fractions"] == [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.8]
    assert last_["skipped"] == ["latent", "logits"]
    assert [curve["sampler"] for curve in last_["curves"]][:2] == ["max_margin", "random"]
    curve = last_["curves"][0]
    for at, fraction in enumerate(last_["fractions"]):
        expected = brute_quality(session, conv, "max_margin", fraction)
        np.testing.assert_allclose(figures(curve, at), expected, atol=1e-7)
    assert curve["draws"] == 1
    assert curve["s1_spread"] == [None] * 8


def figures(curve, at, suffix=""):
    return [curve[f"{score}{suffix}"][at] for score in ("s1", "s2", "s3")]


def test_random_is_the_mean_of_ten_draws_with_their_spread(record, conv):
    session = Session(record, read_activations=Model(conv), random_state=3)
    reply = substance(session, fraction=0.05)[-1]
    curve, at = reply["curves"][1], reply["fractions"].index(0.05)
    draws = [brute_quality(session, conv, "random", 0.05, seed=seed) for seed in range(3, 13)]
    assert (curve["sampler"], curve["draws"]) == ("random", 10)
    np.testing.assert_allclose(figures(curve, at), np.mean(draws, axis=0), atol=1e-7)
    spread = np.std(draws, axis=0, ddof=1)
    np.testing.assert_allclose(figures(curve, at, "_spread"), spread, atol=1e-7)
    assert reply["seeds"] == "10 draws, seeds 3 to 12"


def test_a_random_sample_stands_beside_the_mean_of_others_like_it(record, conv):
    session = Session(record, read_activations=Model(conv))
    curves = substance(session, sampler="random")[-1]["curves"]
    assert [(curve["title"], curve["draws"]) for curve in curves[:2]] == [
        ("This draw", 1),
        ("Random", 10),
    ]


def test_rows_added_by_hand_count_at_the_fraction_asked_about_and_nowhere_else(record, conv):
    model = Model(conv)
    session = Session(record, read_activations=model)
    plain = substance(session)[-1]["curves"]
    # One item of each cell that the sample lacks, such as a click on its chip adds.
    roles = session.ranking("max_margin").roles(0.01, 0.7)
    lacking = [
        np.flatnonzero((record.label == label) & (record.correct == right))
        for label in range(3)
        for right in (True, False)
    ]
    added = np.array([rows[0] for rows in lacking if len(rows) and not roles[rows].any()])
    once = len(model.asked)
    reply = substance(session, fraction=0.01, added=added.astype(np.uint32))[-1]
    got = figures(reply["curves"][0], 0)
    want = brute_quality(session, conv, "max_margin", 0.01, added=added)
    np.testing.assert_allclose(got, want, atol=1e-7)
    before = figures(plain[0], 0)
    assert got[0] > before[0]
    assert got[2] < before[2]
    assert figures(reply["curves"][0], 3) == figures(plain[0], 3)
    assert reply["curves"][1:] == [
        {**curve, **{name: values[:5] + values[6:] for name, values in curve.items()
                     if name.startswith("s") and isinstance(values, list)}}
        for curve in plain[1:]
    ]  # fmt: skip
    # Only what the topped-up sample needs is asked of the model again.
    rows = session.sample("max_margin", 0.01, 0.7, added).index
    assert set(model.asked[once:]) <= set(rows.tolist())


def test_what_was_scored_once_is_not_run_again(record, conv):
    model = Model(conv)
    session = Session(record, read_activations=model)
    substance(session)
    once = len(model.asked)
    assert once == len(set(model.asked))
    assert [reply["done"] for reply in substance(session, k=5)] == [True]
    assert len(model.asked) == once
    substance(session, fraction=0.31)
    points = [averaged_point(session, name, 0.31, 0.7) for name in compared(session, "max_margin")]
    more = {int(row) for draw in draws_of(points) for row in session.sample_of(draw).index}
    assert set(model.asked[once:]) <= more


def test_at_fraction_one_every_sampler_has_no_error_and_the_model_is_not_run(record, conv):
    model = Model(conv)
    session = Session(record, read_activations=model)
    names = [name for name in SAMPLERS if session.ranking(name).uses_fraction]
    queries = QuerySet(record, k=8)
    scores = final(fidelity(session, queries, [point(session, name, 1.0, 0.7) for name in names]))
    assert (scores.overall("s1") == 1).all()
    assert (scores.overall("s2") == 0).all()
    assert (scores.overall("s3") == 0).all()
    assert model.asked == []


def test_without_a_model_s2_is_known_for_the_latent_and_the_logits(record):
    session = Session(record)
    queries = QuerySet(record, k=8)
    assert session.meter.unknown(queries) == ("conv",)
    scores = final(fidelity(session, queries, [point(session, "random", 0.2, 0.7)]))
    at = dict(zip(scores.layers, scores.s2[0], strict=True))
    assert np.isnan(at["conv"]).all()
    assert not np.isnan(at["latent"]).any()
    assert not np.isnan(at["logits"]).any()
    assert np.isnan(scores.overall("s2")[0])
    assert scores.overall("s2", known=True)[0] == pytest.approx(
        np.mean([at["latent"], at["logits"]])
    )
    (reply,) = substance(session)
    assert reply["done"]
    assert set(reply["curves"][0]["s2"]) == {None}


def test_quality_without_cells_or_layers_is_refused_in_words(record):
    nameless = record_from_arrays(record.latent)
    with pytest.raises(ValueError, match="No item's label is known, so there are no cells"):
        substance(Session(nameless), sampler="random", k=2)
    narrow = record_from_arrays(record.latent, record.label, record.pred)
    with pytest.raises(ValueError, match="k = 8 covers all units of every layer"):
        substance(Session(narrow))


def means_reply(record, conv, **question):
    session = Session(record, read_activations=Model(conv))
    asked = {"layer": "conv", "fraction": 0.3, "k": 8, "selection": None, **question}
    return final(handle(session, {"kind": "means", "id": 1, "question": asked}))


def test_a_mean_drawn_by_chance_comes_with_its_interval_and_a_line(record, conv):
    reply = means_reply(record, conv, sampler="random")
    assert (reply["low"] <= reply["mean"]).all()
    assert (reply["mean"] <= reply["high"]).all()
    assert "95% interval" in reply["worth"]


def test_a_mean_of_chosen_items_comes_without_and_says_why(record, conv):
    reply = means_reply(record, conv, sampler="max_margin")
    assert reply["low"] is None
    assert reply["high"] is None
    assert "no interval" in reply["worth"].lower()


def test_a_sample_of_everything_has_an_interval_of_no_width(record, conv):
    reply = means_reply(record, conv, sampler="random", fraction=1.0)
    np.testing.assert_allclose(reply["low"], reply["high"], atol=1e-12)
    np.testing.assert_allclose(reply["mean"], conv.mean(axis=0, dtype=np.float64), rtol=1e-12)


def test_a_mean_and_its_interval_come_from_running_the_model_once(record, conv):
    model = Model(conv)
    session = Session(record, read_activations=model)
    asked = {"layer": "conv", "sampler": "random", "fraction": 0.3, "label": "bee", "k": 8}
    *progress, reply = handle(session, {"kind": "means", "id": 1, "question": asked})
    sampled = session.sample("random", 0.3, 0.7).index
    assert sorted(model.asked) == sorted(sampled.tolist())
    assert progress[-1] == {"id": 1, "kind": "progress", "done": 90, "total": 90}
    estimate = session.estimate(Question(**asked))
    assert len(model.asked) == 90
    np.testing.assert_array_equal(reply["low"], estimate.low)
    np.testing.assert_array_equal(reply["mean"], estimate.mean)
