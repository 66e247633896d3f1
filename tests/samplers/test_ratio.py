import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from latentlens.samplers.ratio import NEVER_SEEN, log_probability, log_ratio


@given(st.integers(0, 2**32 - 1), st.integers(2, 8))
def test_the_log_ratio_is_that_of_p_over_one_minus_p(seed, n_groups):
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(n_groups) * 2, 20)
    own = rng.integers(0, n_groups, 20)
    mine = p[np.arange(20), own]
    assert log_ratio(np.log(p), own) == pytest.approx(np.log(mine / (1 - mine)), abs=1e-9)


def test_the_log_ratio_does_not_saturate():
    scores = np.array([[0.0, 800.0], [0.0, 900.0], [0.0, -900.0]])
    assert log_ratio(scores, np.array([1, 1, 1])).tolist() == [800, 900, -900]


def test_a_constant_added_to_an_items_weights_changes_nothing():
    scores = np.random.default_rng(0).normal(size=(9, 4))
    own = scores.argmax(axis=1)
    assert log_ratio(scores + 70, own) == pytest.approx(log_ratio(scores, own))


def test_a_group_never_seen_has_a_finite_ratio():
    assert log_ratio(np.zeros((1, 3)), np.array([-1])).tolist() == [NEVER_SEEN]


def test_probabilities_stay_clear_of_zero_and_one():
    assert np.exp(log_probability(np.array([0.0, 0.5, 1.0]))).tolist() == pytest.approx(
        [1e-12, 0.5, 1 - 1e-12], rel=1e-9
    )
