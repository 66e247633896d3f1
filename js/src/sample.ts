/**
 * Which items a sample takes, and in what order.
 *
 * `latentlens/core/sample.py` holds the same functions; `tests/golden/query.json` holds
 * the two equal.
 */

import { allocate } from "./allocation";
import type { Allocation } from "./protocol.gen";

export const OUTLIER = 1;
export const EXEMPLAR = 2;
export const DRAWN = 3;
/** Taken by hand besides what the sampler takes. */
export const ADDED = 4;

/** The order in which a sampler takes the items of each group. */
export interface Ranking {
  group: Uint16Array | Uint32Array;
  rank: Uint32Array;
  group_size: Uint32Array;
  log_ratio: Float64Array;
  uses_j: boolean;
  probability: boolean;
  /** Whether sampled items weigh differently, so that the kernel works out their mean. */
  weighted: boolean;
  allocation: Allocation;
  floor: number;
}

/** Round `fraction` of `n_items`, half up, and take at least one item. */
export function sample_size(fraction: number, n_items: number): number {
  return Math.max(1, Math.min(n_items, Math.floor(fraction * n_items + 0.5)));
}

/** Round the share `j` of `size`, half up. */
export function outlier_count(j: number, size: number): number {
  return Math.floor(j * size + 0.5);
}

/** Write for every item whether and as what the sample takes it; 0 is outside. */
export function write_roles(ranking: Ranking, fraction: number, j: number, out: Uint8Array): void {
  const { group, rank, group_size, uses_j, allocation, floor } = ranking;
  const share = allocate(sample_size(fraction, out.length), group_size, allocation, floor);
  const head = uses_j ? share.map((n) => outlier_count(j, n)) : share;
  const tail = share.map((n, g) => (uses_j ? group_size[g]! - (n - head[g]!) : group_size[g]!));
  const taken = uses_j ? OUTLIER : DRAWN;
  for (let i = 0; i < out.length; i++) {
    const place = rank[i]!;
    const g = group[i]!;
    out[i] = place < head[g]! ? taken : place >= tail[g]! ? EXEMPLAR : 0;
  }
}

/** All items in the two orders a sample may stand in: most outlying first, surest first. */
export interface Orders {
  outlying: Uint32Array;
  sure: Uint32Array;
}

/** Sort a ranking once, so that any sample is put in order by walking along it. */
export function sort_ranking({ log_ratio, rank }: Ranking): Orders {
  const ascending = (a: number, b: number): number => {
    const x = log_ratio[a]!;
    const y = log_ratio[b]!;
    return x < y ? -1 : x > y ? 1 : rank[a]! - rank[b]!;
  };
  const rows = new Uint32Array(rank.length).map((_, i) => i);
  return {
    outlying: rows.slice().sort((a, b) => ascending(a, b) || a - b),
    sure: rows.sort((a, b) => ascending(b, a) || a - b),
  };
}

/**
 * The sample's rows: outliers first, the most outlying leading, then exemplars, the surest
 * leading, then what was added.
 */
export function write_sample_order(roles: Uint8Array, orders: Orders, out: Uint32Array): number {
  let n = 0;
  for (const row of orders.outlying) {
    const role = roles[row];
    if (role === OUTLIER || role === DRAWN) out[n++] = row;
  }
  for (const row of orders.sure) if (roles[row] === EXEMPLAR) out[n++] = row;
  for (let row = 0; row < roles.length; row++) if (roles[row] === ADDED) out[n++] = row;
  return n;
}
