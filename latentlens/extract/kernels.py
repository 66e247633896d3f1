"""The inner loops of the pass on a CPU, compiled.

`read_rows` reads some rows of a layer while they are in the fast caches, for the
top-K index and the sums at once, since fetching them costs as much as the work
itself. It releases the interpreter's lock, so that plain threads share the work.
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

BLOCK = 8
"""How many rows of a cell are read at a time; they shall fit into a core's own cache."""

_SPAN = 512
"""How many units are summed at a time, so that their sums stay in the fastest cache."""


def _compiled(function: _F, *, freely: frozenset[str] = frozenset()) -> _F:
    """Compile on first use and keep the result on disk, if any folder takes it."""
    compile_: Any = partial(numba.njit, nogil=True, error_model="numpy", fastmath=set(freely))
    try:
        return compile_(function, cache=True)
    except RuntimeError:
        return compile_(function)


def _loose(function: _F) -> _F:
    """Compile what meets finite values only, and gives either zero."""
    return _compiled(function, freely=frozenset({"nnan", "ninf", "nsz"}))


def _summing(function: _F) -> _F:
    """Compile what may add in any order, but must see NaN."""
    return _compiled(function, freely=frozenset({"reassoc", "nsz"}))


@_summing
def _column_maxima(row, high):  # type: ignore[no-untyped-def]
    """Fill `high` with the maximum of every `len(high)`-th unit; say whether all are finite."""
    size = len(high)
    zero = np.float32(0)
    high[:] = row[:size]
    # Zero times what is not finite is NaN, and stays so whatever is added.
    total = zero
    begin = 0
    # Four strips at a time, so that the maxima are fetched and stored once for four.
    while begin + 4 * size <= len(row):
        a = row[begin : begin + size]
        b = row[begin + size : begin + 2 * size]
        c = row[begin + 2 * size : begin + 3 * size]
        d = row[begin + 3 * size : begin + 4 * size]
        for s in range(size):
            total += zero * a[s] + zero * b[s] + (zero * c[s] + zero * d[s])
            x = a[s] if a[s] > b[s] else b[s]
            y = c[s] if c[s] > d[s] else d[s]
            x = x if x > y else y
            high[s] = x if x > high[s] else high[s]
        begin += 4 * size
    while begin < len(row):
        part = row[begin : begin + size]
        for s in range(len(part)):
            total += zero * part[s]
            high[s] = part[s] if part[s] > high[s] else high[s]
        begin += size
    return total == zero


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
def top_row(row, unit, value, high, above, keys, best):  # type: ignore[no-untyped-def]  # noqa: PLR0917  compiled calls are positional
    """Fill one row's top-K index.

    The K-th largest of a row's column maxima is a value that K of its units
    reach, so that the K largest units are among those that reach it too.

    Parameters
    ----------
    row : ndarray of shape (units,), float32
    unit, value : ndarray of shape (K,)
        Filled: largest first, equal values by ascending unit.
    high, above, keys, best : ndarray
        Working memory, of `scratch`.

    Returns
    -------
    bool
        Whether all values are finite; if not, nothing was filled.
    """
    if not _column_maxima(row, high):
        return False
    keep = len(unit)
    bits = row.view(np.int32)
    floor = _threshold(high, keep)
    count = _candidates(row, bits, high, floor, above, keys)
    if count <= _ROOM:
        _rank_all(keys[:count], best)
    else:
        _insert(keys, count, best)
    filled = min(count, keep)
    for p in range(filled):
        u = 0xFFFFFFFF - (best[p] & 0xFFFFFFFF)
        unit[p] = u
        value[p] = row[u]
    # Fewer lie above it than are kept: the rest equal it, and the first units come first.
    u = 0
    while filled < keep:
        if row[u] == floor:
            unit[filled] = u
            value[filled] = row[u]
            filled += 1
        u += 1
    return True


@_compiled
def scratch(units, keep):  # type: ignore[no-untyped-def]
    """Give the working memory of `top_row`."""
    return (
        np.empty(min(units, COLUMNS), np.float32),
        np.empty(units + 1, np.int32),
        np.empty(units, np.int64),
        np.empty(keep, np.int64),
    )


@_compiled
def _is_rectified(row, source):  # type: ignore[no-untyped-def]
    """Say whether a row is max(0, source), unit by unit."""
    for b in range(0, len(row), _SPAN):
        x = row[b : b + _SPAN]
        s = source[b : b + _SPAN]
        different = np.int32(0)
        for u in range(len(x)):
            positive = s[u] if s[u] > 0 else np.float32(0)
            different += np.int32(1) if x[u] != positive else np.int32(0)
        if different:
            return False
    return True


