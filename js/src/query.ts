/**
 * Questions about a group of items in one layer, answered in the browser.
 *
 * `latentlens/core/query.py` holds the same functions; `tests/golden/query.json` holds the
 * two equal. Rows are visited in ascending order; maxima are float32, sums float64, counts
 * whole numbers.
 */

import { cosine_distance, type Histogram, js_distance, type Numbers, top_units } from "./metrics";
import type { By, Correctness, Measure, TopUnits } from "./protocol.gen";
import { CORRECT, type LayerIndex, UNDECIDED, WRONG_BY_PREDICTED, WRONG_BY_TRUE } from "./record";

/** What the panes show, as `protocol.figures.Answer` has it, with numbers for bytes. */
export interface Figures {
  n_group: number;
  n_used: number;
  k: number;
  top: TopUnits | null;
  exact_top: TopUnits | null;
  precision: number | null;
  chance: number;
  counts: Uint32Array;
  exact_counts: Uint32Array;
  none: number;
  exact_none: number;
  js_distance: number | null;
  mean: Float64Array | null;
  exact_mean: Float64Array | null;
  cosine_distance: number | null;
}

// -- groups ------------------------------------------------------------------

/** Which items a question is about. */
export interface Group {
  /** The class's number; -1 for all classes. */
  label_class: number;
  by: By;
  correctness: Correctness;
  /** Only these rows; null for all. */
  selection: Uint32Array | null;
}

/** Say which items belong to a group; one of unknown class or prediction is neither correct nor not. */
export function write_members(
  label: Int32Array,
  pred: Int32Array,
  { label_class, by, correctness, selection }: Group,
  out: Uint8Array,
): void {
  const classes = by === "true" ? label : pred;
  for (let i = 0; i < out.length; i++) {
    const known = label[i]! >= 0 && pred[i]! >= 0;
    const right = label[i] === pred[i];
    const fits = correctness === "all" || (known && right === (correctness === "correct"));
    out[i] = fits && (label_class < 0 || classes[i] === label_class) ? 1 : 0;
  }
  if (!selection) return;
  for (const row of selection) if (out[row]) out[row] = 2;
  for (let i = 0; i < out.length; i++) out[i] = out[i] === 2 ? 1 : 0;
}

/** Write the rows for which `mask` is not zero, ascending; gives their number. */
export function write_rows(mask: Uint8Array, out: Uint32Array): number {
  let n = 0;
  for (let i = 0; i < mask.length; i++) if (mask[i]) out[n++] = i;
  return n;
}

/** Whether an ascending list has a row. */
export function has_row(rows: Uint32Array, row: number): boolean {
  let from = 0;
  let to = rows.length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (rows[middle]! < row) from = middle + 1;
    else to = middle;
  }
  return rows[from] === row;
}

// -- one side of the comparison ----------------------------------------------

/** Each unit's largest activation among the first k of each row's list; -Infinity if unseen. */
export function write_maxima(
  { top_unit, top_value, keep }: LayerIndex,
  rows: Uint32Array,
  k: number,
  out: Float32Array,
): void {
  out.fill(-Infinity);
  for (let r = 0; r < rows.length; r++) {
    const start = rows[r]! * keep;
    for (let at = start; at < start + k; at++) {
      const unit = top_unit[at]!;
      const value = top_value[at]!;
      if (value > out[unit]!) out[unit] = value;
    }
  }
}

/** Count of how many rows each unit is the maximum; gives how many have none. */
export function write_counts(
  { top_unit, silent, keep }: LayerIndex,
  rows: Uint32Array,
  out: Uint32Array,
): number {
  out.fill(0);
  let none = 0;
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r]!;
    if (silent[row]) none += 1;
    else out[top_unit[row * keep]!]! += 1;
  }
  return none;
}

/**
 * The exact mean of a class, by correctness, from the running sums.
 *
 * Null for an empty group, and for one with items in no cell.
 */
