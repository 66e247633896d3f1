/** By what the items are coloured: an entry of a palette for each, and the key to read it by. */

import { column_names } from "../columns";
import {
  CORRECT,
  class_colours,
  type Rgb,
  scale_colours,
  type Theme,
  UNKNOWN,
  WRONG,
} from "../palette";
import type { Store } from "../store";
import { short, unit_noun, whole } from "../words";

/** Entry 0 of a palette. */
export const UNKNOWN_INK = 0;
const STEPS = 255;
/** Of more values than this the quantiles are taken from an even part. */
const QUANTILES_FROM = 20_000;
/** A loss below this is as good as none; in nats. */
const LEAST_LOSS = 1e-6;

export interface Tick {
  /** Share of the scale's length, from its low end. */
  at: number;
  text: string;
}

/** What a legend shows. */
export type ColourKey =
  | { kind: "classes"; title: string; names: string[]; by: "true" | "predicted" }
  | { kind: "states"; title: string; names: string[] }
  | { kind: "ramp"; title: string; ticks: Tick[]; known: number; n: number; note: string };

export interface Colouring {
  palette: Rgb[];
  ink: Uint16Array;
  key: ColourKey;
  /** Items without a colour of their own. */
  unknown: number;
}

/** What can be asked for, and why it may not be had now. */
export function choices(store: Store): { by: string; title: string; missing: string }[] {
  const ranking = store.get("ranking");
  const pred = store.get("pred");
  const unit = store.get("unit");
  const noun = unit_noun(store.get("layer_info"));
  return [
    { by: "label", title: "true class", missing: "" },
    { by: "pred", title: "predicted class", missing: known(pred) ? "" : "no predictions" },
    { by: "correct", title: "right or wrong", missing: known(pred) ? "" : "no predictions" },
    { by: "loss", title: "loss", missing: store.get("loss") ? "" : "not known" },
    { by: "margin", title: "log ratio", missing: ranking ? "" : "no ranking yet" },
    {
      by: "unit",
      title: unit < 0 ? noun : `${noun} ${unit} of ${store.get("layer")}`,
      missing: unit < 0 ? "click a bar first" : "",
    },
    { by: "kept", title: "neighbours kept", missing: store.get("kept") ? "" : "not measured yet" },
    ...(store.get("about")?.columns ?? []).map(({ name, kind, n_levels }) => ({
      by: name,
      title: name,
      missing: kind === "text" ? `${whole(n_levels)} different texts` : "",
    })),
  ];
}

function known(classes: Int32Array): boolean {
  return classes.some((c) => c >= 0);
}

/** Works out every item's colour for the state there is. */
export function colour_items(store: Store, theme: Theme, n: number): Colouring {
  const by = store.get("color_by");
  if (by === "correct") return by_correctness(store, theme, n);
  if (by === "loss") return by_loss(store, theme, n);
  if (by === "margin") return by_margin(store, theme, n);
  if (by === "unit" && store.get("unit") >= 0) return by_unit(store, theme, n);
  if (by === "kept") return by_kept(store, theme, n);
  if (column_names(store).includes(by)) return by_column(store, theme, n, by);
  return by_class(store, theme, n, by === "pred" ? "predicted" : "true");
}

function by_class(store: Store, theme: Theme, n: number, by: "true" | "predicted"): Colouring {
  const classes = by === "true" ? store.get("truth") : store.get("pred");
  const names = store.get("about")?.classes ?? [];
  const palette = [UNKNOWN[theme], ...class_colours(names.length, theme)];
  const ink = new Uint16Array(n);
  const unknown = fill(ink, (row) => ((classes[row] ?? -1) < names.length ? classes[row]! + 1 : 0));
  const title = by === "true" ? "True class" : "Predicted class";
  return { palette, ink, unknown, key: { kind: "classes", title, names, by } };
}

function by_correctness(store: Store, theme: Theme, n: number): Colouring {
  const [truth, pred] = [store.get("truth"), store.get("pred")];
  const ink = new Uint16Array(n);
  const unknown = fill(ink, (row) => {
    if (!(truth[row]! >= 0 && pred[row]! >= 0)) return UNKNOWN_INK;
    return truth[row] === pred[row] ? 1 : 2;
  });
  const key: ColourKey = { kind: "states", title: "Right or wrong", names: ["right", "wrong"] };
  return { palette: [UNKNOWN[theme], CORRECT, WRONG], ink, unknown, key };
}

function by_loss(store: Store, theme: Theme, n: number): Colouring {
  const loss = store.get("loss") ?? new Float32Array(n).fill(Number.NaN);
  const logs = loss.map((value) => Math.log10(Math.max(LEAST_LOSS, value)));
  const [low, high] = quantiles(logs, 0.01, 0.999);
  const range: [number, number] = [Math.floor(low), Math.max(Math.floor(low) + 1, Math.ceil(high))];
  const ticks = powers(...range);
  return ramp({ values: logs, range, ticks, title: "Loss (nats, log scale)", theme, n });
}

