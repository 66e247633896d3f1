/**
 * How a sample is shared among groups.
 *
 * `latentlens/core/allocation.py` holds the same rules, and says why they are so;
 * `tests/golden/query.json` holds the two equal.
 */

import type { Allocation } from "./protocol.gen";

/**
 * Share `n` items among groups; none is asked for more than it has.
 *
 * Every group gets `floor` items first, as far as `n` and its size allow. Of groups
 * with equal claims the one that comes first is served first.
 */
export function allocate(
  n: number,
  sizes: ArrayLike<number>,
  allocation: Allocation = "proportional",
  floor = 0,
): Float64Array {
  const whole = Float64Array.from(sizes);
  if (allocation === "fixed") return whole.map((size, g) => (g === 0 ? size : 0));
  const low = whole.map((size) => Math.min(size, floor));
  const base = share_equally(Math.min(n, total(low)), low);
  const left = whole.map((size, g) => size - base[g]!);
  const share = RULES[allocation](n - total(base), left);
  return share.map((more, g) => more + base[g]!);
}

const RULES = {
  proportional: share_in_proportion,
  equal: share_equally,
  sqrt: share_by_roots,
  completion: share_to_complete,
};

/** What "completion" expects of a group without an item; one of an item costs below 1. */
const EMPTY_ERROR = 1.2;
/** Far above rounding, far below the step from one item of a group to its next. */
const MARGIN = 1e-9;

function total(values: Float64Array): number {
  let all = 0;
  for (let i = 0; i < values.length; i++) all += values[i]!;
  return all;
}

/** By largest remainder. */
function share_in_proportion(n: number, sizes: Float64Array): Float64Array {
  const all = Math.max(total(sizes), 1);
  const remainder = sizes.map((size) => (n * size) % all);
  const share = sizes.map((size, g) => (n * size - remainder[g]!) / all);
  const first = Array.from(sizes.keys()).sort((a, b) => remainder[b]! - remainder[a]! || a - b);
  for (const g of first.slice(0, n - total(share))) share[g]! += 1;
  return share;
}

/** The same for every group, small ones whole. */
function share_equally(n: number, sizes: Float64Array): Float64Array {
  if (n >= total(sizes)) return sizes.slice();
  const ascending = sizes.slice().sort();
  let before = 0;
  let level = 0;
  for (let m = 0; m < ascending.length; m++) {
    level = Math.floor((n - before) / (ascending.length - m));
    if (level < ascending[m]!) break;
    before += ascending[m]!;
  }
  const share = sizes.map((size) => Math.min(size, level));
  let left = n - total(share);
  for (let g = 0; left > 0; g++) {
    if (sizes[g]! <= level) continue;
    share[g]! += 1;
    left -= 1;
  }
  return share;
}

/** To the square roots of the sizes: the group least served is served next. */
function share_by_roots(n: number, sizes: Float64Array): Float64Array {
  if (n >= total(sizes)) return sizes.slice();
  const served = (level: number): Float64Array =>
    sizes.map((size) => Math.min(size, Math.floor((1 + Math.floor(Math.sqrt(level * size))) / 2)));
  let low = 0;
  let high = 4 * sizes.reduce((a, b) => Math.max(a, b), 0);
  for (;;) {
    const middle = (low + high) / 2;
    if (!(low < middle && middle < high)) break;
    if (total(served(middle)) <= n) low = middle;
    else high = middle;
  }
  const share = served(low * (1 - MARGIN));
  const claim = share.map((given, g) =>
    given < sizes[g]! ? (2 * given + 1) ** 2 / sizes[g]! : Infinity,
  );
  const first = Array.from(sizes.keys())
    .filter((g) => claim[g]! < Infinity)
    .sort((a, b) => claim[a]! - claim[b]! || a - b);
  for (const g of first.slice(0, n - total(share))) share[g]! += 1;
  return share;
}

/** The smallest groups whole and the others equally, as many whole as promises least error. */
function share_to_complete(n: number, sizes: Float64Array): Float64Array {
  if (n >= total(sizes)) return sizes.slice();
  const order = Array.from(sizes.keys()).sort((a, b) => sizes[a]! - sizes[b]! || a - b);
  const ascending = Float64Array.from(order, (g) => sizes[g]!);
  let least = Infinity;
  let best = { m: 0, level: 0, left: 0 };
  let before = 0;
  for (let m = 0; m < order.length && before <= n; m++) {
    const others = order.length - m;
    const level = Math.floor((n - before) / others);
    // Otherwise group m is whole anyway, which is what the next m says.
    if (level < ascending[m]!) {
      const left = n - before - level * others;
      const error = expected_error(ascending, m, level, left);
      if (error < least) {
        least = error;
        best = { m, level, left };
      }
    }
    before += ascending[m]!;
  }
  const share = new Float64Array(sizes.length);
  for (const [at, g] of order.entries()) {
    const more = at < best.m + best.left ? 1 : 0;
    share[g] = at < best.m ? sizes[g]! : best.level + more;
  }
  return share;
}

function expected_error(sizes: Float64Array, from: number, level: number, left: number): number {
  let error = 0;
  for (let at = from; at < sizes.length; at++) {
    const n = at < from + left ? level + 1 : level;
    error += n > 0 ? Math.sqrt(1 / n - 1 / sizes[at]!) : EMPTY_ERROR;
  }
  return error;
}
