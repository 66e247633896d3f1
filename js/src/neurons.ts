/** What single units do, and which of them separate groups of items: worked out here or asked for. */

import { decode_as } from "./codec";
import { compare_groups } from "./effect";
import type {
  ContrastReply,
  ContrastRequest,
  Kind,
  LayerInfo,
  Question,
  UnitReply,
} from "./protocol.gen";
import { write_rows } from "./query";
import { bytes, from, single, whole_numbers } from "./recipe";
import { at_rest, type Keys } from "./rest";
import { write_rest } from "./rival";
import { Dropped, KernelGone, words } from "./rpc";
import type { LensStore, Store } from "./store";
import {
  cell_means,
  known_by_index,
  type UnitKnown,
  type UnitMeans,
  write_column,
  write_unit_values,
} from "./unit";
import { type Design, design_of, difference_line } from "./worth";

export type ContrastQuestion = Omit<ContrastRequest, "kind" | "id">;

/** Which units separate two groups, the largest effect first: columns by place. */
export interface Contrast {
  unit: Uint32Array;
  effect: Float64Array;
  low: Float64Array;
  high: Float64Array;
  p: Float64Array;
  mean: Float64Array;
  other_mean: Float64Array;
  /** Each unit's place. */
  place: ReadonlyMap<number, number>;
  /** Items of the two groups that were read. */
  n: number[];
  n_group: number[];
  /** Units whose difference stands after the correction for their number. */
  n_stand: number;
  known: Kind;
  read_out: string;
  note: string;
}

/** A contrast that the kernel worked out, and the question it answers. */
export interface ContrastTold {
  asked: ContrastQuestion;
  found: Contrast | null;
  error: string;
}

/** What the kernel said of one unit. */
export interface UnitTold {
  asked: UnitQuestion;
  value: Float32Array;
  reply: UnitReply;
}

export interface UnitQuestion {
  question: Question;
  unit: number;
}

export interface Sides {
  /** By row: 1 for the items the group is set against. */
  other: Uint8Array;
  /** Whether these are all other items, the group being its class whole. */
  all: boolean;
  against: ContrastRequest["against"];
}

export interface NeuronValues {
  /** Null where there is nothing to set the group against. */
  contrast_sides: Sides | null;
  contrast_question: ContrastQuestion | null;
  contrast: Contrast | null;
  /** How the sample was drawn; null before there is one. */
  design: Design | null;
  unit_question: UnitQuestion | null;
  /** Activation of `unit` by row, NaN where it is not known; null if no unit is picked. */
  unit_values: Float32Array | null;
  unit_known: UnitKnown | null;
  unit_means: UnitMeans | null;
}

export function neuron_recipes() {
  return { ...contrast_recipes(), ...unit_recipes() };
}

function contrast_recipes() {
  const others = bytes();
  const rows = whole_numbers();
  return {
    design: from(
      ["ranking", "roles"],
      (ranking, roles): Design | null => ranking && design_of(ranking, roles),
    ),
    contrast_sides: from(
      ["truth", "pred", "group", "member", "group_rows", "compare", "rival_member"],
      (truth, pred, group, member, chosen, compare, rival): Sides | null => {
        if (chosen.length === 0 || chosen.length === member.length) return null;
        if (rival && compare === "correctness") {
          return { other: rival, all: false, against: "opposite" };
        }
        const other = others(member.length);
        const all = write_rest(truth, pred, group, member, other);
        return { other, all, against: "rest" };
      },
    ),
    contrast_question: from(
      ["contrast_sides", "layer", "label", "by", "correctness", "selection"],
      (sides, layer, label, by, correctness, selection): ContrastQuestion | null =>
        sides && {
          layer,
          label,
          by,
          correctness,
          selection: selection.shape[0] ? selection : null,
          against: sides.against,
        },
    ),
    contrast: from(
      [
        "contrast_sides",
        "contrast_question",
        "contrast_told",
        "latent",
        "latent_here",
        "group_rows",
        "layer_info",
      ],
      (sides, question, told, latent, here, chosen, info): Contrast | null => {
        if (!sides || !info) return null;
        if (!here || !latent) return told?.asked === question ? told.found : null;
        const out = rows(sides.other.length);
        const against = out.subarray(0, write_rows(sides.other, out));
        return contrast_here(latent, chosen, against, info.units);
      },
    ),
  };
}

/** The contrast of two groups of which every item's activations are here. */
export function contrast_here(
  latent: Float32Array,
  first: Uint32Array,
  second: Uint32Array,
  units: number,
): Contrast {
  const found = compare_groups(latent, first, second, units);
  const size = found.effect.map((g) => (Number.isNaN(g) ? -1 : Math.abs(g)));
  const unit = Uint32Array.from(found.effect.keys()).sort((a, b) => size[b]! - size[a]! || a - b);
  const column = (values: Float64Array) => Float64Array.from(unit, (u) => values[u]!);
  const n = [first.length, second.length];
  return {
    unit,
    effect: column(found.effect),
    low: column(found.low),
    high: column(found.high),
    p: column(found.p),
    mean: column(found.mean),
    other_mean: column(found.other_mean),
    place: places(unit),
    n,
    n_group: n,
    n_stand: found.n_stand,
    known: "exact",
    read_out: difference_line(found, first.length, second.length),
    note: found.note,
  };
}

function places(unit: Uint32Array): Map<number, number> {
  return new Map(Array.from(unit, (u, at) => [u, at]));
}

