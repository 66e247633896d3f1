/**
 * Questions about a group of items in one layer, answered in the browser.
 *
 * `latentlens/core/query.py`, `metrics.py`, `sample.py` and `allocation.py` hold the same
 * functions; `tests/golden/query.json` holds the two equal. Rows are visited in
 * ascending order; maxima are float32, sums float64, counts whole numbers.
 */

import type { Allocation, By, Correctness, Measure, TopUnits } from "./protocol.gen";

export const OUTLIER = 1;
export const EXEMPLAR = 2;
export const DRAWN = 3;
/** Taken by hand besides what the sampler takes. */
export const ADDED = 4;

/** Kinds of cell of the running sums, in the order of `core/record.py`. */
const CORRECT = 0;
const WRONG_BY_TRUE = 1;
const WRONG_BY_PREDICTED = 2;
const UNDECIDED = 3;

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

/** The index and the running sums of one layer. */
export interface LayerIndex {
  name: string;
  units: number;
  keep: number;
  top_unit: Uint16Array | Uint32Array;
  top_value: Float32Array;
  silent: Uint8Array;
  cell_sum: Float64Array;
  cell_count: Float64Array;
  n_classes: number;
}

/** Of how many items each unit is the maximum. */
export interface Histogram {
  counts: Uint32Array;
  /** Items without a maximal unit, every unit being zero. */
  none: number;
}

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

type Numbers = Float32Array | Float64Array | Uint32Array;

// -- the sample --------------------------------------------------------------

/**
 * Share `n` items among groups; none is asked for more than it has.
 *
 * Every group gets `floor` items first, as far as `n` and its size allow. Of groups
 * with equal claims the one that comes first is served first. `core/allocation.py`
 * says what the rules are.
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

function add_row(values: Float32Array, row: number, times: number, out: Float64Array): void {
  const start = row * out.length;
  for (let u = 0; u < out.length; u++) out[u]! += times * values[start + u]!;
}

/** A sum is taken anew when this many rows per row of the matrix have come or gone. */
const REFRESH = 4;
/** Beside the largest sum there was, what is smaller than this is rounding. */
const ROUNDING = 1e-12;

/**
 * The mean of some rows of a matrix, kept up as rows come and go.
 *
 * Every move of a slider changes the sample a little; reading the whole of it
 * again takes 20 ms at 70,000 rows of 84, reading what changed takes 1.
 */
export class RowMean {
  private values: Float32Array | null = null;
  private held = new Uint8Array(0);
  private sum = new Float64Array(0);
  private largest = new Float64Array(0);
  private mean = new Float64Array(0);
  private changed = 0;

  /** The mean of `rows`, ascending; the array given back is used again. */
  of(values: Float32Array, rows: Uint32Array, n_items: number): Float64Array {
    const width = values.length / Math.max(n_items, 1);
    if (values !== this.values || this.held.length !== n_items) {
      this.values = values;
      this.held = new Uint8Array(n_items);
      this.sum = new Float64Array(width);
      this.largest = new Float64Array(width);
      this.mean = new Float64Array(width);
    }
    const changes = this.count_changes(rows);
    const anew = changes > rows.length || this.changed + changes > REFRESH * n_items;
    if (anew) this.add_anew(values, rows);
    else this.add_changes(values, rows);
    this.changed = anew ? 0 : this.changed + changes;
    for (let u = 0; u < width; u++) {
      this.largest[u] = Math.max(this.largest[u]!, Math.abs(this.sum[u]!));
      const rounding = Math.abs(this.sum[u]!) < ROUNDING * this.largest[u]!;
      this.mean[u] = rounding ? 0 : this.sum[u]! / rows.length;
    }
    return this.mean;
  }

  private count_changes(rows: Uint32Array): number {
    let same = 0;
    let before = 0;
    for (let i = 0; i < this.held.length; i++) before += this.held[i]!;
    for (let r = 0; r < rows.length; r++) same += this.held[rows[r]!]!;
    return before + rows.length - 2 * same;
  }

  private add_anew(values: Float32Array, rows: Uint32Array): void {
    this.held.fill(0);
    this.sum.fill(0);
    this.largest.fill(0);
    for (let r = 0; r < rows.length; r++) {
      this.held[rows[r]!] = 1;
      add_row(values, rows[r]!, 1, this.sum);
    }
  }

