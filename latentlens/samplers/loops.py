"""Compiled loops over items: herding, interchange, and the boundary tree.

Sums are taken in one thread. `reassoc` lets the compiler add several terms of a
distance at a time; the order is then the machine's, and the same on every run.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

FAST = {"reassoc", "contract"}
NEGLIGIBLE = 40.0
"""exp(-40) is 4e-18: nothing beside a kernel of 1."""


@njit(cache=True, fastmath=FAST)
def squared_distance(points: NDArray[np.float32], a: int, b: int) -> float:
    """Give the squared distance of two rows."""
    total = np.float32(0)
    for i in range(points.shape[1]):
        apart = points[a, i] - points[b, i]
        total += apart * apart
    return float(total)


@njit(cache=True)
def herd(
    kernel: NDArray[np.float32],
    mean: NDArray[np.float64],
    extremes: NDArray[np.int64],
    extreme_places: NDArray[np.bool_],
) -> NDArray[np.int64]:
    """Put items in an order of which every head has about the mean of them all.

    Kernel herding without replacement, the next item being the one of largest
    mean[i] - sum of kernel[i, taken] / (taken + 1); some places go to the next of
    `extremes` instead, as far as there are any, and the herding makes up for them.

    Parameters
    ----------
    kernel : ndarray of shape (n_pool, n_pool), float32
    mean : ndarray of shape (n_pool,), float64
        Mean kernel of each item with those that are stood for.
    extremes : ndarray of shape (n_extremes,), int64
    extreme_places : ndarray of shape (n,), bool
        Which places go to extremes; as many places as items to put in order, at
        most n_pool.

    Returns
    -------
    ndarray of shape (n,), int64
    """
    taken = np.zeros(len(mean), np.bool_)
    covered = np.zeros(len(mean))
    order = np.empty(len(extreme_places), np.int64)
    at = 0
    for place in range(len(extreme_places)):
        best = -1
        if extreme_places[place]:
            while at < len(extremes) and taken[extremes[at]]:
                at += 1
            if at < len(extremes):
                best = extremes[at]
        if best < 0:
            most = -np.inf
            for i in range(len(mean)):
                lacking = mean[i] - covered[i] / (place + 1)
                if not taken[i] and lacking > most:
                    most, best = lacking, i
        taken[best] = True
        order[place] = best
        for i in range(len(mean)):
            covered[i] += kernel[best, i]
    return order


@njit(cache=True)
def similarity(points: NDArray[np.float32], a: int, b: int, scale: float) -> float:
    """Give the Gaussian kernel of two rows, exp(-scale x squared distance)."""
    exponent = scale * squared_distance(points, a, b)
    return np.exp(-exponent) if exponent < NEGLIGIBLE else 0.0


@njit(cache=True)
def responsibilities(
    points: NDArray[np.float32], fixed: NDArray[np.int64], block: NDArray[np.int64], scale: float
) -> NDArray[np.float64]:
    """Sum each block item's kernel with the fixed items and the others of the block."""
    total = np.zeros(len(block))
    for b in range(len(block)):
        for f in fixed:
            total[b] += similarity(points, block[b], f, scale)
        for c in range(b):
            shared = similarity(points, block[b], block[c], scale)
            total[b] += shared
            total[c] += shared
    return total


@njit(cache=True)
def interchange(
    points: NDArray[np.float32],
    fixed: NDArray[np.int64],
    block: NDArray[np.int64],
    candidates: NDArray[np.int64],
    scale: float,
) -> NDArray[np.int64]:
    """Exchange items of a block for candidates while the sum of kernels falls.

    For each candidate in turn, EXPAND adds it, and SHRINK drops of the block and
    the candidate the one of largest responsibility.

    Parameters
    ----------
    points : ndarray of shape (n_items, d), float32
    fixed : ndarray of shape (n_fixed,), int64
        Items of the sample that stay.
    block : ndarray of shape (n,), int64
        Items of the sample that may go.
    candidates : ndarray of shape (n_candidates,), int64
        None of them fixed, none twice.
    scale : float
        Of the kernel exp(-scale x squared distance).

    Returns
    -------
    ndarray of shape (n,), int64
        The block that is left.
    """
    block = block.copy()
    inside = np.zeros(len(points), np.bool_)
    inside[block] = True
    total = responsibilities(points, fixed, block, scale)
    near = np.empty(len(block))
    for item in candidates:
        if inside[item]:
            continue
        own, bound = 0.0, total.max() + 1
        for f in fixed:
            own += similarity(points, item, f, scale)
            # No kernel is above 1, so no member's responsibility can reach it.
            if own > bound:
                break
        if own > bound:
            continue
        for b in range(len(block)):
            near[b] = similarity(points, item, block[b], scale)
            own += near[b]
        worst = int(np.argmax(total + near))
        if total[worst] + near[worst] <= own:
            continue
        gone = block[worst]
        for b in range(len(block)):
            total[b] += near[b] - similarity(points, gone, block[b], scale)
        total[worst] = own - near[worst]
        block[worst] = item
        inside[item], inside[gone] = True, False
    return block