@_loose
def _add_rows(x, rows, total, high, low, part):  # type: ignore[no-untyped-def]  # noqa: PLR0917  compiled calls are positional
    """Add a few rows to their cell's sums and to the extremes."""
    for b in range(0, len(total), _SPAN):
        t = total[b : b + _SPAN]
        hi = high[b : b + _SPAN]
        lo = low[b : b + _SPAN]
        acc = part[: len(t)]
        acc[:] = 0
        r = 0
        while r + 4 <= len(rows):
            x0 = x[rows[r], b : b + _SPAN]
            x1 = x[rows[r + 1], b : b + _SPAN]
            x2 = x[rows[r + 2], b : b + _SPAN]
            x3 = x[rows[r + 3], b : b + _SPAN]
            for u in range(len(t)):
                acc[u] += (np.float64(x0[u]) + np.float64(x1[u])) + (
                    np.float64(x2[u]) + np.float64(x3[u])
                )
                hi[u] = max(hi[u], x0[u], x1[u], x2[u], x3[u])
                lo[u] = min(lo[u], x0[u], x1[u], x2[u], x3[u])
            r += 4
        while r < len(rows):
            x0 = x[rows[r], b : b + _SPAN]
            for u in range(len(t)):
                acc[u] += np.float64(x0[u])
                hi[u] = max(hi[u], x0[u])
                lo[u] = min(lo[u], x0[u])
            r += 1
        for u in range(len(t)):
            t[u] += acc[u]


@_compiled
def _rank(layer, i, room):  # type: ignore[no-untyped-def]
    """Fill the index of one row; say whether all its values are finite."""
    x, unit, value, silent = layer[:4]
    if not top_row(x[i], unit[i], value[i], *room):
        return False
    silent[i] = value[i, 0] == 0 and x[i].min() == 0
    return True


@_compiled
def _rank_both(layer, rectified, i, room):  # type: ignore[no-untyped-def]
    """Fill the index of one row of both layers; say whether all values are finite.

    Where the K-th value is positive, the K largest of the positive part are the same.
    """
    if not _rank(layer, i, room):
        return False
    if len(rectified[0]) == 0:
        return True
    x, unit, value = layer[:3]
    if value[i, -1] <= 0 or not _is_rectified(rectified[0][i], x[i]):
        return _rank(rectified, i, room)
    rectified[1][i] = unit[i]
    rectified[2][i] = value[i]
    rectified[3][i] = False
    return True


@_compiled
def _look(layer, rectified, rows, first, room):  # type: ignore[no-untyped-def]
    """Fill the index of a few rows, if not filled before; say whether all are finite."""
    high = room[0]
    for i in rows:
        if first:
            finite = _rank_both(layer, rectified, i, room)
        else:
            finite = _column_maxima(layer[0][i], high)
            if len(rectified[0]):
                finite &= _column_maxima(rectified[0][i], high)
        if not finite:
            return False
    return True


@_compiled
def read_rows(layer, rectified, order, start, cell, first, begin, end):  # type: ignore[no-untyped-def]  # noqa: PLR0917  compiled calls are positional
    """Fill the top-K index and add to the sums and extremes, for some cells of a batch.

    Parameters
    ----------
    layer : tuple of ndarray
        ``x`` (n, units) float32; ``unit``, ``value`` (n, K) and ``silent`` (n,)
        bool, filled; ``total`` (n_cells, units) float64, added to; ``high``,
        ``low`` (units,) float32.
    rectified : tuple of ndarray
        The same of a layer that is likely to be ``max(0, x)``, which is checked
        unit by unit; with an ``x`` of no rows if there is none.
    order : ndarray of shape (m,), int64
        Rows, cell by cell.
    start : ndarray of shape (n_present + 1,), int64
        Where each cell's rows begin in `order`.
    cell : ndarray of shape (n_present,), int64
        Rows of `total`.
    first : ndarray of shape (n_present,), bool
        Whether the index of its rows is to be filled; False if another cell does.
    begin, end : int
        The first place in `order`, and the first that is left out; `begin` may
        lie within a cell.

    Returns
    -------
    int
        The place in `order` up to which all is counted: `end`, unless there is a
        value that is not finite.
    """
    room = scratch(layer[0].shape[1], layer[1].shape[1])
    part = np.empty(_SPAN, np.float64)
    at = begin
    c = np.searchsorted(start, at, side="right") - 1
    while at < end:
        stop = min(at + BLOCK, start[c + 1], end)
        rows = order[at:stop]
        if not _look(layer, rectified, rows, first[c], room):
            return at
        for x, _, _, _, total, high, low in (layer, rectified):
            if len(x):
                _add_rows(x, rows, total[cell[c]], high, low, part)
        at = stop
        c += at == start[c + 1]
    return end


def load() -> None:
    """Compile the loops, or fetch them from disk, by using them on one row."""
    x = np.zeros((1, 1), np.float32)
    layer = (
        x, np.zeros((1, 1), np.uint16), x.copy(), np.zeros(1, np.bool_),
        np.zeros((1, 1)), x[0].copy(), x[0].copy(),
    )  # fmt: skip
    one = np.zeros(1, np.int64)
    read_rows(layer, layer, one, np.array([0, 1]), one, np.ones(1, np.bool_), 0, 1)
