/** A ranking group by group: who stands where, what is taken of it, and what takes so many. */

import { allocate } from "./allocation";
import { DRAWN, EXEMPLAR, OUTLIER, outlier_count, type Ranking, sample_size } from "./sample";
import type { Store } from "./store";
import { class_name } from "./words";

/** How many items of a group the sampler takes at its outlying end, and at its sure end. */
export interface Taken {
  head: number;
  tail: number;
}

/** How many items of a group are wanted at each end. */
export type Cut = Taken;

/** The rows of each group in the order of the ranking. */
export function group_rows({ group, rank, group_size }: Ranking): Uint32Array[] {
  const rows = Array.from(group_size, (size) => new Uint32Array(size));
  for (let i = 0; i < group.length; i++) rows[group[i]!]![rank[i]!] = i;
  return rows;
}

/** What the sampler takes of each group; what was added by hand is not counted. */
export function count_taken({ group, group_size }: Ranking, roles: Uint8Array): Taken[] {
  const taken = Array.from(group_size, () => ({ head: 0, tail: 0 }));
  for (let i = 0; i < roles.length; i++) {
    const role = roles[i];
    if (role === OUTLIER || role === DRAWN) taken[group[i]!]!.head += 1;
    else if (role === EXEMPLAR) taken[group[i]!]!.tail += 1;
  }
  return taken;
}

/** Fractions are set no finer than this, and no smaller. */
const FINEST = 0.001;
const HALVINGS = 24;

/**
 * The fraction and j at which a group's two ends are cut so; null if nothing would be taken.
 *
 * n_out = j n_g and n_ex = (1 - j) n_g, where n_g is the group's share of the sample.
 */
export function cut_at(
  ranking: Ranking,
  n_items: number,
  group: number,
  { head, tail }: Cut,
): { fraction: number; j: number } | null {
  const n = head + tail;
  if (n < 1) return null;
  const fraction = fraction_for(ranking, n_items, group, n);
  return { fraction, j: j_for(head, n) };
}

/** The roundest j that takes so many of n from the outlying end. */
function j_for(head: number, n: number): number {
  for (const digits of [100, 1000, 10_000]) {
    const j = Math.round((head / n) * digits) / digits;
    if (outlier_count(j, n) === head) return j;
  }
  return head / n;
}

/** The smallest fraction, as round as can be, at which a group gives so many items. */
function fraction_for(ranking: Ranking, n_items: number, group: number, n: number): number {
  const { group_size, allocation, floor } = ranking;
  const given = (fraction: number): number =>
    allocate(sample_size(fraction, n_items), group_size, allocation, floor)[group]!;
  let low = 0;
  let high = 1;
  for (let i = 0; i < HALVINGS; i++) {
    const middle = (low + high) / 2;
    if (given(middle) < n) low = middle;
    else high = middle;
  }
  const round = Math.ceil(high / FINEST) * FINEST;
  const tidy = Number(Math.min(round, 1).toPrecision(6));
  return given(tidy) === n ? tidy : Math.max(high, FINEST);
}

/** What a group is called: the class of most of its items, and whether all are right or wrong. */
export function name_groups(store: Store, ranking: Ranking): string[] {
  const [truth, pred] = [store.get("truth"), store.get("pred")];
  const rows = group_rows(ranking);
  const found = rows.map((own) => {
    const label = most_common(own, truth);
    const errors = own.filter((row) => truth[row] !== pred[row]).length;
    const how = errors === 0 ? "right" : errors === own.length ? "wrong" : "";
    return { name: label < 0 ? "" : class_name(store, label), how };
  });
  const times = (name: string): number => found.filter((other) => other.name === name).length;
  return found.map(({ name, how }, g) => {
    if (name === "") return `group ${g}`;
    if (times(name) === 1) return name;
    return how ? `${name} ${how}` : `${name} (${g})`;
  });
}

/** The number that most of the rows have; -1 for none. */
function most_common(rows: Uint32Array, values: Int32Array): number {
  const times = new Map<number, number>();
  for (const row of rows) times.set(values[row]!, (times.get(values[row]!) ?? 0) + 1);
  let best = -1;
  for (const [value, n] of times) if (value >= 0 && n > (times.get(best) ?? 0)) best = value;
  return best;
}
