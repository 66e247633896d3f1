"""Attributions against what can be worked out by hand."""

import sys

import numpy as np
import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from latentlens.extract import Attribution, ModelChanged, attribute, plan
from latentlens.extract.saliency import METHODS, _path, summed_axes
from tests.extract.families import FAMILIES, make
from tests.extract.test_guest import assert_same, belongings, loader, restless


def planned(model, x, label=None, **options):
    y = torch.arange(len(x)) % 3 if label is None else label
    return plan(model, DataLoader(TensorDataset(x, y), batch_size=4), **options)


def attributions(found, rows, **options):
    return [step for step in attribute(found, rows, **options) if isinstance(step, Attribution)]


def linear():
    torch.manual_seed(0)
    return nn.Sequential(nn.Flatten(), nn.Linear(16, 3))


def convolutional(channels=1):
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(channels, 4, 3, padding=1), nn.ReLU(inplace=True), nn.Flatten(),
                         nn.Linear(256, 8), nn.ReLU(inplace=True), nn.Linear(8, 3))  # fmt: skip


@pytest.mark.parametrize("method", METHODS)
def test_a_linear_models_attributions_are_weight_times_input(method):
    """Occlusion by windows of one pixel too: a covered pixel takes its own part away."""
    model, x = linear(), torch.randn(3, 1, 4, 4)
    weight = model[1].weight.detach().numpy()
    for row, found in enumerate(attributions(planned(model, x), [0, 1, 2], method=method, target=2,
                                             window=1)):  # fmt: skip
        want = weight[2] * x[row].numpy().ravel()
        np.testing.assert_allclose(found.map.ravel(), want, atol=1e-5)
        assert found.map.shape == (4, 4)
        assert found.error == pytest.approx(0, abs=1e-5)
        assert found.score == pytest.approx(model(x[row : row + 1])[0, 2].item(), abs=1e-5)
        assert found.baseline_score == pytest.approx(model[1].bias[2].item(), abs=1e-5)


def test_a_baseline_is_what_the_difference_is_taken_from():
    model, x = linear(), torch.randn(2, 1, 4, 4)
    weight, nothing = model[1].weight.detach().numpy(), np.full((1, 4, 4), 0.5, np.float32)
    for baseline in (0.5, nothing):
        (found,) = attributions(planned(model, x), [1], method="integrated_gradients", target=0,
                                baseline=baseline)  # fmt: skip
        np.testing.assert_allclose(found.map.ravel(), weight[0] * (x[1].numpy().ravel() - 0.5),
                                   atol=1e-5)  # fmt: skip


def test_integrated_gradients_are_the_mean_gradient_along_the_path_and_complete():
    model, x = convolutional(), torch.rand(2, 1, 8, 8)
    found = attributions(planned(model, x), [0, 1], method="integrated_gradients", target=1,
                         steps=200)  # fmt: skip
    for row, each in enumerate(found):
        # Far finer, and by the midpoint rule.
        shares = (torch.arange(2000) + 0.5) / 2000
        path = (shares[:, None, None, None] * x[row]).requires_grad_()
        gradient = torch.autograd.grad(model(path)[:, 1].sum(), path)[0].mean(0)
        np.testing.assert_allclose(each.map, (gradient * x[row])[0].detach().numpy(), atol=2e-3)
        assert abs(each.error) < 1e-2 * abs(each.score - each.baseline_score)
        ends = [model(v[None])[0, 1].item() for v in (x[row], torch.zeros(1, 8, 8))]
        assert [each.score, each.baseline_score] == pytest.approx(ends, abs=1e-5)


def test_more_steps_bring_integrated_gradients_nearer_to_completeness():
    model, x = convolutional(), torch.rand(4, 1, 8, 8)
    errors = [
        np.mean([abs(a.error) for a in attributions(planned(model, x), range(4), steps=steps,
                                                    method="integrated_gradients")])
        for steps in (1, 100)
    ]  # fmt: skip
    assert errors[1] < errors[0] / 5


