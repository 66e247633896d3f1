import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from latentlens.samplers import coupling
from latentlens.samplers.coupling import couple, fit_platt

SEEDS = st.integers(0, 2**32 - 1)


def draw_pairs(rng, n, n_classes):
    upper = np.triu(rng.uniform(0.02, 0.98, (n, n_classes, n_classes)), 1)
    lower = np.tril(1 - upper.transpose(0, 2, 1), -1)
    return upper + lower


def pairwise_loss(p, r):
    n_classes = len(p)
    return sum(
        (r[j, i] * p[i] - r[i, j] * p[j]) ** 2
        for i in range(n_classes)
        for j in range(n_classes)
        if i != j
    )


def by_sweeps(r, sweeps=20_000):
    """The iteration that libsvm runs, to the end."""
    n_classes = len(r)
    q = -r.T * r
    for i in range(n_classes):
        q[i, i] = sum(r[j, i] ** 2 for j in range(n_classes) if j != i)
    p = np.full(n_classes, 1 / n_classes)
    for _ in range(sweeps):
        before = p.copy()
        for t in range(n_classes):
            p[t] += (-(q @ p)[t] + p @ q @ p) / q[t, t]
            p /= p.sum()
        if np.abs(p - before).max() < 1e-15:
            break
    return p


@given(SEEDS, st.integers(3, 6))
def test_coupling_agrees_with_libsvms_iteration(seed, n_classes):
    pair = draw_pairs(np.random.default_rng(seed), 1, n_classes)
    assert couple(pair)[0] == pytest.approx(by_sweeps(pair[0]), abs=1e-9)


@given(SEEDS, st.integers(2, 6))
def test_no_neighbouring_distribution_fits_the_pairs_better(seed, n_classes):
    rng = np.random.default_rng(seed)
    pair = draw_pairs(rng, 1, n_classes)
    p = couple(pair)[0]
    best = pairwise_loss(p, pair[0])
    for other in rng.dirichlet(np.ones(n_classes), 10):
        assert best <= pairwise_loss(0.99 * p + 0.01 * other, pair[0]) + 1e-12


@given(SEEDS, st.integers(2, 8))
def test_consistent_pairs_give_their_distribution_back(seed, n_classes):
    p = np.random.default_rng(seed).dirichlet(np.ones(n_classes) * 3, 4)
    pair = p[:, :, None] / (p[:, :, None] + p[:, None, :])
    assert couple(pair) == pytest.approx(p, abs=1e-6)


def test_two_classes_need_no_coupling():
    pair = np.array([[[0.5, 0.8], [0.2, 0.5]]])
    assert couple(pair)[0] == pytest.approx([0.8, 0.2])


def test_certain_pairs_still_give_a_distribution():
    pair = np.triu(np.ones((1, 4, 4)), 1)
    p = couple(pair)[0]
    assert p.sum() == pytest.approx(1)
    assert p[0] > 1 - 1e-5


def test_items_in_several_chunks_come_out_as_in_one(monkeypatch):
    pair = draw_pairs(np.random.default_rng(0), 10, 4)
    whole = couple(pair)
    monkeypatch.setattr(coupling, "ROWS_AT_ONCE", 3)
    assert couple(pair).tolist() == whole.tolist()


def platt_loss(ab, decision, positive):
    n_positive, n_negative = positive.sum(), (~positive).sum()
    target = np.where(positive, (n_positive + 1) / (n_positive + 2), 1 / (n_negative + 2))
    p = 1 / (1 + np.exp(ab[0] * decision + ab[1]))
    return -np.sum(target * np.log(p) + (1 - target) * np.log(1 - p))


@given(SEEDS)
def test_platts_sigmoid_agrees_with_a_general_optimiser(seed):
    rng = np.random.default_rng(seed)
    positive = rng.random(40) < 0.4
    positive[:2] = True, False
    decision = np.where(positive, 1, -1) + rng.normal(size=40)
    ours = np.array(fit_platt(decision, positive))
    other = minimize(platt_loss, [0.0, 0.0], args=(decision, positive), method="BFGS", tol=1e-9)
    assert platt_loss(ours, decision, positive) <= other.fun + 1e-6
    assert ours == pytest.approx(other.x, abs=1e-3)


def test_platts_sigmoid_of_separable_classes_is_finite_and_rises():
    a, b = fit_platt(np.array([-3.0, -2.0, 2.0, 3.0]), np.array([False, False, True, True]))
    assert np.isfinite([a, b]).all()
    assert a < 0


def test_platts_sigmoid_of_constant_decisions_is_the_share_of_positives():
    _, b = fit_platt(np.zeros(4), np.array([True, False, False, False]))
    # The targets are (1 + 1) / (1 + 2) once and 1 / (3 + 2) three times.
    assert 1 / (1 + np.exp(b)) == pytest.approx((2 / 3 + 3 / 5) / 4, abs=1e-5)
