/**
 * What a figure is worth, in one line.
 *
 * `latentlens/core/predicted.py`, `worth.py` and `unit.py` write the same lines;
 * `tests/golden/query.json` holds the two equal.
 */

import type { Difference } from "./effect";
import type { Means } from "./local";
import type { Figures } from "./query";
import { ADDED, type Ranking } from "./sample";
import type { Store } from "./store";
import { count, short, whole } from "./words";

/** How the sample on show was drawn, as far as a line has to know it. */
export interface Design {
  /** Why nothing may carry an interval; empty for a probability sample. */
  why_not: string;
  /** Whether items were added by hand, which makes all weights alike. */
  added: boolean;
  /** By group of the ranking: items, and those of them that are sampled. */
  size: Uint32Array;
  sampled: Uint32Array;
}

const RANKED =
  "No interval: the sample was ranked, not drawn by chance, so nothing is known of how far its " +
  "mean may be off. The samplers random, latent_grid, stratified and stratified_completion draw by chance.";

/** Say how a sample was drawn. */
export function design_of({ group, group_size, probability }: Ranking, roles: Uint8Array): Design {
  const sampled = new Uint32Array(group_size.length);
  let added = 0;
  for (let i = 0; i < roles.length; i++) {
    if (roles[i]) sampled[group[i]!]! += 1;
    if (roles[i] === ADDED) added += 1;
  }
  const empty = group_size.filter((size, g) => size > 0 && !sampled[g]).length;
  let why_not = "";
  if (added > 0) {
    why_not =
      `No interval: ${count(added, "item")} ${added === 1 ? "was" : "were"} added by hand. This is ` +
      "no probability sample: its items weigh alike, and an estimate from it carries no interval.";
  } else if (!probability) why_not = RANKED;
  else if (empty > 0) {
    why_not =
      `No interval: ${whole(empty)} of the strata gave no item to the sample, so some items had no ` +
      "chance of being drawn. Take a larger fraction, or the sampler stratified_completion.";
  }
  return { why_not, added: added > 0, size: group_size, sampled };
}

/**
 * As many equally weighted items as tell as much as the sampled ones of a group.
 *
 * Null where the sampler gives weights that only the kernel knows.
 */
export function effective_size(
  { added, size, sampled }: Design,
  { group, weighted, probability }: Ranking,
  used: Uint32Array,
): number | null {
  if (!weighted || added) return used.length;
  if (!probability) return null;
  let sum = 0;
  let squares = 0;
  for (const row of used) {
    const weight = size[group[row]!]! / sampled[group[row]!]!;
    sum += weight;
    squares += weight * weight;
  }
  return squares > 0 ? sum ** 2 / squares : 0;
}

/** What share of a group may exceed a maximum seen in its sampled items, at 95 % confidence. */
export function share_above(
  { group, group_size }: Ranking,
  roles: Uint8Array,
  members: Uint32Array,
): number {
  const size = new Uint32Array(group_size.length);
  const sampled = new Uint32Array(group_size.length);
  for (const row of members) {
    size[group[row]!]! += 1;
    if (roles[row]) sampled[group[row]!]! += 1;
  }
  let above = 0;
  let unseen = 0;
  let drawn = 1;
  size.forEach((n, g) => {
    const m = sampled[g]!;
    if (m === 0) above += n;
    else if (m < n) {
      drawn = Math.min(drawn, m / n);
      unseen += n - m;
    }
  });
  if (drawn < 1) {
    above += Math.min(Math.floor(Math.log(1 - 0.95) / Math.log1p(-drawn)), unseen);
  }
  return above / members.length;
}

interface Facts {
  kind: string;
  n_used: number;
  n_group: number;
  effective_n: number | null;
  /** Whether these are maxima over a sample. */
  maxima?: boolean;
  /** What `share_above` gave for them. */
  above?: number | null;
  note?: string;
}

/** Say in one line what figures from a sample are worth. */
export function read_out(facts: Facts): string {
  const { n_used, n_group, effective_n, maxima, above = null, note } = facts;
  if (!n_group) return "the group has no items";
  if (!n_used) {
    return `empty in sample: none of the ${whole(n_group)} items of the group was taken`;
  }
  const all = n_used === n_group;
  const said = `${all ? "exact" : facts.kind}, ${whole(n_used)} of ${whole(n_group)} items`;
  if (all) return said;
  let line = said;
  if (effective_n !== null && effective_n < n_used - 0.5) {
    line += ` (worth ${whole(Math.floor(effective_n + 0.5))} equally weighted ones)`;
  }
  if (above !== null) {
    const share = (Math.floor(1000 * above + 0.5) / 10).toFixed(1);
    line += `; maxima are lower bounds: with 95% confidence at most ${share}% of the group exceeds one`;
  } else if (maxima) line += "; maxima are lower bounds only";
  return note ? `${line}. ${note}` : line;
}

/** The mean that the kernel worked out for what is asked now; null while there is none. */
export function means_now(store: Store): Means | null {
  const means = store.get("means");
  return means?.asked === store.get("means_question") ? means : null;
}

/** The line under a figure from the sample on show; `compared` with the exact one, or not. */
export function sample_line(
  store: Store,
  { n_used, n_group }: Figures,
  compared: boolean,
  maxima = false,
): string {
  const [ranking, design] = [store.get("ranking"), store.get("design")];
  if (!ranking || !design) return "";
  const [roles, members] = [store.get("roles"), store.get("group_rows")];
  const told = means_now(store)?.effective_n ?? null;
  const bounded = maxima && !design.why_not && n_used > 0;
  return read_out({
    kind: compared ? "measured" : "sample",
    n_used,
    n_group,
    effective_n: effective_size(design, ranking, store.get("used_rows")) ?? told,
    maxima,
    above: bounded ? share_above(ranking, roles, members) : null,
    note: design.why_not,
  });
}

/** The same of a difference between two groups of which every item was read. */
export function difference_line({ n_tested, note }: Difference, n: number, m: number): string {
  const sides = [n, m].map((each) => `${whole(each)} of ${whole(each)}`).join(" against ");
  const units = count(n_tested, "unit");
  const tests = n_tested
    ? `; approximate 95% intervals for all ${units} at once (Bonferroni); p corrected for ${units} (Holm)`
    : "";
  return `exact, ${sides} items${tests}${note && `. ${note}`}`;
}

/** The same of one unit's activation on all items. */
export function unit_line(
  n_listed: number,
  n_run: number,
  n_items: number,
  limit: number | null,
): string {
  if (limit === null) return `exact for all ${whole(n_items)} items`;
  const run = n_run > 0 ? ` and ${whole(n_run)} run for the sample` : "";
  const known = `exact for ${whole(n_listed + n_run)} of ${whole(n_items)} items, by the index`;
  return `${known}${run}; at most ${short(limit)} for the rest`;
}

/** A line's first clause, which says how a figure is known. */
export function brief(line: string): string {
  return line.split(/;|\. /, 1)[0]!;
}
