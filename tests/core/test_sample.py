from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentlens.core import Ranking, allocate, sample_size
from latentlens.core.sample import DRAWN, EXEMPLAR, OUTLIER

SIZES = st.lists(st.integers(0, 40), min_size=1, max_size=8).filter(sum)
SHARES = st.integers(0, 20).map(lambda n: n / 20)


def make_ranking(sizes, seed, **kwargs):
    rng = np.random.default_rng(seed)
    group = rng.permutation(np.repeat(np.arange(len(sizes)), sizes)).astype(np.int32)
    log_ratio = rng.normal(size=len(group)).round(1)
    rank = np.zeros(len(group), np.int64)
    for g in range(len(sizes)):
        rows = np.flatnonzero(group == g)
        rank[rows[np.argsort(log_ratio[rows], kind="stable")]] = np.arange(len(rows))
    return Ranking(
        sampler="made_up",
        group=group,
        log_ratio=log_ratio,
        rank=rank,
        group_size=np.array(sizes, np.int64),
        **kwargs,
    )


@given(SIZES, st.data())
def test_allocation_agrees_with_largest_remainder_in_fractions(sizes, data):
    n = data.draw(st.integers(0, sum(sizes)))
    quota = [Fraction(n * size, sum(sizes)) for size in sizes]
    share = [int(q) for q in quota]
    by_remainder = sorted(range(len(sizes)), key=lambda g: (share[g] - quota[g], g))
    for g in by_remainder[: n - sum(share)]:
        share[g] += 1
    assert allocate(n, np.array(sizes)).tolist() == share


@given(SIZES, st.data())
def test_allocation_spends_all_and_asks_no_group_for_more_than_it_has(sizes, data):
    n = data.draw(st.integers(0, sum(sizes)))
    share = allocate(n, np.array(sizes))
    assert share.sum() == n
    assert (share <= sizes).all()


@pytest.mark.parametrize(
    ("fraction", "n_items", "size"),
    [(0.05, 10_000, 500), (0.05, 10, 1), (0.05, 30, 2), (0.0, 9, 1), (1.0, 7, 7), (0.001, 1, 1)],
)
def test_a_sample_has_at_least_one_item_and_rounds_half_up(fraction, n_items, size):
    assert sample_size(fraction, n_items) == size


@given(SIZES, SHARES, SHARES, st.integers(0, 99))
def test_each_group_gives_its_head_and_its_tail(sizes, fraction, j, seed):
    ranking = make_ranking(sizes, seed)
    roles = ranking.roles(fraction, j)
    share = allocate(sample_size(fraction, sum(sizes)), np.array(sizes))
    for g, n in enumerate(share.tolist()):
        rows = np.flatnonzero(ranking.group == g)
        rows = rows[np.argsort(ranking.rank[rows])]
        head = int(np.floor(j * n + 0.5))
        expected = [OUTLIER] * head + [0] * (len(rows) - n) + [EXEMPLAR] * (n - head)
        assert roles[rows].tolist() == expected


@given(SIZES, SHARES, SHARES, st.integers(0, 99))
def test_a_sample_lists_outliers_first_then_exemplars_the_surest_leading(sizes, fraction, j, seed):
    ranking = make_ranking(sizes, seed)
    sample = ranking.sample(fraction, j)
    roles = ranking.roles(fraction, j)
    outliers, exemplars = np.flatnonzero(roles == OUTLIER), np.flatnonzero(roles == EXEMPLAR)
    ratio, rank = ranking.log_ratio, ranking.rank
    expected = sorted(outliers, key=lambda i: (ratio[i], rank[i], i))
    expected += sorted(exemplars, key=lambda i: (-ratio[i], -rank[i], i))
    assert sample.index.tolist() == expected
    assert sample.role.tolist() == roles[sample.index].tolist()


@given(SIZES, SHARES, SHARES, st.integers(0, 99))
def test_the_order_runs_through_the_groups_by_rank(sizes, fraction, j, seed):
    del fraction, j
    ranking = make_ranking(sizes, seed)
    expected = sorted(range(len(ranking)), key=lambda i: (ranking.group[i], ranking.rank[i]))
    assert ranking.order.tolist() == expected


def test_a_ranking_without_j_gives_its_head_alone():
    ranking = make_ranking([10], 0, uses_j=False, probability=True)
    sample = ranking.sample(0.3, 0.0)
    assert sorted(ranking.rank[sample.index]) == [0, 1, 2]
    assert set(sample.role) == {DRAWN}


def test_only_a_probability_sample_has_weights():
    assert make_ranking([10], 0).sample(0.3, 0.5).weight.tolist() == [1.0] * 3
    drawn = make_ranking([10], 0, uses_j=False, probability=True).sample(0.3, 0.0)
    assert drawn.weight.tolist() == [10 / 3] * 3


def test_a_sample_is_a_frame_by_row():
    sample = make_ranking([6, 4], 1).sample(0.5, 0.5)
    frame = sample.frame
    assert frame.index.tolist() == sample.index.tolist()
    assert list(frame.columns) == ["role", "weight", "group", "log_ratio"]
    assert set(frame["role"]) == {"outlier", "exemplar"}


def test_an_item_weighs_its_groups_size_over_what_was_drawn_from_it():
    ranking = make_ranking([8, 2], 2, uses_j=False, probability=True, allocation="equal")
    sample = ranking.sample(0.4, 0.0)
    assert sample.weight.tolist() == [4.0 if g == 0 else 1.0 for g in sample.group]
    assert sample.weight.sum() == sample.n_items
    assert sample.probability


@given(SIZES, SHARES, st.integers(0, 99))
def test_weights_sum_to_the_size_of_every_group_that_is_in_the_sample(sizes, fraction, seed):
    ranking = make_ranking(sizes, seed, uses_j=False, probability=True, allocation="sqrt")
    sample = ranking.sample(fraction, 0.0)
    for g in np.unique(sample.group):
        assert sample.weight[sample.group == g].sum() == pytest.approx(sizes[g])


def test_a_sample_that_leaves_out_a_group_is_no_probability_sample_of_all():
    ranking = make_ranking([98, 2], 0, uses_j=False, probability=True)
    assert not ranking.sample(0.05, 0.0).probability
    assert ranking.sample(0.3, 0.0).probability


def test_a_floor_lets_every_group_in():
    ranking = make_ranking([98, 2], 0, uses_j=False, probability=True, floor=1)
    assert ranking.shares(0.05).tolist() == [4, 1]
    assert ranking.sample(0.05, 0.0).probability


def test_a_fixed_ranking_gives_its_first_group_at_every_fraction():
    ranking = make_ranking([3, 7], 0, uses_j=False, allocation="fixed")
    assert not ranking.uses_fraction
    for fraction in (0.01, 0.5, 1.0):
        assert set(ranking.sample(fraction, 0.0).index) == set(np.flatnonzero(ranking.group == 0))


def test_a_ranking_may_bring_its_own_weights():
    ranking = make_ranking([6], 0, uses_j=False, weigh=lambda index: index + 0.5)
    sample = ranking.sample(0.5, 0.0)
    assert sample.weight.tolist() == (sample.index + 0.5).tolist()
    assert not sample.probability