  private add_changes(values: Float32Array, rows: Uint32Array): void {
    let next = 0;
    for (let row = 0; row < this.held.length; row++) {
      const is = next < rows.length && rows[next] === row ? 1 : 0;
      next += is;
      const times = is - this.held[row]!;
      if (times !== 0) add_row(values, row, times, this.sum);
      this.held[row] = is;
    }
  }
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

// -- metrics -----------------------------------------------------------------

/** The k units of largest value; equal values stand in order of their unit. */
export function top_units(values: Numbers, k: number): number[] {
  const best: number[] = [];
  for (let unit = 0; unit < values.length; unit++) {
    const value = values[unit]!;
    if (best.length === k && !(value > values[best[k - 1]!]!)) continue;
    let at = Math.min(best.length, k - 1);
    while (at > 0 && value > values[best[at - 1]!]!) {
      best[at] = best[at - 1]!;
      at -= 1;
    }
    best[at] = unit;
  }
  return best;
}

/** Jensen-Shannon distance of two histograms, logarithms to base 2, "none" being a last bin. */
export function js_distance(p: Histogram, q: Histogram): number {
  const total_p = sum(p.counts) + p.none;
  const total_q = sum(q.counts) + q.none;
  if (total_p === 0 || total_q === 0) return total_p === total_q ? 0 : 1;
  let divergence = js_term(p.none / total_p, q.none / total_q);
  for (let u = 0; u < p.counts.length; u++) {
    if (p.counts[u] || q.counts[u]) {
      divergence += js_term(p.counts[u]! / total_p, q.counts[u]! / total_q);
    }
  }
  return Math.sqrt(Math.min(Math.max(divergence / 2, 0), 1));
}

function js_term(p: number, q: number): number {
  const middle = (p + q) / 2;
  return (p > 0 ? p * Math.log2(p / middle) : 0) + (q > 0 ? q * Math.log2(q / middle) : 0);
}

/** One minus the cosine of the angle; 0 if both are zero, 1 if one is. */
export function cosine_distance(u: Float64Array, v: Float64Array): number {
  const scale_u = largest(u);
  const scale_v = largest(v);
  if (scale_u === 0 || scale_v === 0) return scale_u === scale_v ? 0 : 1;
  let uv = 0;
  let uu = 0;
  let vv = 0;
  for (let i = 0; i < u.length; i++) {
    // Scaled to a largest entry of 1: squares of extreme entries leave float64.
    const a = u[i]! / scale_u;
    const b = v[i]! / scale_v;
    uv += a * b;
    uu += a * a;
    vv += b * b;
  }
  return Math.min(Math.max(1 - uv / (Math.sqrt(uu) * Math.sqrt(vv)), 0), 2);
}

function largest(values: Float64Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]!));
  return most;
}

function sum(values: Uint32Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
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

// -- one unit ----------------------------------------------------------------

/** A unit's activation by row where the index has it; NaN where it does not. */
export function write_unit_values(index: LayerIndex, unit: number, out: Float32Array): void {
  const { top_unit, top_value, keep } = index;
  for (let i = 0; i < out.length; i++) {
    out[i] = Number.NaN;
    for (let at = i * keep; at < (i + 1) * keep; at++) {
      if (top_unit[at] === unit) out[i] = top_value[at]!;
    }
  }
}

/** A column of a matrix. */
export function write_column(values: Float32Array, column: number, out: Float32Array): void {
  const width = values.length / out.length;
  for (let i = 0; i < out.length; i++) out[i] = values[i * width + column]!;
}

/** Those of `rows`, ascending, whose value is known and largest, largest first. */
export function strongest(values: Float32Array, rows: Uint32Array, n: number): Uint32Array {
  const best = new Uint32Array(n);
  let held = 0;
  for (let r = 0; r < rows.length; r++) {
    const row = rows[r]!;
    const value = values[row]!;
    if (Number.isNaN(value) || (held === n && value <= values[best[n - 1]!]!)) continue;
    let at = Math.min(held, n - 1);
    while (at > 0 && value > values[best[at - 1]!]!) {
      best[at] = best[at - 1]!;
      at -= 1;
    }
    best[at] = row;
    held = Math.min(held + 1, n);
  }
  return best.slice(0, held);
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