def test_gradient_times_input_is_torchs_own_and_says_how_incomplete_it_is():
    model, x = convolutional(), torch.rand(2, 1, 8, 8)
    (found,) = attributions(planned(model, x), [1])
    given = x[1:].clone().requires_grad_()
    out = model(given)[0]
    gradient = torch.autograd.grad(out.max(), given)[0]
    np.testing.assert_allclose(found.map, (gradient * x[1])[0, 0].numpy(), atol=1e-6)
    nothing = model(torch.zeros(1, 1, 8, 8))[0, int(out.argmax())].item()
    want = float((gradient * x[1]).sum()) - (out.max().item() - nothing)
    assert found.error == pytest.approx(want, abs=1e-4)


def test_occlusion_shares_the_fall_of_the_score_and_averages_over_the_windows_on_a_pixel():
    model, x = convolutional(3), torch.rand(2, 3, 8, 8)
    (found,) = attributions(planned(model, x), [0], method="occlusion", window=4, target=0)
    total, times = np.zeros((8, 8)), np.zeros((8, 8))
    whole = model(x[:1])[0, 0].item()
    for top in (0, 2, 4):
        for left in (0, 2, 4):
            covered = x[:1].clone()
            covered[:, :, top : top + 4, left : left + 4] = 0
            total[top : top + 4, left : left + 4] += whole - model(covered)[0, 0].item()
            times[top : top + 4, left : left + 4] += 1
    np.testing.assert_allclose(found.map, total / times / 16, atol=1e-5)


def occluded_by_hand(score, x, window, stride):
    """Share each window's fall among what it covers of a (channels, ...) input, in float64."""
    total, times = np.zeros(x.shape[1:]), np.zeros(x.shape[1:])
    for corner in np.ndindex(*x.shape[1:]):
        # A window stands on the grid; it is left out where the one before it reached the edge.
        reaches = [c - stride + window < n for c, n in zip(corner, x.shape[1:], strict=True)]
        if any(c % stride for c in corner) or not all(reaches):
            continue
        at = tuple(slice(c, c + window) for c in corner)
        covered = x.clone()
        covered[(slice(None), *at)] = 0
        total[at] += float(score(x) - score(covered)) / total[at].size
        times[at] += 1
    return total / times


