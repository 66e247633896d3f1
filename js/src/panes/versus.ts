/** Two groups side by side: the group asked about, filled, and the one it is compared with, hollow. */

import { s } from "../dom";
import { cosine_distance, js_distance, top_units } from "../metrics";
import type { TopUnits } from "../protocol.gen";
import type { Figures } from "../query";
import type { Rival } from "../rival";
import type { Store } from "../store";
import {
  EFFECT_TITLE,
  group_words,
  MEASURE_WORDS,
  percent,
  ratio,
  rival_words,
  short,
  unit_noun,
  unit_place,
  waiting_words,
  whole,
} from "../words";
import {
  draw_back,
  draw_bar,
  faint_to,
  type Scale,
  scale_with_zero,
  set_size,
  text_to,
} from "./bars";
import { type Bin, bins_in, draw_axis, HEIGHT, LEFT, make_bins, SLOT } from "./bins";
import type { Card } from "./card";
import { draw_mark, replace_marks } from "./marks";

const ROW = 21;
const HEAD = 16;
const LABEL = 46;
/** A column of values, and one of effects with their interval. */
const VALUE = 52;
const EFFECT = 72;

/** Say in the head how many there are of each, or why there is nothing to compare. */
function say_groups(card: Card, figures: Figures, store: Store): Rival | null {
  const rival = store.get("rival");
  card.kind(rival ? "exact" : null);
  card.score("", "", "");
  card.n(rival ? `n ${whole(figures.n_group)} against ${whole(rival.side.n)}` : "");
  const why = empty_pair_words(store, figures, rival);
  card.instead(why);
  return why ? null : rival;
}

function empty_pair_words(store: Store, { n_group }: Figures, rival: Rival | null): string {
  if (!rival) {
    return store.get("layer_info")?.in_browser
      ? waiting_words(store)
      : "Two groups are compared from the layer's index, which for this layer stays in the kernel.";
  }
  if (n_group === 0) return `No ${group_words(store)} in the data.`;
  return rival.side.n === 0 ? `No ${rival_words(store)} in the data.` : "";
}

/** A unit's effect with its interval, in as few signs as will do; empty where none is known. */
function effect_text(store: Store, unit: number): string {
  const found = store.get("contrast");
  const at = found?.place.get(unit);
  if (!found || at === undefined || Number.isNaN(found.effect[at]!)) return "";
  const half = (found.high[at]! - found.low[at]!) / 2;
  return found.effect[at]!.toFixed(2) + (Number.isNaN(half) ? "" : ` ±${half.toFixed(2)}`);
}

/** The same as part of a sentence. */
export function effect_words(store: Store, unit: number): string {
  const text = effect_text(store, unit);
  return text && `effect g ${text}`;
}

/** What the effects of two groups are worth, or why there are none. */
function effect_line(store: Store): string {
  const told = store.get("contrast_told");
  const why = told?.asked === store.get("contrast_question") ? told.error : "";
  const line = store.get("contrast")?.read_out ?? why;
  return line && `effect g: ${line}`;
}

function key_words(store: Store): string {
  return `Filled: ${group_words(store)}. Hollow: ${rival_words(store)}. Both exact.`;
}

// -- top-k neurons -----------------------------------------------------------

/** The group's exact top units, each with what it is in the second group. */
export function show_top_pair(
  card: Card,
  chart: SVGElement,
  figures: Figures,
  store: Store,
  width: number,
): void {
  const rival = say_groups(card, figures, store);
  if (!rival) return;
  const values = second_values(store, rival);
  const top = figures.exact_top;
  if (!top || !values) {
    card.instead(
      "The mean over one of the groups is not known for this layer. Rank by max or count.",
    );
    return;
  }
  card.score("in both tops", `${shared(top, values, figures.k)} of ${figures.k}`, SHARED_TITLE);
  if (width < 1) return;
  draw_pair_rows({ chart, store, figures, rival, top, values, width });
  const bounded = top.unit.some((unit) => values[unit]! < rival.floor);
  const limit =
    store.get("measure") === "max" && bounded
      ? " ≤: the index bounds the second group's maximum."
      : "";
  card.note(`${key_words(store)} By ${MEASURE_WORDS[store.get("measure")]}.${limit}`);
  card.worth(effect_line(store));
}

