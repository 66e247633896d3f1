/** A second group, set beside the one the question is about. */

import { type Group, type Side, write_members } from "./query";
import type { LayerIndex } from "./record";

/** What is known of the second group, from every item of it. */
export interface Rival {
  side: Side;
  /** A largest value below this may be surpassed by one that the index does not hold. */
  floor: number;
}

/** Say which items are the group's counterpart in correctness. */
export function write_opposite(
  truth: Int32Array,
  pred: Int32Array,
  group: Group,
  out: Uint8Array,
): void {
  write_members(truth, pred, opposite(group), out);
}

/** The same group with the other correctness. */
export function opposite(group: Group): Group {
  return { ...group, correctness: group.correctness === "correct" ? "incorrect" : "correct" };
}

/**
 * Say what a group stands against by itself; gives whether that is simply all other items.
 *
 * Beside a selection these are the items outside it of the classes that it has, of the same
 * correctness; else the other items of the class. Where a group has its class whole, all others.
 */
export function write_rest(
  truth: Int32Array,
  pred: Int32Array,
  group: Group,
  member: Uint8Array,
  out: Uint8Array,
): boolean {
  const classes = group.by === "true" ? truth : pred;
  const chosen = group.selection !== null;
  const correctness = chosen ? group.correctness : "all";
  const there = new Set<number>();
  for (let i = 0; i < member.length; i++) if (member[i]) there.add(classes[i]!);
  write_members(truth, pred, { ...group, selection: null, correctness }, out);
  let n = 0;
  for (let i = 0; i < out.length; i++) {
    if (member[i] || (chosen && !there.has(classes[i]!))) out[i] = 0;
    n += out[i]!;
  }
  if (n === 0) for (let i = 0; i < out.length; i++) out[i] = member[i] ? 0 : 1;
  return n === 0;
}

/** What an activation outside every list of some rows can be at most. */
export function unseen_limit({ top_value, keep, units }: LayerIndex, rows: Uint32Array): number {
  if (keep >= units) return -Infinity;
  let most = -Infinity;
  for (let r = 0; r < rows.length; r++) {
    most = Math.max(most, top_value[(rows[r]! + 1) * keep - 1]!);
  }
  return most;
}
