import numpy as np
import pytest
import threadpoolctl
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from latentlens.core import allocate, sample_size
from latentlens.samplers import (
    SAMPLERS,
    GMMSampler,
    MaxMarginSampler,
    RandomSampler,
    StratifiedSampler,
)
from latentlens.samplers.base import rank_within, standardise

WITH_J = [
    MaxMarginSampler(method="coupling"),
    MaxMarginSampler(method="multinomial"),
    GMMSampler(covariance="full"),
    GMMSampler(covariance="spherical"),
]
WITHOUT_J = [
    *(entry.make(0) for entry in SAMPLERS.values() if not entry.uses_j),
    StratifiedSampler(allocation="equal"),
    StratifiedSampler(allocation="sqrt", floor=1),
]
EVERY = WITH_J + WITHOUT_J
SIZED = [sampler for sampler in EVERY if sampler._name != "boundary_tree"]
DRAWN = [sampler for sampler in WITHOUT_J if not getattr(sampler, "weighted", False)]


def over(samplers):
    return pytest.mark.parametrize("sampler", samplers, ids=str)


every_sampler = over(EVERY)
with_j = over(WITH_J)


@every_sampler
def test_a_fit_ranks_every_item_once(sampler, blobs):
    latent, label, pred = blobs()
    ranking = clone(sampler).fit(latent, label, pred).ranking_
    assert ranking.group_size.sum() == len(latent)
    for g, size in enumerate(ranking.group_size):
        assert sorted(ranking.rank[ranking.group == g]) == list(range(size))


@with_j
def test_within_a_group_the_ratio_rises_with_the_rank(sampler, blobs):
    fitted = clone(sampler).fit(*blobs())
    ranking = fitted.ranking_
    assert np.isfinite(ranking.log_ratio).all()
    for g in range(len(ranking.group_size)):
        rows = np.flatnonzero(ranking.group == g)
        assert (np.diff(ranking.log_ratio[rows[np.argsort(ranking.rank[rows])]]) >= 0).all()
    assert fitted.log_ratio_ is ranking.log_ratio
    assert fitted.order_.tolist() == ranking.order.tolist()


@every_sampler
@pytest.mark.parametrize("fraction", [0.001, 0.01, 0.2, 0.9])
def test_a_sample_shares_its_items_among_the_groups_by_its_rule(sampler, fraction, blobs):
    ranking = clone(sampler).fit(*blobs()).ranking_
    n = sample_size(fraction, 120)
    share = allocate(n, ranking.group_size, ranking.allocation, floor=ranking.floor)
    taken = np.bincount(ranking.sample(fraction, 0.7).group, minlength=len(share))
    assert taken.tolist() == share.tolist()


@over(SIZED)
@pytest.mark.parametrize("fraction", [0.001, 0.01, 0.2, 0.9])
def test_a_sample_has_the_size_that_was_asked_for(sampler, fraction, blobs):
    assert len(clone(sampler).fit(*blobs()).sample(fraction)) == sample_size(fraction, 120)


@every_sampler
def test_the_same_seed_gives_the_same_sample(sampler, blobs):
    first, second = (clone(sampler).fit(*blobs()).sample(0.3) for _ in range(2))
    assert first.index.tolist() == second.index.tolist()


@every_sampler
def test_the_number_of_threads_does_not_matter(sampler, blobs):
    samples = []
    for n_threads in (1, 4):
        with threadpoolctl.threadpool_limits(n_threads):
            fitted = clone(sampler).fit(*blobs(n=900, d=40))
        samples.append((fitted.order_.tolist(), fitted.log_ratio_.tolist()))
    assert samples[0] == samples[1]


@every_sampler
def test_a_clone_is_unfitted_and_has_the_same_arguments(sampler, blobs):
    fitted = clone(sampler).fit(*blobs())
    again = clone(fitted)
    assert again.get_params() == fitted.get_params()
    with pytest.raises(NotFittedError):
        again.sample(0.1)