const SHARED_TITLE = "Units that are among the exact top k of both groups.";

/** By unit: the second group's maximum, count or mean; null where its mean is not known. */
function second_values(store: Store, { side }: Rival): ArrayLike<number> | null {
  const measure = store.get("measure");
  if (measure === "max") return side.maxima;
  return measure === "count" ? side.histogram.counts : side.mean;
}

function shared({ unit }: TopUnits, values: ArrayLike<number>, k: number): number {
  const second = new Set(top_units(values as Float64Array, k));
  return unit.filter((u) => second.has(u)).length;
}

interface Pair {
  chart: SVGElement;
  store: Store;
  figures: Figures;
  rival: Rival;
  top: TopUnits;
  values: ArrayLike<number>;
  width: number;
}

/** What one row says of the second group: its value, or what it is at most. */
interface Second {
  value: number;
  text: string;
  certain: boolean;
}

function second_of({ store, rival, values }: Pair, unit: number): Second {
  const value = values[unit]!;
  if (store.get("measure") === "count") {
    const share = value / rival.side.n;
    return { value: share, text: `${(share * 100).toFixed(1)} %`, certain: true };
  }
  if (store.get("measure") === "mean" || value >= rival.floor) {
    return { value, text: short(value), certain: true };
  }
  return { value: rival.floor, text: `≤ ${short(rival.floor)}`, certain: false };
}

function draw_pair_rows(pair: Pair): void {
  const { chart, store, figures, top, width } = pair;
  const counted = store.get("measure") === "count";
  const first = top.value.map((value) => (counted ? value / figures.n_group : value));
  const second = top.unit.map((unit) => second_of(pair, unit));
  const all = [...first, ...second.map(({ value }) => value)];
  const x = scale_with_zero(all, LABEL, width - LABEL - 2 * VALUE - EFFECT);
  set_size(chart, width, HEAD + top.unit.length * ROW);
  const head = s(
    "g",
    { class: "ll-columns" },
    s("text", { x: 6, y: 10 }, unit_noun(store.get("layer_info"))),
    text_to(width - VALUE - EFFECT, 10, "filled"),
    text_to(width - EFFECT, 10, "hollow"),
    text_to(width, 10, "effect g", s("title", {}, EFFECT_TITLE)),
  );
  const rows = top.unit.map((unit, i) => {
    const value = first[i]!;
    const text = counted ? `${(value * 100).toFixed(1)} %` : short(value);
    return draw_pair_row({ pair, unit, y: HEAD + i * ROW, x, value, text, second: second[i]! });
  });
  replace_marks(chart, [head, ...rows]);
}

interface PairRow {
  pair: Pair;
  unit: number;
  y: number;
  x: Scale;
  value: number;
  text: string;
  second: Second;
}

function draw_pair_row({ pair, unit, y, x, value, text, second }: PairRow): SVGElement {
  const { store, width } = pair;
  const info = store.get("layer_info");
  const place = unit_place(info, unit);
  const label =
    `${unit_noun(info)} ${unit}${place && ` (${place})`}: ${text} for ${group_words(store)}, ` +
    [`${second.text} for ${rival_words(store)}`, effect_words(store, unit)]
      .filter(Boolean)
      .join(", ");
  const second_name = `ll-second${second.certain ? "" : " ll-uncertain"}`;
  return draw_mark(
    store,
    unit,
    { name: "ll-row ll-hit", said: label },
    draw_back(y + 1, width, ROW - 2),
    s("text", { x: 6, y: y + 15 }, unit),
    draw_bar(x, value, { name: "ll-bar", y: y + 3, height: 7, rx: 1.5 }),
    draw_bar(x, second.value, { name: second_name, y: y + 12, height: 7, rx: 1.5 }),
    text_to(width - VALUE - EFFECT, y + 15, text),
    text_to(width - EFFECT, y + 15, second.text),
    faint_to(width, y + 15, effect_text(store, unit)),
  );
}

