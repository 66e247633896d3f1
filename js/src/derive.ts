/** Everything that follows from the state and is never stored. */

import type { Cell } from "./cells";
import { decode, decode_as } from "./codec";
import { read_kept } from "./columns";
import { type ClassCounts, type Counts, count_recipes } from "./counts";
import type { QualityQuestion } from "./local";
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
import { type Figures, type Group, type Side, write_members, write_rows } from "./query";
import type { Recipes } from "./reactive";
import { bytes, from, whole_numbers } from "./recipe";
import type { Rival } from "./rival";
import {
  ADDED,
  type Orders,
  type Ranking,
  sort_ranking,
  write_roles,
  write_sample_order,
} from "./sample";
import { rival_recipes, side_recipes } from "./sides";
import type { Truth } from "./store";

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
    orders: from(["ranking"], (ranking) => ranking && sort_ranking(ranking)),
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
        write_roles(ranking, fraction, j, out);
        for (const row of extra) if (row < out.length && !out[row]) out[row] = ADDED;
        return out;
      },
    ),
    sample_order: from(["roles", "orders"], (taken, orders) => {
      const out = order(taken.length);
      return out.subarray(0, orders ? write_sample_order(taken, orders, out) : 0);
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
      write_members(truth, pred, group, out);
      return out;
    }),
    group_rows: from(["member"], (mask) => {
      const out = group_rows(mask.length);
      return out.subarray(0, write_rows(mask, out));
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