export function cell_mean(
  index: LayerIndex,
  { label_class, by, correctness }: Group,
  has_pred: boolean,
  n_group: number,
): Float64Array | null {
  const { cell_sum, cell_count, n_classes, units } = index;
  const kinds = cell_kinds(label_class < 0, by, correctness, has_pred);
  const from = Math.max(label_class, 0);
  const to = label_class < 0 ? n_classes : label_class + 1;
  const mean = new Float64Array(units);
  let n = 0;
  for (const kind of kinds) {
    for (let c = from; c < to; c++) {
      const cell = kind * n_classes + c;
      n += cell_count[cell]!;
      for (let u = 0; u < units; u++) mean[u]! += cell_sum[cell * units + u]!;
    }
  }
  if (n === 0 || n !== n_group) return null;
  for (let u = 0; u < units; u++) mean[u]! /= n;
  return mean;
}

/** The kinds of cell that make up a group, no item twice. */
function cell_kinds(any: boolean, by: By, correctness: Correctness, has_pred: boolean): number[] {
  const wrong = by === "predicted" && !any ? WRONG_BY_PREDICTED : WRONG_BY_TRUE;
  if (correctness === "correct") return [CORRECT];
  if (correctness === "incorrect") return [wrong];
  // Undecided items stand under their prediction if there is one, else under their label.
  const joins = any || (by === "predicted") === has_pred;
  return joins ? [CORRECT, wrong, UNDECIDED] : [CORRECT, wrong];
}

// -- the answer --------------------------------------------------------------

/** What one side of the comparison, the sample or the whole group, amounts to. */
export interface Side {
  n: number;
  histogram: Histogram;
  maxima: Float32Array;
  mean: Float64Array | null;
}

const NO_UNITS: TopUnits = { unit: [], value: [], hit: [], exact_value: [] };

/** Compare a group's sampled items with the whole group. */
export function compare(used: Side, group: Side, k: number, measure: Measure): Figures {
  const units = used.maxima.length;
  const score = used.n ? scores(used, measure) : null;
  const exact = group.n ? scores(group, measure) : null;
  const top = used.n ? top_of(score, exact, k, measure) : NO_UNITS;
  return {
    n_group: group.n,
    n_used: used.n,
    k,
    top,
    exact_top: group.n ? top_of(exact, exact, k, measure) : NO_UNITS,
    precision: group.n && k < units ? precision(top, exact, k) : null,
    chance: Math.min(k, units) / units,
    counts: used.histogram.counts,
    exact_counts: group.histogram.counts,
    none: used.histogram.none,
    exact_none: group.histogram.none,
    js_distance: group.n ? js_distance(used.histogram, group.histogram) : null,
    mean: used.n ? used.mean : null,
    exact_mean: group.n ? group.mean : null,
    cosine_distance: group.n ? mean_distance(used, group) : null,
  };
}

/** Complete the kernel's answer by a mean that came later. */
export function with_mean(figures: Figures, mean: Float64Array | null, measure: Measure): Figures {
  if (figures.mean || !mean || !figures.n_used) return figures;
  const { exact_mean, k } = figures;
  const done = {
    ...figures,
    mean,
    cosine_distance: exact_mean ? cosine_distance(mean, exact_mean) : null,
  };
  if (measure !== "mean") return done;
  const top = top_of(mean, exact_mean, k, measure);
  const compared = exact_mean && k < mean.length ? precision(top, exact_mean, k) : null;
  return { ...done, top, precision: compared };
}

function scores(side: Side, measure: Measure): Numbers | null {
  if (measure === "max") return side.maxima;
  return measure === "count" ? side.histogram.counts : side.mean;
}

function top_of(
  score: Numbers | null,
  exact: Numbers | null,
  k: number,
  measure: Measure,
): TopUnits | null {
  if (!score) return null;
  const unit = top_units(score, k);
  const kth = exact ? exact[top_units(exact, k)[k - 1]!]! : Number.NaN;
  const hit = unit.map((u) => exact !== null && exact[u]! >= kth);
  return {
    unit,
    value: unit.map((u) => score[u]!),
    hit,
    // The index bounds the maximum of a unit that misses the exact top k, no more.
    exact_value: unit.map((u, i) => (exact && (measure !== "max" || hit[i]) ? exact[u]! : null)),
  };
}

function precision(top: TopUnits | null, exact: Numbers | null, k: number): number | null {
  if (!top || (!exact && top.unit.length > 0)) return null;
  return top.hit.filter(Boolean).length / k;
}

function mean_distance(used: Side, group: Side): number | null {
  if (!used.n) return 1;
  return used.mean && group.mean ? cosine_distance(used.mean, group.mean) : null;
}
