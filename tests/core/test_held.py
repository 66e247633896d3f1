"""Raw activations of a sample, within a budget."""

import numpy as np

from latentlens.core.held import HeldActivations


def values(n, units, start=0):
    return np.arange(start, start + n * units, dtype=np.float32).reshape(n, units)


def test_what_is_held_comes_back_by_row():
    held = HeldActivations(10, budget=1000)
    held.hold("a", np.array([7, 2]), values(2, 3))
    held.hold("a", np.array([5]), values(1, 3, start=100))
    np.testing.assert_array_equal(
        held.values("a", np.array([2, 5, 7])), [[3, 4, 5], [100, 101, 102], [0, 1, 2]]
    )
    np.testing.assert_array_equal(held.missing("a", np.array([1, 2, 9])), [1, 9])


def test_the_layer_used_longest_ago_gives_way():
    held = HeldActivations(10, budget=60)
    held.hold("a", np.array([0]), values(1, 5))
    held.hold("b", np.array([0]), values(1, 5))
    held.values("a", np.array([0]))
    held.hold("c", np.array([0, 1]), values(2, 5))
    assert held.nbytes == 60
    assert len(held.missing("a", np.array([0]))) == 0
    assert len(held.missing("b", np.array([0]))) == 1


def test_what_exceeds_the_budget_alone_is_not_held_and_costs_nothing():
    held = HeldActivations(10, budget=30)
    held.hold("a", np.array([0]), values(1, 5))
    assert not held.hold("b", np.array([0, 1]), values(2, 5))
    assert held.nbytes == 20
