/** The cells of a sample, class by class, correct and incorrect: which are not in it, and what would fill them. */

import type { By } from "./protocol.gen";
import { ADDED } from "./sample";

/** The items of one class that are right, or those that are wrong. */
export interface Cell {
  label_class: number;
  right: boolean;
  /** Items in the data, and those of them in the sample. */
  n: number;
  n_used: number;
  /** Those of them that were added by hand. */
  n_added: number;
}

/** Most items that one click adds. */
const MOST_ADDED = 10;

/** Count all cells, class by class, the right one first; items of unknown class are in none. */
export function count_cells(
  truth: Int32Array,
  pred: Int32Array,
  roles: Uint8Array,
  by: By,
  n_classes: number,
): Cell[] {
  const cells: Cell[] = Array.from({ length: 2 * n_classes }, (_, at) => ({
    label_class: at >> 1,
    right: at % 2 === 0,
    n: 0,
    n_used: 0,
    n_added: 0,
  }));
  for (let i = 0; i < truth.length; i++) {
    const cell = cells[cell_of(truth, pred, by, i)];
    if (!cell) continue;
    cell.n += 1;
    if (roles[i]) cell.n_used += 1;
    if (roles[i] === ADDED) cell.n_added += 1;
  }
  return cells;
}

/** By class, how many of its items are wrong. */
export function count_errors(
  truth: Int32Array,
  pred: Int32Array,
  by: By,
  n_classes: number,
): Uint32Array {
  const errors = new Uint32Array(n_classes);
  for (let i = 0; i < truth.length; i++) {
    const at = cell_of(truth, pred, by, i);
    if (at >= 0 && at % 2 === 1) errors[at >> 1]! += 1;
  }
  return errors;
}

/** An item's place among the cells; -1 for none. */
export function cell_of(truth: Int32Array, pred: Int32Array, by: By, row: number): number {
  const [t, p] = [truth[row]!, pred[row]!];
  if (t < 0 || p < 0) return -1;
  return 2 * (by === "true" ? t : p) + (t === p ? 0 : 1);
}

/** How many items fill up a cell: its share of the sample, at least one, not too many at once. */
export function fill_count(n: number, fraction: number): number {
  return Math.min(n, MOST_ADDED, Math.max(1, Math.round(fraction * n)));
}

/** As many of the most outlying items of each cell as are wanted of it. */
export function fill_rows(
  outlying: Uint32Array,
  cell: (row: number) => number,
  wanted: ReadonlyMap<number, number>,
): number[] {
  const left = new Map(wanted);
  const rows: number[] = [];
  for (const row of outlying) {
    const at = cell(row);
    const n = left.get(at) ?? 0;
    if (n === 0) continue;
    rows.push(row);
    left.set(at, n - 1);
  }
  return rows;
}