function by_margin(store: Store, theme: Theme, n: number): Colouring {
  const ratio = store.get("ranking")?.log_ratio ?? new Float64Array(n).fill(Number.NaN);
  const values = Float32Array.from(ratio);
  const range = quantiles(values, 0.02, 0.98);
  const title = "Log ratio (low: near a boundary)";
  return ramp({ values, range, ticks: even_ticks(...range), title, theme, n, bright_low: true });
}

function by_unit(store: Store, theme: Theme, n: number): Colouring {
  const values = store.get("unit_values") ?? new Float32Array(n).fill(Number.NaN);
  const range = quantiles(values, 0, 1);
  const noun = unit_noun(store.get("layer_info"));
  const title = `Activation of ${noun} ${store.get("unit")} of ${store.get("layer")}`;
  const limit = store.get("unit_known")?.limit ?? null;
  const rest = limit === null ? "" : `at most ${short(limit)} for the rest`;
  return ramp({ values, range, ticks: even_ticks(...range), title, theme, n, rest });
}

function by_kept(store: Store, theme: Theme, n: number): Colouring {
  const values = store.get("kept") ?? new Float32Array(n).fill(Number.NaN);
  const k = store.get("map_trust")?.k ?? 0;
  const title = `Neighbours kept, of ${k}`;
  const range: [number, number] = [0, 1];
  return ramp({ values, range, ticks: even_ticks(0, 1), title, theme, n, bright_low: true });
}

function by_column(store: Store, theme: Theme, n: number, name: string): Colouring {
  const column = store.get("columns").get(name);
  if (!column?.levels) {
    const values = (column?.values as Float64Array) ?? new Float64Array(n).fill(Number.NaN);
    const range = quantiles(values, 0, 1);
    const title = column ? name : `${name}: ${store.get("column_errors").get(name) ?? "fetching"}`;
    return ramp({ values, range, ticks: even_ticks(...range), title, theme, n });
  }
  const { values, levels } = column;
  const palette = [UNKNOWN[theme], ...class_colours(levels.length, theme)];
  const ink = new Uint16Array(n);
  const unknown = fill(ink, (row) => values[row]! + 1);
  const key: ColourKey = { kind: "states", title: name, names: [...levels] };
  return { palette, ink, unknown, key };
}

interface Ramp {
  values: Float32Array | Float64Array;
  range: [number, number];
  ticks: Tick[];
  title: string;
  theme: Theme;
  n: number;
  /** Whether it is the low values that should be seen first. */
  bright_low?: boolean;
  /** What there is to say of the unknown values. */
  rest?: string;
}

function ramp({
  values,
  range,
  ticks,
  title,
  theme,
  n,
  bright_low = false,
  rest = "",
}: Ramp): Colouring {
  const colours = scale_colours(STEPS, theme);
  if (bright_low) colours.reverse();
  const palette = [UNKNOWN[theme], ...colours];
  const ink = new Uint16Array(n);
  const [low, high] = range;
  const per_step = (STEPS - 1) / (high - low || 1);
  const unknown = fill(ink, (row) => {
    const value = values[row] ?? Number.NaN;
    if (Number.isNaN(value)) return UNKNOWN_INK;
    return 1 + Math.round(Math.min(STEPS - 1, Math.max(0, (value - low) * per_step)));
  });
  const note = [rest, low === high && unknown < n && "all known values are equal"]
    .filter(Boolean)
    .join("; ");
  return {
    palette,
    ink,
    unknown,
    key: { kind: "ramp", title, ticks, known: n - unknown, n, note },
  };
}

/** Writes every row's entry and counts those without one. */
function fill(ink: Uint16Array, entry: (row: number) => number): number {
  let unknown = 0;
  for (let row = 0; row < ink.length; row++) {
    const value = Math.max(UNKNOWN_INK, entry(row));
    ink[row] = value;
    if (value === UNKNOWN_INK) unknown++;
  }
  return unknown;
}

/** Two quantiles of the finite values; [0, 0] if there are none. */
export function quantiles(
  values: Float32Array | Float64Array,
  low: number,
  high: number,
): [number, number] {
  const stride = low === 0 && high === 1 ? 1 : Math.ceil(values.length / QUANTILES_FROM);
  const finite = values.filter((value, i) => i % stride === 0 && Number.isFinite(value)).sort();
  if (finite.length === 0) return [0, 0];
  const at = (share: number) => finite[Math.round(share * (finite.length - 1))]!;
  return [at(low), at(high)];
}

/** Ticks at whole powers of ten, not more than about six. */
function powers(low: number, high: number): Tick[] {
  const stride = Math.ceil((high - low) / 6);
  const ticks: Tick[] = [];
  for (let power = high; power >= low; power -= stride) {
    const text =
      power >= -2 && power <= 3 ? String(Number((10 ** power).toPrecision(1))) : `1e${power}`;
    ticks.unshift({ at: (power - low) / (high - low), text });
  }
  return ticks;
}

/** Ticks at multiples of 1, 2 or 5 times a power of ten, about five of them. */
export function even_ticks(low: number, high: number): Tick[] {
  if (!(high > low)) return [{ at: 0, text: short(low) }];
  const rough = (high - low) / 5;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].find((m) => m * power >= rough)! * power;
  const ticks: Tick[] = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) {
    ticks.push({ at: (i * step - low) / (high - low), text: short(i * step) });
  }
  return ticks;
}
