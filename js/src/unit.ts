/**
 * One unit of a layer: its activation on each item as far as it is known, and its means.
 *
 * `latentlens/core/unit.py` holds the same functions; `tests/golden/query.json` holds the
 * two equal.
 */

import { CORRECT, type LayerIndex, UNDECIDED, WRONG_BY_PREDICTED, WRONG_BY_TRUE } from "./record";

/** For how many items a unit's activation is known. */
export interface UnitKnown {
  n_listed: number;
  n_run: number;
  /** What the others' values are at most; null where all are known. */
  limit: number | null;
}

/** A unit's means over the correct, the incorrect and the undecided items of each class. */
export interface UnitMeans {
  mean: Float64Array;
  n: Float64Array;
}

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

/** For how many items the index has a unit's value, and what it says of the others. */
export function known_by_index(index: LayerIndex, known: Float32Array): UnitKnown {
  const { top_value, keep } = index;
  let limit = Number.NEGATIVE_INFINITY;
  let n_listed = 0;
  for (let i = 0; i < known.length; i++) {
    if (!Number.isNaN(known[i]!)) n_listed += 1;
    else limit = Math.max(limit, top_value[(i + 1) * keep - 1]!);
  }
  return { n_listed, n_run: 0, limit: n_listed === known.length ? null : limit };
}

/** A unit's exact mean over each class, from the running sums; see `core/unit.py`. */
export function cell_means(
  { cell_sum, cell_count, n_classes, units }: LayerIndex,
  unit: number,
  by_predicted: boolean,
  has_pred: boolean,
): UnitMeans {
  const kinds = [CORRECT, by_predicted ? WRONG_BY_PREDICTED : WRONG_BY_TRUE, UNDECIDED];
  const n = new Float64Array(3 * n_classes);
  const mean = new Float64Array(3 * n_classes).fill(Number.NaN);
  kinds.forEach((kind, at) => {
    if (kind === UNDECIDED && has_pred !== by_predicted) return;
    for (let c = 0; c < n_classes; c++) {
      const cell = kind * n_classes + c;
      n[at * n_classes + c] = cell_count[cell]!;
      if (cell_count[cell]) {
        mean[at * n_classes + c] = cell_sum[cell * units + unit]! / cell_count[cell]!;
      }
    }
  });
  return { mean, n };
}
