/** Everything that follows from the state and is never stored. */

import { type Cell, count_cells, count_errors } from "./cells";
import { decode, decode_as } from "./codec";
import { read_kept } from "./columns";
import { type NeuronValues, neuron_recipes } from "./neurons";
import type {
  About,
  Items,
  LayerInfo,
  NdArray,
  Points,
  Question,
  Ranked,
  SamplerInfo,
  Trust,
} from "./protocol.gen";
import * as query from "./query";
import {
  ADDED,
  type Figures,
  type Group,
  type LayerIndex,
  type Orders,
  type Ranking,
  RowMean,
  type Side,
} from "./query";
import type { Recipes } from "./reactive";
import { opposite, type Rival, unseen_limit, write_opposite, write_rest } from "./rival";
import type { QualityQuestion, Truth } from "./store";

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

export interface Derived extends NeuronValues {
  /** True class by row, -1 unknown. */
  truth: Int32Array;
  /** Predicted class by row, -1 unknown. */
  pred: Int32Array;
  /** Loss by row in nats, NaN unknown; null where nothing is known. */
  loss: Float32Array | null;
  /** Positions in the dataset by row; null where they are the rows. */
  ids: Int32Array | null;
  /** (n_items, 2) coordinates; null before the first layout. */
  xy: Float32Array | null;
  ranking: Ranking | null;
  orders: Orders | null;
  /** The sampler chosen in the menu; null before there is one. */
  sampler_info: SamplerInfo | null;
  /** Rows added by hand, ascending, whether or not the sampler takes them too. */
  extra: Uint32Array;
  /** By row: 0 outside the sample, else OUTLIER, EXEMPLAR, DRAWN or ADDED. */
  roles: Uint8Array;
  /** The sample's rows, outliers first, what was added last. */
  sample_order: Uint32Array;
  /** Rows selected, ascending. */
  picked: Uint32Array;
  /** Share of each item's neighbours that the map keeps, NaN where not measured; null before. */
  kept: Float64Array | null;
  /** The class's number; -1 for all classes. */
  class_index: number;
  group: Group;
  /** By row: 1 for the items the question is about. */
  member: Uint8Array;
  /** Their rows, ascending. */
  group_rows: Uint32Array;
  /** Those of them that are in the sample, ascending. */
  used_rows: Uint32Array;
  layer_info: LayerInfo | null;
  /** The state of the controls as a question to the kernel. */
  question: Question;
  /** The same for the sample's mean, which neither `k` nor `measure` changes. */
  means_question: Question;
  /** The sample's mean where the kernel has worked it out for this very question. */
  sample_mean: Float64Array | null;
  /** Whether `layer` is the layer whose values for all items are here. */
  latent_here: boolean;
  /** Whether the sample's mean of `layer` is worked out here: all its items weigh alike. */
  mean_here: boolean;
  /** k after the layer's width and the index's are taken into account. */
  k_here: number;
  exact_side: Side | null;
  used_side: Side | null;
  /** What the panes show; null until the layer is here. */
  answer: Figures | null;
  /** The second group of a comparison by row; null while none is made. */
  rival_member: Uint8Array | null;
  /** The same group from the index; null while it is not here. */
  rival: Rival | null;
  /** The state of the controls as a question about the sample's quality. */
  quality_question: QualityQuestion | null;
  cells: Cell[];
  /** By class, how many of its items are wrong. */
  class_errors: Uint32Array;
  counts: Counts;
  class_counts: { true: ClassCounts; predicted: ClassCounts };
}

/** Recipes with buffers of their own: one set per store. */
export function recipes(): Recipes<Truth, keyof Derived> {
  return {
    ...item_recipes(),
    ...group_recipes(),
    ...side_recipes(),
    ...rival_recipes(),
    ...count_recipes(),
    ...neuron_recipes(),
  };
}

type Values<N extends readonly (keyof Truth)[]> = { -readonly [I in keyof N]: Truth[N[I]] };

/** Tie a value to what it is made from, and to nothing else. */
export function from<const N extends readonly (keyof Truth)[], V>(
  needs: N,
  make: (...values: Values<N>) => V,
) {
  return { needs, make: make as unknown as (...values: never[]) => V };
}

/** An array that is made anew only when its length changes. */
function buffer<T>(make: (length: number) => T & { length: number }): (length: number) => T {
  let held: (T & { length: number }) | undefined;
  return (length) => {
    if (held?.length !== length) held = make(length);
    return held;
  };
}

export const bytes = () => buffer((n) => new Uint8Array(n));
export const whole_numbers = () => buffer((n) => new Uint32Array(n));
export const single = () => buffer((n) => new Float32Array(n));

