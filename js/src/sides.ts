/** The sides of a comparison: the sample, the whole group, and a second group. */

import type { About, LayerInfo } from "./protocol.gen";
import {
  cell_mean,
  compare,
  type Figures,
  type Side,
  with_mean,
  write_counts,
  write_maxima,
  write_rows,
} from "./query";
import { bytes, from, single, whole_numbers } from "./recipe";
import type { LayerIndex } from "./record";
import { opposite, type Rival, unseen_limit, write_opposite, write_rest } from "./rival";
import { RowMean } from "./row_mean";

/** Recipes for the sample's side and the whole group's, and for the answer. */
export function side_recipes() {
  const exact = side_maker();
  const used = side_maker();
  return {
    layer_info: from(
      ["about", "layer"],
      (about: About | null, layer) => about?.layers.find(({ name }) => name === layer) ?? null,
    ),
    latent_here: from(
      ["about", "layer", "latent"],
      (about: About | null, layer, latent) => latent !== null && about?.latent_layer === layer,
    ),
    mean_here: from(
      ["about", "layer", "ranking", "added"],
      (about: About | null, layer, ranking, added) =>
        about?.latent_in_browser === true &&
        about.latent_layer === layer &&
        // What was added by hand makes all weights alike; see `Sample.topped_up`.
        (ranking?.weighted !== true || added.shape[0] !== 0),
    ),
    k_here: from(["layer_info", "k"], (info: LayerInfo | null, k) =>
      info ? Math.max(1, Math.min(k, info.units, info.keep)) : k,
    ),
    exact_side: from(
      ["index", "group_rows", "group", "k_here", "latent", "latent_here", "pred"],
      (index, rows, group, k, latent, latent_here, pred): Side | null => {
        if (!index) return null;
        const side = exact(index, rows, k, null);
        const has_pred = pred.length > 0 && pred[0]! >= 0;
        const summed = group.selection ? null : cell_mean(index, group, has_pred, rows.length);
        side.mean = summed ?? (latent_here && latent ? exact.mean(latent, rows, index) : null);
        return side;
      },
    ),
    used_side: from(
      ["index", "used_rows", "k_here", "latent", "latent_here", "mean_here", "sample_mean"],
      (index, rows, k, latent, latent_here, mean_here, sample_mean): Side | null => {
        if (!index) return null;
        const side = used(index, rows, k, null);
        const own = mean_here && latent_here && latent;
        side.mean = own ? used.mean(latent, rows, index) : sample_mean;
        return side;
      },
    ),
    answer: from(
      ["layer_info", "used_side", "exact_side", "measure", "told", "question", "sample_mean"],
      (info, sampled, whole_group, measure, told, question, mean): Figures | null => {
        if (info && !info.in_browser) {
          const figures = told?.asked === question ? told.figures : null;
          return figures && with_mean(figures, mean, measure);
        }
        const k = question.k;
        return sampled && whole_group ? compare(sampled, whole_group, k, measure) : null;
      },
    ),
  };
}

/** Work out one side of the comparison, in buffers that are used again. */
function side_maker() {
  const counts = whole_numbers();
  const maxima = single();
  const means = new RowMean();
  const make = (
    index: LayerIndex,
    rows: Uint32Array,
    k: number,
    mean: Float64Array | null,
  ): Side => {
    const histogram = { counts: counts(index.units), none: 0 };
    histogram.none = write_counts(index, rows, histogram.counts);
    const largest = maxima(index.units);
    write_maxima(index, rows, k, largest);
    return { n: rows.length, histogram, maxima: largest, mean };
  };
  make.mean = (latent: Float32Array, rows: Uint32Array, index: LayerIndex): Float64Array =>
    means.of(latent, rows, index.silent.length);
  return make;
}

/** Recipes for the second group. */
export function rival_recipes() {
  const member = bytes();
  const rows = whole_numbers();
  const rival = side_maker();
  return {
    rival_member: from(
      ["compare", "truth", "pred", "group", "member"],
      (compare, truth, pred, group, mask): Uint8Array | null => {
        const out = member(truth.length);
        if (compare === "selection" && group.selection) {
          write_rest(truth, pred, group, mask, out);
          return out;
        }
        if (compare !== "correctness" || group.correctness === "all") return null;
        write_opposite(truth, pred, group, out);
        return out;
      },
    ),
    rival: from(
      ["index", "rival_member", "compare", "group", "latent", "latent_here", "pred"],
      (index, mask, compare, group, latent, latent_here, pred): Rival | null => {
        if (!index || !mask) return null;
        const out = rows(mask.length);
        const these = out.subarray(0, write_rows(mask, out));
        const side = rival(index, these, index.keep, null);
        const has_pred = pred.length > 0 && pred[0]! >= 0;
        const summed =
          compare === "correctness" && !group.selection
            ? cell_mean(index, opposite(group), has_pred, these.length)
            : null;
        side.mean = summed ?? (latent_here && latent ? rival.mean(latent, these, index) : null);
        return { side, floor: unseen_limit(index, these) };
      },
    ),
  };
}