@every_sampler
def test_slicing_leaves_the_ranking_alone(sampler, blobs):
    fitted = clone(sampler).fit(*blobs())
    order = fitted.order_.copy()
    fitted.sample(0.1)
    fitted.sample(0.9)
    assert fitted.order_.tolist() == order.tolist()


@over(SIZED)
def test_a_sample_of_everything_is_everything_and_weighs_one(sampler, blobs):
    sample = clone(sampler).fit(*blobs()).sample(1.0)
    assert sorted(sample.index) == list(range(120))
    assert sample.weight.tolist() == [1.0] * 120


@over(DRAWN)
@pytest.mark.parametrize("fraction", [0.05, 0.2, 0.6])
def test_weights_sum_to_the_size_of_every_group_in_the_sample(sampler, fraction, blobs):
    ranking = clone(sampler).fit(*blobs()).ranking_
    sample = ranking.sample(fraction, 0.0)
    if not ranking.probability and ranking.weigh is None:
        assert set(sample.weight) == {1.0}
        return
    for g in np.unique(sample.group):
        size = ranking.group_size[g]
        assert sample.weight[sample.group == g].sum() == pytest.approx(size)


@over(WITHOUT_J)
def test_j_is_refused_where_it_does_not_apply(sampler, blobs):
    with pytest.raises(TypeError, match=r"takes no j, got 0.5: .* Leave it out"):
        clone(sampler).fit(*blobs()).sample(0.1, j=0.5)


@over(WITHOUT_J)
def test_a_single_item_is_a_sample(sampler):
    if not getattr(sampler, "weighted", False):
        fitted = clone(sampler).fit([[1.0, 2.0]], [0], [0])
        assert fitted.sample(0.05).index.tolist() == [0]


@over(DRAWN)
def test_equal_latents_and_constant_units_are_no_obstacle(sampler, blobs):
    _, label, pred = blobs()
    ranking = clone(sampler).fit(np.full((120, 4), 3.7, np.float32), label, pred).ranking_
    for g, size in enumerate(ranking.group_size):
        assert sorted(ranking.rank[ranking.group == g]) == list(range(size))
    assert np.isfinite(ranking.sample(0.2, 0.0).weight).all()


@every_sampler
@pytest.mark.parametrize("fraction", [0, -0.1, 1.1, float("nan")])
def test_a_fraction_lies_between_zero_and_one(sampler, fraction, blobs):
    fitted = clone(sampler).fit(*blobs())
    with pytest.raises(ValueError, match=r"fraction must be between 0 \(excluded\) and 1"):
        fitted.sample(fraction)


@with_j
def test_j_may_be_given_anew_with_each_sample(sampler, blobs):
    fitted = clone(sampler).set_params(j=1.0).fit(*blobs())
    assert set(fitted.sample(0.2).frame["role"]) == {"outlier"}
    assert set(fitted.sample(0.2, j=0.0).frame["role"]) == {"exemplar"}


@with_j
def test_j_is_checked_by_fit_and_by_sample(sampler, blobs):
    with pytest.raises(ValueError, match=r"j must be between 0 and 1, got 1\.5"):
        clone(sampler).set_params(j=1.5).fit(*blobs())
    with pytest.raises(ValueError, match="j must be between 0 and 1, got -1"):
        clone(sampler).fit(*blobs()).sample(0.1, j=-1)


@every_sampler
def test_a_latent_that_is_not_finite_is_refused(sampler, blobs):
    latent, label, pred = blobs()
    latent[7, 0] = np.nan
    with pytest.raises(ValueError, match=r"latent has NaN or infinite .* row 7"):
        clone(sampler).fit(latent, label, pred)


@every_sampler
@pytest.mark.parametrize(
    ("label", "words"),
    [(np.zeros(119), r"label must have shape \(120,\)"), (np.full(120, -2), "got -2")],
)
def test_labels_that_do_not_fit_are_refused(sampler, label, words, blobs):
    with pytest.raises(ValueError, match=words):
        clone(sampler).fit(blobs()[0], label)


