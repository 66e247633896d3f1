/** How many: items, errors and what the sample holds of them. */

import type { Cell } from "./cells";
import { count_cells, count_errors } from "./cells";
import type { QualityQuestion } from "./local";
import type { Ranked } from "./protocol.gen";
import { from } from "./recipe";
import { ADDED } from "./sample";

/** How many items there are, and how many of them are in the sample. */
export interface Counts {
  n_items: number;
  n_sample: number;
  /** Of those, how many were added by hand. */
  n_added: number;
  n_errors: number;
  errors_in_sample: number;
}

/** Items of each class, and those of them in the sample. */
export interface ClassCounts {
  items: Uint32Array;
  sample: Uint32Array;
}

/** Recipes for what is counted. */
export function count_recipes() {
  return {
    quality_question: from(
      ["ranked", "fraction", "j", "by", "k", "added", "extra"],
      (ranked: Ranked | null, fraction, j, by, k, added, extra): QualityQuestion | null =>
        ranked && {
          sampler: ranked.sampler,
          fraction,
          // Where j does nothing, two values of it are one question.
          j: ranked.uses_j ? j : 0,
          by,
          k,
          added: extra.length > 0 ? added : null,
        },
    ),
    cells: from(
      ["truth", "pred", "roles", "by", "about"],
      (truth, pred, roles, by, about): Cell[] =>
        count_cells(truth, pred, roles, by, about?.classes.length ?? 0),
    ),
    class_errors: from(["truth", "pred", "by", "about"], (truth, pred, by, about) =>
      count_errors(truth, pred, by, about?.classes.length ?? 0),
    ),
    counts: from(["truth", "pred", "roles"], (truth, pred, roles): Counts => {
      const counts = {
        n_items: truth.length,
        n_sample: 0,
        n_added: 0,
        n_errors: 0,
        errors_in_sample: 0,
      };
      for (let i = 0; i < truth.length; i++) {
        const wrong = truth[i]! >= 0 && pred[i]! >= 0 && truth[i] !== pred[i];
        if (wrong) counts.n_errors += 1;
        if (!roles[i]) continue;
        counts.n_sample += 1;
        if (roles[i] === ADDED) counts.n_added += 1;
        if (wrong) counts.errors_in_sample += 1;
      }
      return counts;
    }),
    class_counts: from(["about", "truth", "pred", "roles"], (about, truth, pred, roles) => {
      const n = about?.classes.length ?? 0;
      return {
        true: count_classes(truth, roles, n),
        predicted: count_classes(pred, roles, n),
      };
    }),
  };
}

function count_classes(classes: Int32Array, roles: Uint8Array, n: number): ClassCounts {
  const items = new Uint32Array(n);
  const sample = new Uint32Array(n);
  for (let i = 0; i < classes.length; i++) {
    const c = classes[i]!;
    if (c < 0 || c >= n) continue;
    items[c]! += 1;
    if (roles[i]) sample[c]! += 1;
  }
  return { items, sample };
}