function read_contrast({ kind: _kind, id: _id, unit, ...reply }: ContrastReply): Contrast {
  const units = decode_as(unit, "uint32");
  return {
    ...reply,
    unit: units,
    effect: decode_as(reply.effect, "float64"),
    low: decode_as(reply.low, "float64"),
    high: decode_as(reply.high, "float64"),
    p: decode_as(reply.p, "float64"),
    mean: decode_as(reply.mean, "float64"),
    other_mean: decode_as(reply.other_mean, "float64"),
    place: places(units),
  };
}

function unit_recipes() {
  const values = single();
  return {
    unit_question: from(
      ["unit", "layer_info", "ranked", "fraction", "j", "by", "added"],
      (unit, info, ranked, fraction, j, by, added): UnitQuestion | null => {
        if (!info || !ranked || unit < 0 || unit >= info.units) return null;
        const question: Question = {
          layer: info.name,
          sampler: ranked.sampler,
          fraction,
          j,
          label: "",
          by,
          correctness: "all",
          k: 1,
          measure: "max",
          selection: null,
          added: added.shape[0] ? added : null,
        };
        return { question, unit };
      },
    ),
    unit_values: from(
      ["unit", "layer_info", "index", "latent", "latent_here", "truth", "unit_told"],
      (unit, info, index, latent, here, truth, told): Float32Array | null => {
        if (!info || unit < 0 || unit >= info.units) return null;
        const about = is_about(told, info, unit) ? told : null;
        const out = values(truth.length);
        if (here && latent) write_column(latent, unit, out);
        else if (about) out.set(about.value);
        else if (index) write_unit_values(index, unit, out);
        else return null;
        return out;
      },
    ),
    unit_known: from(
      ["unit_values", "unit", "layer_info", "index", "latent_here", "unit_told"],
      (known, unit, info, index, here, told): UnitKnown | null => {
        if (!known || !info) return null;
        if (here) return { n_listed: known.length, n_run: 0, limit: null };
        if (is_about(told, info, unit)) return told!.reply;
        return index && known_by_index(index, known);
      },
    ),
    unit_means: from(
      ["unit", "layer_info", "index", "unit_told", "by", "pred"],
      (unit, info, index, told, by, pred): UnitMeans | null => {
        if (!info || unit < 0 || unit >= info.units) return null;
        if (index)
          return cell_means(
            index,
            unit,
            by === "predicted",
            pred.some((p) => p >= 0),
          );
        if (!is_about(told, info, unit) || told!.asked.question.by !== by) return null;
        const { mean, n } = told!.reply;
        return { mean: decode_as(mean, "float64"), n: decode_as(n, "float64") };
      },
    ),
  };
}

function is_about(told: UnitTold | null, info: LayerInfo, unit: number): boolean {
  return told?.asked.unit === unit && told.asked.question.layer === info.name;
}

// -- asked of the kernel ---------------------------------------------------------

/** Keep what the kernel knows of groups and units in step with the state. */
export function keep_neurons(store: LensStore, signal: AbortSignal): void {
  keep_contrast(store, signal);
  keep_unit(store, signal);
}

/** Whether `layer` is the one whose values for all items are, or will be, here. */
function comes_here(store: Store): boolean {
  const about = store.get("about");
  return about?.latent_in_browser === true && about.latent_layer === store.get("layer");
}

function keep_contrast(store: LensStore, signal: AbortSignal): void {
  const fetch = async (asked: ContrastQuestion): Promise<void> => {
    const tell = (found: Contrast | null, error: string): void => {
      if (store.get("contrast_question") === asked) {
        store.set({ contrast_told: { asked, found, error } });
      }
    };
    try {
      tell(read_contrast(await store.ask({ kind: "contrast", ...asked })), "");
    } catch (error) {
      // It is asked again of a kernel that is back.
      if (error instanceof KernelGone) return;
      tell(null, error instanceof Dropped ? "Stopped." : words(error));
    }
  };
  const due = (): (() => void) | null => {
    const asked = store.get("contrast_question");
    const seen = store.get("contrast_views") > 0 || store.get("rival_member");
    if (!asked || !seen || !store.get("items") || !store.get("layer_info")) return null;
    if (comes_here(store) || store.get("dragging") || store.get("kernel_gone")) return null;
    return store.get("contrast_told")?.asked === asked ? null : () => void fetch(asked);
  };
  const keys = ["contrast_question", "contrast_views", "contrast_told", "items", "layer_info"];
  at_rest(
    store,
    [...keys, "rival_member", "dragging", "kernel_gone"] as Keys,
    () => due()?.(),
    signal,
  );
}

function keep_unit(store: LensStore, signal: AbortSignal): void {
  let last: UnitQuestion | null = null;
  const fetch = async (asked: UnitQuestion): Promise<void> => {
    try {
      const reply = await store.ask({ kind: "unit", ...asked });
      if (store.get("unit_question") !== asked) return;
      store.set({ unit_told: { asked, value: decode_as(reply.value, "float32"), reply } });
    } catch (error) {
      if (error instanceof KernelGone && last === asked) last = null;
      // What the index has is on show already; where it stays in the kernel one must know.
      const lost = !(error instanceof Dropped) && !store.get("index");
      if (lost && store.get("unit_question") === asked) store.set({ layer_error: words(error) });
    }
  };
  const due = (): (() => void) | null => {
    const asked = store.get("unit_question");
    const index = store.get("index");
    const listed = index !== null && index.keep >= index.units;
    if (!asked || listed || asked === last || comes_here(store)) return null;
    if (!store.get("items") || store.get("dragging") || store.get("kernel_gone")) return null;
    return () => {
      last = asked;
      void fetch(asked);
    };
  };
  at_rest(
    store,
    ["unit_question", "index", "items", "dragging", "kernel_gone"],
    () => due()?.(),
    signal,
  );
}