function item_recipes() {
  const roles = bytes();
  const order = whole_numbers();
  return {
    truth: from(["items"], (items: Items | null) => decode_or_none(items?.label)),
    pred: from(["items"], (items: Items | null) => decode_or_none(items?.pred)),
    loss: from(["items"], (items) => (items?.loss ? decode_as(items.loss, "float32") : null)),
    ids: from(["items"], (items) => (items?.ids ? decode_as(items.ids, "int32") : null)),
    xy: from(["points"], (points: Points | null) => points && decode_as(points.xy, "float32")),
    ranking: from(["ranked"], (ranked: Ranked | null) => ranked && read_ranking(ranked)),
    orders: from(["ranking"], (ranking) => ranking && query.sort_ranking(ranking)),
    sampler_info: from(
      ["about", "sampler"],
      (about: About | null, sampler) =>
        about?.samplers.find(({ name }) => name === sampler) ?? null,
    ),
    extra: from(["added"], (added) => decode_as(added, "uint32")),
    roles: from(
      ["ranking", "fraction", "j", "truth", "extra"],
      (ranking, fraction, j, truth, extra) => {
        const out = roles(truth.length);
        if (!ranking) return out.fill(0);
        query.write_roles(ranking, fraction, j, out);
        for (const row of extra) if (row < out.length && !out[row]) out[row] = ADDED;
        return out;
      },
    ),
    sample_order: from(["roles", "orders"], (taken, orders) => {
      const out = order(taken.length);
      return out.subarray(0, orders ? query.write_sample_order(taken, orders, out) : 0);
    }),
    picked: from(["selection"], (selection) => decode_as(selection, "uint32")),
    kept: from(["map_trust"], (trust: Trust | null) => trust && read_kept(trust)),
  };
}

function group_recipes() {
  const member = bytes();
  const group_rows = whole_numbers();
  const used_rows = whole_numbers();
  return {
    class_index: from(["about", "label"], (about: About | null, label) =>
      label === "" ? -1 : (about?.classes.indexOf(label) ?? -1),
    ),
    group: from(
      ["class_index", "by", "correctness", "picked"],
      (label_class, by, correctness, picked): Group => ({
        label_class,
        by,
        correctness,
        selection: picked.length > 0 ? picked : null,
      }),
    ),
    member: from(["truth", "pred", "group"], (truth, pred, group) => {
      const out = member(truth.length);
      query.write_members(truth, pred, group, out);
      return out;
    }),
    group_rows: from(["member"], (mask) => {
      const out = group_rows(mask.length);
      return out.subarray(0, query.write_rows(mask, out));
    }),
    means_question: from(
      [
        "layer",
        "ranked",
        "sampler",
        "fraction",
        "j",
        "label",
        "by",
        "correctness",
        "selection",
        "added",
      ],
      (
        layer,
        ranked,
        sampler,
        fraction,
        j,
        label,
        by,
        correctness,
        selection,
        added,
      ): Question => ({
        layer,
        // While a new sampler ranks, the panes still show the old one's sample.
        sampler: ranked?.sampler ?? sampler,
        fraction,
        j,
        label,
        by,
        correctness,
        k: 1,
        measure: "mean",
        selection: selection.shape[0] ? selection : null,
        added: added.shape[0] ? added : null,
      }),
    ),
    question: from(
      ["means_question", "k_here", "measure"],
      (question, k, measure): Question => ({
        ...question,
        k,
        measure,
      }),
    ),
    sample_mean: from(["means", "means_question"], (means, asked) =>
      means?.asked === asked ? means.mean : null,
    ),
    used_rows: from(["roles", "group_rows"], (roles, rows) => {
      const out = used_rows(roles.length);
      let n = 0;
      for (let r = 0; r < rows.length; r++) if (roles[rows[r]!]) out[n++] = rows[r]!;
      return out.subarray(0, n);
    }),
  };
}

function side_recipes() {
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
        const summed = group.selection
          ? null
          : query.cell_mean(index, group, has_pred, rows.length);
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
          return figures && query.with_mean(figures, mean, measure);
        }
        const k = question.k;
        return sampled && whole_group ? query.compare(sampled, whole_group, k, measure) : null;
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
    histogram.none = query.write_counts(index, rows, histogram.counts);
    const largest = maxima(index.units);
    query.write_maxima(index, rows, k, largest);
    return { n: rows.length, histogram, maxima: largest, mean };
  };
  make.mean = (latent: Float32Array, rows: Uint32Array, index: LayerIndex): Float64Array =>
    means.of(latent, rows, index.silent.length);
  return make;
}

function rival_recipes() {
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
        const these = out.subarray(0, query.write_rows(mask, out));
        const side = rival(index, these, index.keep, null);
        const has_pred = pred.length > 0 && pred[0]! >= 0;
        const summed =
          compare === "correctness" && !group.selection
            ? query.cell_mean(index, opposite(group), has_pred, these.length)
            : null;
        side.mean = summed ?? (latent_here && latent ? rival.mean(latent, these, index) : null);
        return { side, floor: unseen_limit(index, these) };
      },
    ),
  };
}

function count_recipes() {
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

function read_ranking(ranked: Ranked): Ranking {
  return {
    group: decode_as(ranked.group, "uint16", "uint32"),
    rank: decode_as(ranked.rank, "uint32"),
    group_size: decode_as(ranked.group_size, "uint32"),
    log_ratio: decode_as(ranked.log_ratio, "float64"),
    uses_j: ranked.uses_j,
    probability: ranked.probability,
    weighted: ranked.weighted,
    allocation: ranked.allocation,
    floor: ranked.floor,
  };
}

function decode_or_none(array: NdArray | undefined): Int32Array {
  return array ? (decode(array) as Int32Array) : new Int32Array(0);
}