@every_sampler
def test_predictions_for_some_items_only_are_refused(sampler, blobs):
    latent, label, pred = blobs()
    pred[:3] = -1
    with pytest.raises(
        ValueError, match="pred must be known for all items or for none, got -1 for"
    ):
        clone(sampler).fit(latent, label, pred)


@over(SIZED)
def test_items_without_a_label_are_ranked_too(sampler, blobs):
    latent, label, pred = blobs()
    label[::3] = -1
    assert sorted(clone(sampler).fit(latent, label, pred).sample(1.0).index) == list(range(120))


@with_j
def test_one_class_only_is_refused_in_words(sampler, blobs):
    latent, label, _ = blobs()
    with pytest.raises(ValueError, match=r"at least 2 c.* got 1.* RandomSampler"):
        clone(sampler).fit(latent, np.zeros_like(label))


@with_j
def test_one_item_only_is_refused_in_words(sampler):
    with pytest.raises(ValueError, match=r"at least 2 c.* got 1.* RandomSampler"):
        clone(sampler).fit([[1.0, 2.0]], [0])


@with_j
def test_constant_latents_keep_the_order_of_the_items(sampler, blobs):
    _, label, _ = blobs()
    fitted = clone(sampler).fit(np.full((120, 4), 3.7, np.float32), label)
    ranking = fitted.ranking_
    for g in range(len(ranking.group_size)):
        rows = np.flatnonzero(ranking.group == g)
        assert ranking.rank[rows].tolist() == list(range(len(rows)))


@with_j
def test_fewer_items_than_classes_are_ranked_among_those_that_occur(sampler):
    latent = np.array([[0.0, 1.0], [5.0, -1.0], [-4.0, 9.0]])
    fitted = clone(sampler).fit(latent, [7, 0, 3])
    assert fitted.classes_.tolist() == [0, 3, 7]
    assert sorted(fitted.sample(1.0).index) == [0, 1, 2]
    assert len(fitted.sample(0.01)) == 1


@with_j
def test_extreme_values_do_not_overflow(sampler, blobs):
    latent, label, pred = blobs()
    plain = clone(sampler).fit(latent, label, pred)
    for scale in (1e-30, 1e30):
        scaled = clone(sampler).fit(latent.astype(np.float64) * scale, label, pred)
        overlap = set(plain.sample(0.3).index) & set(scaled.sample(0.3).index)
        assert len(overlap) >= 34


@pytest.mark.parametrize("name", list(SAMPLERS))
def test_the_registry_makes_what_its_entries_say(name, blobs):
    entry = SAMPLERS[name]
    ranking = entry.make(0).fit(*blobs()).ranking_
    assert (ranking.sampler, ranking.uses_j) == (name, entry.uses_j)
    assert ranking.uses_fraction == entry.uses_fraction
    assert bool(entry.reason) == (not (entry.uses_j and entry.uses_fraction))


def test_another_samplers_arguments_are_refused():
    with pytest.raises(TypeError, match="covariance"):
        MaxMarginSampler(covariance="full")
    with pytest.raises(TypeError, match="group_by"):
        GMMSampler(group_by="true")
    with pytest.raises(TypeError, match="'j'"):
        RandomSampler(j=0.5)


@given(st.integers(0, 2**32 - 1), st.integers(1, 30))
def test_ranks_within_groups_agree_with_sorting_each_group(seed, n):
    rng = np.random.default_rng(seed)
    group, key = rng.integers(0, 5, n), rng.integers(0, 4, n).astype(float)
    rank = rank_within(group, key)
    for g in range(5):
        rows = np.flatnonzero(group == g).tolist()
        assert sorted(rows, key=lambda i: rank[i]) == sorted(rows, key=lambda i: (key[i], i))


def test_standardising_leaves_rounding_of_a_constant_unit_at_zero():
    rng = np.random.default_rng(0)
    latent = np.stack([rng.normal(5, 2, 50), 1e6 + rng.choice([0, 0.06], 50)], axis=1)
    points = standardise(latent)
    assert points[:, 0].mean() == pytest.approx(0)
    assert points[:, 0].std() == pytest.approx(1)
    assert not points[:, 1].any()
