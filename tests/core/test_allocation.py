from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentlens.core import ALLOCATIONS, allocate
from latentlens.core.allocation import EMPTY_ERROR

SIZES = st.lists(st.integers(0, 40), min_size=1, max_size=8).filter(sum)
SHARING = [rule for rule in ALLOCATIONS if rule != "fixed"]


def ask(n, sizes, rule, floor=0):
    return allocate(n, np.array(sizes, np.int64), rule, floor=floor).tolist()


def one_by_one(n, sizes, claim):
    """Give the next item to the group of the least claim, the first of equals."""
    share = [0] * len(sizes)
    for _ in range(n):
        open_ = [g for g in range(len(sizes)) if share[g] < sizes[g]]
        share[min(open_, key=lambda g: (claim(share[g], sizes[g]), g))] += 1
    return share


def predicted(share, sizes):
    pairs = [(n, size) for n, size in zip(share, sizes, strict=True) if size]
    return sum(np.sqrt(1 / n - 1 / size) if n else EMPTY_ERROR for n, size in pairs)


def by_completion(n, sizes):
    """Try every number of smallest groups taken whole, the rest filled one by one."""
    order = sorted(range(len(sizes)), key=lambda g: (sizes[g], g))
    tried = []
    for m in range(len(sizes) + 1):
        whole = sum(sizes[g] for g in order[:m])
        if whole > n:
            break
        rest = one_by_one(n - whole, [sizes[g] for g in order[m:]], lambda share, _: share)
        share = [0] * len(sizes)
        for g, part in zip(order, [sizes[g] for g in order[:m]] + rest, strict=True):
            share[g] = part
        tried.append(share)
    return min(tried, key=lambda share: predicted(share, sizes)), tried


@given(SIZES, st.data())
def test_equal_fills_the_emptiest_group_again_and_again(sizes, data):
    n = data.draw(st.integers(0, sum(sizes)))
    assert ask(n, sizes, "equal") == one_by_one(n, sizes, lambda share, _: share)


@given(SIZES, st.data())
def test_sqrt_is_websters_rule_on_square_roots(sizes, data):
    n = data.draw(st.integers(0, sum(sizes)))
    expected = one_by_one(n, sizes, lambda share, size: Fraction((2 * share + 1) ** 2, size))
    assert ask(n, sizes, "sqrt") == expected


@given(SIZES, st.data())
def test_completion_promises_the_least_error_of_all_that_take_small_groups_whole(sizes, data):
    n = data.draw(st.integers(0, sum(sizes)))
    found = ask(n, sizes, "completion")
    best, tried = by_completion(n, sizes)
    assert found in tried
    assert predicted(found, sizes) == pytest.approx(predicted(best, sizes), abs=1e-12)


@pytest.mark.parametrize(
    ("rule", "shares"),
    [
        ("proportional", [0, 0, 1, 9]),
        ("equal", [1, 3, 3, 3]),
        ("sqrt", [1, 1, 2, 6]),
        ("completion", [1, 4, 3, 2]),
        ("fixed", [1, 0, 0, 0]),
    ],
)
def test_ten_items_of_four_groups_by_hand(rule, shares):
    # The roots are 1, 2, 3.2 and 9.2, so quotas .7, 1.3, 2.1 and 6.0.
    # Completion: sizes 1 and 4 whole leave 5; 10 and 85 share them, the smaller first.
    assert ask(10, [1, 4, 10, 85], rule) == shares


@given(SIZES, st.sampled_from(SHARING), st.integers(0, 1), st.data())
def test_every_rule_spends_all_and_asks_no_group_for_more_than_it_has(sizes, rule, floor, data):
    n = data.draw(st.integers(0, sum(sizes)))
    share = ask(n, sizes, rule, floor)
    assert sum(share) == n
    assert all(0 <= part <= size for part, size in zip(share, sizes, strict=True))


@given(SIZES, st.sampled_from(SHARING), st.data())
def test_a_floor_of_one_leaves_no_group_empty_if_there_are_items_enough(sizes, rule, data):
    filled = sum(size > 0 for size in sizes)
    n = data.draw(st.integers(0, sum(sizes)))
    share = ask(n, sizes, rule, 1)
    assert sum(part > 0 for part in share) >= min(n, filled)


@given(SIZES, st.sampled_from(["equal", "sqrt"]))
def test_a_larger_sample_takes_nothing_away_where_the_rule_promises_so(sizes, rule):
    shares = [np.array(ask(n, sizes, rule)) for n in range(sum(sizes) + 1)]
    assert all((small <= large).all() for small, large in pairwise(shares))


@given(SIZES, st.integers(0, 400))
def test_a_fixed_sample_is_the_first_group_whatever_is_asked_for(sizes, n):
    assert ask(n, sizes, "fixed") == [sizes[0]] + [0] * (len(sizes) - 1)


def test_groups_of_equal_claim_are_served_in_their_order():
    for rule in SHARING:
        assert ask(2, [5, 5, 5], rule) == [1, 1, 0]


@pytest.mark.parametrize("rule", SHARING)
def test_a_million_items_in_a_thousand_groups_are_shared_exactly(rule):
    sizes = np.random.default_rng(0).geometric(0.001, 1000)
    share = allocate(50_000, sizes, rule)
    assert share.sum() == 50_000
    assert (share <= sizes).all()


def test_an_unknown_rule_is_refused():
    with pytest.raises(ValueError, match="allocation must be one of 'proportional', 'equal'"):
        ask(1, [1], "neyman")