@njit(cache=True)
def least_redundant_first(
    points: NDArray[np.float32], fixed: NDArray[np.int64], block: NDArray[np.int64], scale: float
) -> NDArray[np.int64]:
    """Order a block so that every head of it is spread out.

    SHRINK alone, again and again; the item that goes first stands last.
    """
    total = responsibilities(points, fixed, block, scale)
    left = np.ones(len(block), np.bool_)
    order = np.empty_like(block)
    for place in range(len(block) - 1, -1, -1):
        worst = -1
        for b in range(len(block)):
            if left[b] and (worst < 0 or total[b] > total[worst]):
                worst = b
        left[worst] = False
        order[place] = block[worst]
        for b in range(len(block)):
            if left[b]:
                total[b] -= similarity(points, block[worst], block[b], scale)
    return order


@njit(cache=True)
def kernel_sum(
    points: NDArray[np.float32], rows: NDArray[np.int64], others: NDArray[np.int64], scale: float
) -> NDArray[np.float64]:
    """Sum each row's kernel with the others."""
    total = np.zeros(len(rows))
    for r in range(len(rows)):
        for other in others:
            total[r] += similarity(points, rows[r], other, scale)
    return total


@njit(cache=True)
def nearest_distance(
    points: NDArray[np.float32], rows: NDArray[np.int64], others: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Give each row's distance to the nearest other that is not equal to it; else infinity."""
    nearest = np.full(len(rows), np.inf)
    for r in range(len(rows)):
        for other in others:
            apart = squared_distance(points, rows[r], other)
            if 0 < apart < nearest[r]:
                nearest[r] = apart
    return np.sqrt(nearest)


@njit(cache=True)
def grow_tree(
    points: NDArray[np.float32],
    label: NDArray[np.int32],
    order: NDArray[np.int64],
    most_children: int,
    most_passes: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Grow a boundary tree until it gives every item its label.

    From the root on, a query moves to the nearest of the node and its children,
    the node itself being left out once it has all the children it may have, and
    stops where it stays. An item of another label than the node becomes its child.

    Parameters
    ----------
    points : ndarray of shape (n_items, d), float32
    label : ndarray of shape (n_items,), int32
    order : ndarray of shape (n_items,), int64
        The first item is the root.
    most_children, most_passes : int

    Returns
    -------
    nodes : ndarray of shape (n_nodes,), int64
        In the order they came in.
    parent : ndarray of shape (n_nodes,), int64
        The parent of each as an item; -1 for the root.
    passes : int
        How many were made; the last one found nothing to add unless there are
        `most_passes` of them.
    """
    n = len(order)
    first = np.full(n, -1, np.int64)
    last = np.full(n, -1, np.int64)
    sibling = np.full(n, -1, np.int64)
    n_children = np.zeros(n, np.int64)
    inside = np.zeros(n, np.bool_)
    nodes, parent = [order[0]], [np.int64(-1)]
    inside[order[0]] = True
    for done in range(1, most_passes + 1):
        before = len(nodes)
        for item in order:
            if inside[item]:
                continue
            node = order[0]
            own = squared_distance(points, node, item)
            while True:
                full = n_children[node] >= most_children
                best, least = node, np.inf if full else own
                child = first[node]
                while child >= 0:
                    apart = squared_distance(points, child, item)
                    if apart < least:
                        best, least = child, apart
                    child = sibling[child]
                if best == node:
                    break
                node, own = best, least
            if label[node] == label[item]:
                continue
            if first[node] < 0:
                first[node] = item
            else:
                sibling[last[node]] = item
            last[node] = item
            n_children[node] += 1
            inside[item] = True
            nodes.append(item)
            parent.append(node)
        if len(nodes) == before:
            return np.array(nodes), np.array(parent), done
    return np.array(nodes), np.array(parent), most_passes
