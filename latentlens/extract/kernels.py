"""The inner loops of the pass on a CPU, compiled.

Each releases the interpreter's lock, so that plain threads share the work:
rows for the top-K index, units for the sums.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

import numba
import numpy as np

_F = TypeVar("_F", bound=Callable[..., Any])

COLUMNS = 256
"""How many maxima a row is first brought down to; each is of every 256th unit, so
that a strong spot of an image, whose units are neighbours, falls into many."""

_ENOUGH = 4
"""How many more than K maxima may reach the threshold before it is found good enough."""

_ROOM = 96
"""Up to how many candidates are ranked all against all, which needs no branches."""


def _compiled(function: _F, *, exact: bool = True) -> _F:
    """Compile on first use and keep the result on disk, if any folder takes it."""
    # Signed zeros and reordered maxima are harmless where only maxima are taken.
    loose: set[str] = set() if exact else {"nnan", "ninf", "nsz"}
    compile_: Any = partial(numba.njit, nogil=True, error_model="numpy", fastmath=loose)
    try:
        return compile_(function, cache=True)
    except RuntimeError:
        return compile_(function)


def _loose(function: _F) -> _F:
    return _compiled(function, exact=False)


@_loose
def _column_maxima(row, bits, high, size):  # type: ignore[no-untyped-def]
    """Fill `high` with the maximum of every `size`-th unit; give the largest magnitude's bits."""
    units = len(row)
    worst = np.int32(0)
    h = high[:size]
    h[:] = row[:size]
    for begin in range(0, units, size):
        part = row[begin : begin + size]
        part_bits = bits[begin : begin + size]
        for s in range(len(part)):
            v = part[s]
            g = h[s]
            h[s] = v if v > g else g
            magnitude = part_bits[s] & np.int32(0x7FFFFFFF)
            worst = magnitude if magnitude > worst else worst
    return worst


@_loose
def _threshold(high, keep):  # type: ignore[no-untyped-def]
    """Find a value that at least `keep` of the maxima reach, and few more."""
    low = high[0]
    top = high[0]
    for s in range(len(high)):
        low = min(low, high[s])
        top = max(top, high[s])
    for _ in range(24):
        middle = np.float32(0.5) * (low + top)
        if middle <= low or middle >= top:
            break
        count = np.int32(0)
        for s in range(len(high)):
            count += np.int32(1) if high[s] >= middle else np.int32(0)
        if count < keep:
            top = middle
            continue
        low = middle
        if count <= keep + _ENOUGH:
            break
    return low


@_compiled
def _sort_key(bits, value, unit):  # type: ignore[no-untyped-def]
    """Make one integer that orders by value, and equal values by ascending unit."""
    # A float's bits, read as an integer, order as the float does once the lower bits of
    # negative ones are flipped; -0.0 must equal 0.0.
    b = np.int64(bits)
    b = b ^ ((b >> 63) & 0x7FFFFFFF) if value != 0 else np.int64(0)
    return (b << 32) | np.int64(0xFFFFFFFF - unit)


@_compiled
def _rank_all(keys, best):  # type: ignore[no-untyped-def]
    """Put the largest of `keys` in order into `best` by counting the larger ones of each."""
    keep = len(best)
    for i in range(len(keys)):
        key = keys[i]
        larger = 0
        for j in range(len(keys)):
            larger += 1 if keys[j] > key else 0
        if larger < keep:
            best[larger] = key


@_compiled
def _insert(keys, count, best):  # type: ignore[no-untyped-def]
    """Put the largest of the first `count` keys in order into `best` one by one."""
    keep = len(best)
    for c in range(count):
        key = keys[c]
        if c >= keep and key <= best[keep - 1]:
            continue
        p = min(c, keep - 1)
        while p > 0 and best[p - 1] < key:
            best[p] = best[p - 1]
            p -= 1
        best[p] = key


@_compiled
def _candidates(  # type: ignore[no-untyped-def]  # noqa: PLR0917  compiled calls are positional
    row, bits, high, floor, above, keys
):
    """Collect the keys of all units above `floor`; give their number."""
    size = len(high)
    count = 0
    for s in range(size):
        if high[s] <= floor:
            continue
        for u in range(s, len(row), size):
            # Written always and counted if it holds: a branch here would be guessed wrong.
            above[count] = u
            count += row[u] > floor
    for c in range(count):
        u = above[c]
        keys[c] = _sort_key(bits[u], row[u], u)
    return count