// -- maximally activated neurons ---------------------------------------------

/** Of which share of each group every unit is the maximum. */
export function show_bin_pair(
  card: Card,
  chart: SVGElement,
  figures: Figures,
  store: Store,
  width: number,
): void {
  const rival = say_groups(card, figures, store);
  if (!rival) return;
  const { exact_counts, exact_none } = figures;
  const { counts, none } = rival.side.histogram;
  const distance = js_distance({ counts: exact_counts, none: exact_none }, { counts, none });
  card.score(
    "Jensen-Shannon between them",
    ratio(distance),
    "Jensen-Shannon distance (base 2) between the two groups' histograms: 0 equal, 1 disjoint.",
  );
  if (width < 1) return;
  const tallies = { counts, none, exact_counts, exact_none };
  const { bins, rest } = make_bins(tallies, bins_in(width, counts.length));
  draw_bin_pairs({ chart, store, width, bins, n: [figures.n_group, rival.side.n] });
  const more = rest.units > 0 ? ` ${whole(rest.units)} more units have no room.` : "";
  card.note(key_words(store) + more);
  card.worth(effect_line(store));
}

interface Bins {
  chart: SVGElement;
  store: Store;
  width: number;
  bins: Bin[];
  /** Items of the first group and of the second. */
  n: [number, number];
}

function draw_bin_pairs({ chart, store, width, bins, n }: Bins): void {
  const shares = bins.map(({ exact, sample }) => [exact / n[0], sample / n[1]] as const);
  const most = Math.max(...shares.flat());
  const slot = Math.min((width - LEFT) / bins.length, 2 * SLOT);
  const { y, axis } = draw_axis(most, width);
  chart.setAttribute("width", String(width));
  const marks = bins.map((bin, i) =>
    draw_bin_pair(bin, shares[i]!, store, LEFT + i * slot, slot, y),
  );
  replace_marks(chart, [axis, ...marks]);
}

function draw_bin_pair(
  { unit, label, exact, sample }: Bin,
  shares: readonly [number, number],
  store: Store,
  x: number,
  slot: number,
  y: Scale,
): SVGElement {
  const noun = unit_noun(store.get("layer_info"));
  const name = unit >= 0 ? `${noun} ${label}` : `none, every ${noun} being zero`;
  const said =
    `${name}: ${percent(shares[0])} of ${group_words(store)} (${whole(exact)}), ` +
    [`${percent(shares[1])} of ${rival_words(store)} (${whole(sample)})`, effect_words(store, unit)]
      .filter(Boolean)
      .join(", ");
  const half = Math.min((slot - 4) / 2, 12);
  const middle = x + slot / 2;
  const bar = (class_name: string, left: number, share: number): SVGElement =>
    s("rect", {
      class: class_name,
      x: left,
      y: y(share),
      width: half - 1,
      height: y(0) - y(share),
    });
  return draw_mark(
    store,
    unit,
    { name: `ll-bin${unit < 0 ? " ll-special" : ""}`, said },
    s("rect", { class: "ll-back", x, y: 0, width: slot, height: HEIGHT, rx: 3 }),
    bar("ll-bar", middle - half, shares[0]),
    bar("ll-second", middle + 1, shares[1]),
    s("text", { x: middle, y: HEIGHT - 4, class: "ll-middle" }, label),
  );
}

// -- mean activation ---------------------------------------------------------

/** Both exact means, as a profile draws them; null if one is not known, which the card says. */
export function mean_pair(
  card: Card,
  figures: Figures,
  store: Store,
): Pick<Figures, "mean" | "exact_mean"> | null {
  const rival = say_groups(card, figures, store);
  if (!rival) return null;
  const [first, second] = [figures.exact_mean, rival.side.mean];
  if (!first || !second) {
    card.instead("The mean over one of the groups is not known for this layer.");
    return null;
  }
  card.worth(effect_line(store));
  card.score(
    "cosine distance between them",
    ratio(cosine_distance(first, second)),
    "One minus the cosine of the angle between the two groups' means.",
  );
  return { mean: second, exact_mean: first };
}