@pytest.mark.parametrize(
    ("shape", "window", "stride"),
    [((1, 28, 28), None, 2), ((3, 32, 32), None, 2), ((1, 8, 8), None, 1), ((1, 8, 8), 3, 1),
     ((2, 10, 9), 7, 3), ((1, 9, 12), 5, 2), ((2, 150), None, 1), ((1, 150), 7, 3)],
)  # fmt: skip
def test_windows_that_the_edge_cuts_short_share_their_fall_among_what_they_cover(
    shape, window, stride
):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(int(np.prod(shape)), 3), nn.Tanh())
    x = torch.rand(2, *shape)
    (found,) = attributions(planned(model, x), [1], method="occlusion", window=window, target=1)
    side = window or -(-min(shape[1:]) // (7 if len(shape) == 3 else 64))
    want = occluded_by_hand(lambda one: model(one[None])[0, 1].detach(), x[1], side, stride)
    np.testing.assert_allclose(found.map, want, atol=1e-5)


@pytest.mark.parametrize("size", [8, 28, 32])
def test_occlusion_of_a_sum_gives_every_pixel_its_own_value_up_to_the_edges(size):
    model = nn.Sequential(nn.Flatten(), nn.Linear(size * size, 3))
    nn.init.ones_(model[1].weight)
    found = planned(model, torch.ones(2, 1, size, size))
    (found,) = attributions(found, [0], method="occlusion", target=0)
    np.testing.assert_allclose(found.map, 1, atol=1e-4)


@pytest.mark.parametrize("method", METHODS)
def test_a_unit_is_attributed_as_a_class_is(method):
    model, x = convolutional(), torch.rand(3, 1, 8, 8)
    (found,) = attributions(planned(model, x), [2], method=method, layer="3", unit=5)
    head = nn.Sequential(*model[:4])
    assert found.score == pytest.approx(head(x[2:])[0, 5].item(), abs=1e-5)
    if method == "gradient_x_input":
        given = x[2:].clone().requires_grad_()
        gradient = torch.autograd.grad(head(given)[0, 5], given)[0]
        np.testing.assert_allclose(found.map, (gradient * x[2])[0, 0].numpy(), atol=1e-6)


class Words(nn.Module):
    """Tokens, of which the mask may leave some out."""

    def __init__(self):
        super().__init__()
        self.embed, self.head = nn.Embedding(9, 4), nn.Linear(4, 3)

    def forward(self, input_ids, attention_mask=None):
        mask = torch.ones_like(input_ids) if attention_mask is None else attention_mask
        return self.head((self.embed(input_ids) * mask[..., None]).sum(1))


@pytest.mark.parametrize("method", METHODS)
def test_of_tokens_it_is_their_embedding_that_is_attributed(method):
    torch.manual_seed(0)
    model, ids = Words(), torch.randint(0, 9, (3, 5))
    (found,) = attributions(planned(model, ids), [1], method=method, target=2)
    want = (model.embed(ids[1]) @ model.head.weight[2]).detach().numpy()
    assert found.values.shape == (5, 4)
    np.testing.assert_allclose(found.map, want, atol=1e-5)
    assert found.error == pytest.approx(0, abs=1e-4)


class PlacedWords(Words):
    """Tokens and their places, embedded in either order."""

    def __init__(self, places_first, convert):
        super().__init__()
        self.place, self.places_first, self.convert = nn.Embedding(5, 4), places_first, convert

    def forward(self, input_ids):
        parts = [lambda: self.embed(self.convert(input_ids)),
                 lambda: self.place(torch.arange(input_ids.shape[1]))]  # fmt: skip
        first, second = (part() for part in parts[:: -1 if self.places_first else 1])
        return self.head((first + second).sum(1))


@pytest.mark.parametrize("n", [3, 5])
@pytest.mark.parametrize("places_first", [False, True])
@pytest.mark.parametrize("convert", [lambda ids: ids.to("cpu").long(), lambda ids: ids.int(),
                                     lambda ids: ids % 6])  # fmt: skip
@pytest.mark.parametrize("method", METHODS)
def test_it_is_tokens_not_places_that_are_attributed(method, convert, places_first, n):
    """Also in a batch of as many items as an item has tokens."""
    torch.manual_seed(0)
    model, ids = PlacedWords(places_first, convert), torch.randint(0, 8, (5, 5))
    found = attributions(planned(model, ids), range(n), method=method, target=2)
    for row, each in enumerate(found):
        want = (model.embed(convert(ids[row])) @ model.head.weight[2]).detach().numpy()
        assert each.values.shape == (5, 4)
        np.testing.assert_allclose(each.map, want, atol=1e-5)
        assert each.error == pytest.approx(0, abs=1e-4)


class BegunWords(Words):
    """Tokens behind a made-up first one of the same embedding."""

    def forward(self, input_ids):
        begin = self.embed(torch.zeros(len(input_ids), 1, dtype=torch.long))
        return self.head(torch.cat([begin, self.embed(input_ids)], 1).sum(1))


def test_of_an_embedding_called_twice_it_is_the_call_with_the_tokens_that_is_attributed():
    torch.manual_seed(0)
    model, ids = BegunWords(), torch.randint(0, 9, (3, 5))
    (found,) = attributions(planned(model, ids), [1], target=2)
    want = (model.embed(ids[1]) @ model.head.weight[2]).detach().numpy()
    np.testing.assert_allclose(found.map, want, atol=1e-5)


def test_a_units_target_takes_one_forward_pass_less():
    model, calls = linear(), []
    found = planned(model, torch.randn(3, 1, 4, 4))
    model[1].register_forward_hook(lambda *_: calls.append(1))
    attributions(found, [0], target="pred")
    for_a_class = len(calls)
    attributions(found, [0], layer="1", unit=0)
    assert len(calls) - for_a_class == for_a_class - 1


def test_other_tensors_of_a_batch_go_with_their_items():
    torch.manual_seed(0)
    model = Words()
    masks = ([1, 1, 0, 0, 0], [1, 1, 1, 1, 1], [1, 0, 0, 0, 0])
    data = [
        {"input_ids": torch.randint(0, 9, (5,)), "attention_mask": torch.tensor(mask), "labels": 0}
        for mask in masks
    ]
    found = attributions(plan(model, DataLoader(data, batch_size=3)), [0, 1, 2],
                         method="integrated_gradients", target=1)  # fmt: skip
    for row, each in enumerate(found):
        alone = (model.embed(data[row]["input_ids"]) @ model.head.weight[1]).detach().numpy()
        np.testing.assert_allclose(each.map, alone * data[row]["attention_mask"].numpy(), atol=1e-5)


@pytest.mark.parametrize("name", FAMILIES)
@pytest.mark.parametrize("method", METHODS)
def test_every_family_can_be_asked_and_is_left_as_it_was(name, method):
    model = make(name).train()
    x = FAMILIES[name].sample(5)
    found = plan(model, DataLoader(TensorDataset(x), batch_size=4))
    before = belongings(model)
    for step in attribute(found, [0, 3], method=method, steps=10):
        assert_same(before, belongings(model))
        assert not isinstance(step, Attribution) or np.isfinite(step.values).all()


def test_a_frozen_model_can_be_asked_too():
    model, x = convolutional().requires_grad_(False), torch.rand(2, 1, 8, 8)
    (found,) = attributions(planned(model, x), [0])
    (other,) = attributions(planned(convolutional(), x), [0])
    np.testing.assert_array_equal(found.values, other.values)


def run(model):
    attributions(plan(model, loader()), [0, 5], method="integrated_gradients")


def stop_early(model):
    steps = attribute(plan(model, loader()), [0, 5], method="integrated_gradients")
    next(steps), next(steps)
    steps.close()


def fail(model):
    found = plan(model, loader())
    model.fail_at = model.calls.item() + 2
    attributions(found, [0, 5], method="integrated_gradients")


def interrupt(model):
    model.fail_with = KeyboardInterrupt
    fail(model)


def fail_with_a_unit(model):
    found = plan(model, loader())
    model.fail_at = model.calls.item() + 2
    attributions(found, [0, 5], method="occlusion", layer="fc1", unit=2)


@pytest.mark.parametrize(
    ("visit", "error"),
    [(run, None), (stop_early, None), (fail, RuntimeError), (interrupt, KeyboardInterrupt),
     (fail_with_a_unit, RuntimeError)],
)  # fmt: skip
def test_an_attribution_leaves_everything_as_it_was(visit, error):
    model = restless()
    before = belongings(model)
    if error is None:
        visit(model)
    else:
        with pytest.raises(error):
            visit(model)
    assert_same(before, belongings(model))


def test_hooks_that_captum_would_leave_are_taken_off(monkeypatch):
    import captum.attr

    def leave_a_hook(self, *_, **__):
        self.forward_func.__self__.plan.model[1].register_forward_hook(lambda *_: None)
        raise RuntimeError("made to fail")

    monkeypatch.setattr(captum.attr.IntegratedGradients, "attribute", leave_a_hook)
    model = linear()
    own = model[1].register_forward_hook(lambda *_: None)
    with pytest.raises(RuntimeError, match="made to fail"):
        attributions(planned(model, torch.randn(2, 1, 4, 4)), [0], method="integrated_gradients")
    assert list(model[1]._forward_hooks) == [own.id]


def test_progress_is_told_piece_by_piece():
    found = planned(linear(), torch.randn(40, 1, 4, 4))
    steps = list(attribute(found, range(40), method="integrated_gradients", steps=20))
    told = [step for step in steps if isinstance(step, tuple)]
    assert told == [(i, 12) for i in range(1, 13)]
    assert [step.row for step in steps if isinstance(step, Attribution)] == list(range(40))


def test_a_path_is_cut_into_pieces_that_make_it_up():
    for steps in (1, 4, 5, 23, 50):
        path = _path(steps)
        assert sum(size for _, _, size in path) == steps
        assert [begin for begin, _, _ in path[1:]] == [end for _, end, _ in path[:-1]]
        assert (path[0][0], path[-1][1]) == (0, 1)


@pytest.mark.parametrize(
    ("shape", "axes"),
    [((5,), ()), ((8, 9), ()), ((7, 3), (1,)), ((3, 7), (0,)), ((1, 8, 8), (0,)),
     ((3, 8, 8), (0,)), ((8, 8, 3), (2,)), ((2, 3, 8, 8), (0, 1))],
)  # fmt: skip
def test_channels_are_summed_wherever_they_stand(shape, axes):
    assert summed_axes(shape) == axes


def test_weights_that_changed_since_the_pass_are_noticed():
    model = linear()
    found = planned(model, torch.randn(4, 1, 4, 4))
    with torch.no_grad():
        model[1].weight.add_(1)
    with pytest.raises(ModelChanged):
        attributions(found, [0])


class NoGradient(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(6, 3)

    @torch.no_grad()
    def forward(self, x):
        return self.head(x)


def test_a_model_that_computes_without_gradients_is_refused_but_can_be_occluded():
    found = planned(NoGradient(), torch.randn(4, 6))
    for method in METHODS[:2]:
        with pytest.raises(ValueError, match=r"NoGradient computes its scores under torch.no_grad"):
            attributions(found, [0], method=method)
    assert len(attributions(found, [0], method="occlusion")) == 1


class Counts(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(6, 3)

    def forward(self, x):
        return self.head(x.float())


def test_whole_numbers_without_an_embedding_are_refused_in_words():
    found = planned(Counts(), torch.randint(0, 9, (4, 6)))
    with pytest.raises(ValueError, match=r"whole numbers.*no nn.Embedding of Counts was called"):
        attributions(found, [0])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"method": "magic"}, r"method must be"),
        ({"target": "loss"}, r"the loss is not attributed"),
        ({"target": 3}, r"target must be"),
        ({"layer": "1"}, r"layer='1' needs unit="),
        ({"layer": "9", "unit": 0}, r"layer must be"),
        ({"layer": "1", "unit": 3}, r"unit must be from 0 to 2 in layer '1', got 3"),
        ({"layer": "1", "unit": 0, "target": 1}, r"Give either target=, a class, or unit="),
        ({"baseline": np.zeros(5)}, r"baseline must be a number, or an array of an input's shape"),
        ({"steps": 0}, r"steps must be"),
        ({"window": 0, "method": "occlusion"}, r"window must be"),
    ],
)
def test_what_cannot_be_had_is_refused_in_words(options, words):
    with pytest.raises(ValueError, match=words):
        attributions(planned(linear(), torch.randn(4, 1, 4, 4)), [0], **options)


def test_without_labels_the_true_class_is_refused():
    found = planned(linear(), torch.randn(4, 1, 4, 4), label=torch.full((4,), -1))
    with pytest.raises(ValueError, match=r'target="label" needs the items\' labels'):
        attributions(found, [0], target="label")


def test_without_captum_the_line_that_installs_it_is_given(monkeypatch):
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    with pytest.raises(ImportError, match=r"pip install 'latentlens\[saliency\]'"):
        attributions(planned(linear(), torch.randn(4, 1, 4, 4)), [0])