@_compiled
def top_rows(x, bits, unit, value, silent):  # type: ignore[no-untyped-def]
    """Fill the top-K index of some rows.

    The K-th largest of a row's column maxima is a value that K of its units
    reach, so that the K largest units are among those that reach it too.

    Parameters
    ----------
    x : ndarray of shape (n, units), float32
    bits : ndarray of shape (n, units), int32
        The same memory.
    unit, value : ndarray of shape (n, K)
        Filled: largest first, equal values by ascending unit.
    silent : ndarray of shape (n,), bool
        Filled: whether all units are zero.

    Returns
    -------
    bool
        Whether all values are finite; if not, what was filled means nothing.
    """
    n, units = x.shape
    keep = unit.shape[1]
    high = np.empty(min(units, COLUMNS), np.float32)
    above = np.empty(units + 1, np.int32)
    keys = np.empty(units, np.int64)
    best = np.empty(keep, np.int64)
    for i in range(n):
        row = x[i]
        worst = _column_maxima(row, bits[i], high, len(high))
        if worst >= 0x7F800000:
            return False
        silent[i] = worst == 0
        floor = _threshold(high, keep)
        count = _candidates(row, bits[i], high, floor, above, keys)
        if count <= _ROOM:
            _rank_all(keys[:count], best)
        else:
            _insert(keys, count, best)
        filled = min(count, keep)
        for p in range(filled):
            u = 0xFFFFFFFF - (best[p] & 0xFFFFFFFF)
            unit[i, p] = u
            value[i, p] = row[u]
        # Fewer lie above it than are kept: the rest equal it, and the first units come first.
        u = 0
        while filled < keep:
            if row[u] == floor:
                unit[i, filled] = u
                value[i, filled] = row[u]
                filled += 1
            u += 1
    return True


@_loose
def add_rows(  # type: ignore[no-untyped-def]  # noqa: PLR0917  compiled calls are positional
    x, order, start, cell, total, high, low, begin, end
):
    """Add rows to the sums of their cells, and to the extremes, for some of the units.

    Parameters
    ----------
    x : ndarray of shape (n, units), float32
    order : ndarray of shape (m,), int64
        Rows, cell by cell.
    start : ndarray of shape (n_present + 1,), int64
        Where each cell's rows begin in `order`.
    cell : ndarray of shape (n_present,), int64
        Rows of `total`.
    total : ndarray of shape (n_cells, units), float64
    high, low : ndarray of shape (units,), float32
    begin, end : int
        The units to do.
    """
    for b in range(begin, end, 512):
        e = min(b + 512, end)
        hi = high[b:e]
        lo = low[b:e]
        for c in range(len(cell)):
            t = total[cell[c], b:e]
            r = start[c]
            # Eight rows at a time, so that the sums are fetched and stored once for eight.
            while r + 8 <= start[c + 1]:
                x0 = x[order[r], b:e]
                x1 = x[order[r + 1], b:e]
                x2 = x[order[r + 2], b:e]
                x3 = x[order[r + 3], b:e]
                x4 = x[order[r + 4], b:e]
                x5 = x[order[r + 5], b:e]
                x6 = x[order[r + 6], b:e]
                x7 = x[order[r + 7], b:e]
                for u in range(len(t)):
                    t[u] += (
                        (np.float64(x0[u]) + np.float64(x1[u]))
                        + (np.float64(x2[u]) + np.float64(x3[u]))
                    ) + (
                        (np.float64(x4[u]) + np.float64(x5[u]))
                        + (np.float64(x6[u]) + np.float64(x7[u]))
                    )
                    top = max(x0[u], x1[u], x2[u], x3[u])
                    hi[u] = max(hi[u], top, x4[u], x5[u], x6[u], x7[u])
                    bottom = min(x0[u], x1[u], x2[u], x3[u])
                    lo[u] = min(lo[u], bottom, x4[u], x5[u], x6[u], x7[u])
                r += 8
            while r < start[c + 1]:
                x0 = x[order[r], b:e]
                for u in range(len(t)):
                    t[u] += np.float64(x0[u])
                    hi[u] = max(hi[u], x0[u])
                    lo[u] = min(lo[u], x0[u])
                r += 1


def load() -> None:
    """Compile the loops, or fetch them from disk, by using them on one row."""
    x = np.zeros((1, 1), np.float32)
    one = np.zeros(1, np.int64)
    unit = np.zeros((1, 1), np.uint16)
    top_rows(x, x.view(np.int32), unit, x.copy(), np.zeros(1, np.bool_))
    add_rows(x, one, np.array([0, 1]), one, np.zeros((1, 1)), x[0].copy(), x[0].copy(), 0, 1)
