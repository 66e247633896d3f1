import { h, s } from "../dom";
import type { TopUnits } from "../protocol.gen";
import type { Figures } from "../query";
import type { Store } from "../store";
import {
  count,
  empty_words,
  kind_of,
  MEASURE_WORDS,
  percent,
  short,
  told_words,
  unit_noun,
  unit_place,
  whole,
} from "../words";
import { means_now, sample_line } from "../worth";
import {
  draw_back,
  draw_bar,
  faint_to,
  type Scale,
  scale_with_zero,
  set_size,
  text_to,
} from "./bars";
import { answer_for, make_card, n_words, on_width } from "./card";
import { draw_mark, make_marks, replace_marks } from "./marks";
import type { Pane } from "./pane";
import { show_top_pair } from "./versus";

const ROW = 18;
const HEAD = 16;
const LABEL = 58;
const VALUE = 52;
const TIMES = 46;

/** The most activated units of the group: the sample's bars, the exact values as ticks. */
export const top_k: Pane = (el, store, signal) => {
  const card = make_card(el, "Top-k neurons");
  const chart = s("svg", { class: "ll-bars", role: "group", "aria-label": "Top units" });
  const missed = h("p", { className: "ll-missed" });
  card.body.append(chart, missed);
  const width = on_width(card.body, () => draw(), signal);

  const draw = (): void => {
    const figures = answer_for(card, chart, store);
    if (!figures) return;
    if (store.get("rival_member")) {
      missed.replaceChildren();
      show_top_pair(card, chart, figures, store, width());
      return;
    }
    card.n(n_words(figures));
    card.kind(kind_of(figures, figures.precision !== null));
    say_precision(figures);
    const why = empty_words(store, figures) || unknown_words(store, figures);
    card.instead(why);
    if (why || !figures.top || width() < 1) return;
    draw_bars(chart, figures, store, width());
    missed.replaceChildren(...missed_units(figures));
    card.note(note_words(store, figures));
    const maxima = store.get("measure") === "max";
    card.worth(sample_line(store, figures, figures.precision !== null, maxima));
  };

  const say_precision = ({ precision, chance, k, n_used }: Figures): void => {
    const value = precision === null || n_used === 0 ? "" : precision.toFixed(2);
    const title = `Share of the sample's top ${k} that are in the exact top ${k}.`;
    card.score(`precision@${k}`, value, title, `chance ${chance.toFixed(2)}`);
  };

  store.watch(
    ["answer", "rival", "contrast", "unit", "means", "waiting", "layer_error", "doing"],
    draw,
    signal,
  );
  make_marks(card.body, store, signal);
};

function unknown_words(store: Store, figures: Figures): string {
  if (figures.top) return "";
  const error = means_now(store)?.error;
  if (error) return `The sample's mean is not known: ${error}`;
  if (store.get("kernel_gone"))
    return "Ranking by mean needs the kernel for this layer, and it has gone.";
  const waiting = store.get("waiting").means;
  const done = waiting?.total ? ` ${whole(waiting.done)} of ${whole(waiting.total)} items.` : "";
  return `Running the model on the sample's items.${done}`;
}

function note_words(store: Store, { k, top }: Figures): string {
  const info = store.get("layer_info");
  const below = store.get("measure") === "max" && top?.exact_value.some((value) => value === null);
  const tick = below ? "exact, where in its top" : "exact";
  const parts = [`Bar: sample, by ${MEASURE_WORDS[store.get("measure")]}. Tick: ${tick}.`];
  if (info && k >= info.units) parts.push(`k covers all ${whole(info.units)} units.`);
  if (info && store.get("k") > info.keep && info.units > info.keep) {
    parts.push(`The index holds ${info.keep} per item, so k stops there.`);
  }
  return parts.join(" ") + told_words(info);
}

/** The exact top units that the sample does not have. */
function missed_units({ exact_top, top }: Figures): (Node | string)[] {
  const found = new Set(top?.unit);
  const units = exact_top?.unit.filter((unit) => !found.has(unit)) ?? [];
  if (units.length === 0) return [];
  const buttons = units.map((unit) =>
    h("button", { type: "button", className: "ll-chip", data: { unit: String(unit) } }, unit),
  );
  return ["Missed of the exact top: ", ...buttons];
}

/** A bar's length: counts are compared as shares, for the sample is smaller than the group. */
function scaled(store: Store, figures: Figures): { value: number[]; exact: (number | null)[] } {
  const { value, exact_value } = figures.top as TopUnits;
  if (store.get("measure") !== "count") return { value, exact: exact_value };
  return {
    value: value.map((n) => n / figures.n_used),
    exact: exact_value.map((n) => n && n / figures.n_group),
  };
}

function draw_bars(chart: SVGElement, figures: Figures, store: Store, width: number): void {
  const top = figures.top as TopUnits;
  const { value, exact } = scaled(store, figures);
  const known = [...value, ...exact.filter((v) => v !== null)];
  const x = scale_with_zero(known, LABEL, width - LABEL - VALUE - TIMES);
  const height = HEAD + top.unit.length * ROW;
  set_size(chart, width, height);
  const rows = top.unit.map((unit, i) => {
    const y = HEAD + i * ROW;
    return draw_row({ store, figures, unit, i, y, width, x, value: value[i]!, exact: exact[i]! });
  });
  replace_marks(chart, [draw_head(store, width), ...rows]);
}

function draw_head(store: Store, width: number): SVGElement {
  const title = s("title", {}, "In how many of the sampled items the unit is the maximum");
  return s(
    "g",
    { class: "ll-columns" },
    s("text", { x: 18, y: 10 }, unit_noun(store.get("layer_info"))),
    text_to(width - TIMES, 10, store.get("measure")),
    text_to(width, 10, "top in", title),
  );
}

interface Row {
  store: Store;
  figures: Figures;
  unit: number;
  i: number;
  y: number;
  width: number;
  x: Scale;
  value: number;
  exact: number | null;
}

function draw_row(row: Row): SVGElement {
  const { store, figures, unit, i, y, width, x, value, exact } = row;
  const top = figures.top as TopUnits;
  const hit = top.hit[i]!;
  const middle = y + ROW / 2;
  const text = store.get("measure") === "count" ? `${(value * 100).toFixed(1)} %` : short(value);
  const times = figures.counts[unit] ?? 0;
  const label = describe(row, text, times);
  return draw_mark(
    store,
    unit,
    { name: `ll-row${hit ? " ll-hit" : ""}`, said: label },
    draw_back(y + 1, width, ROW - 2),
    hit ? check(5, middle) : ring(9, middle),
    s("text", { x: 18, y: middle + 4 }, unit),
    draw_bar(x, value, { name: "ll-bar", y: y + 4, height: ROW - 8, rx: 1.5 }),
    exact !== null &&
      s("line", { class: "ll-tick", x1: x(exact), x2: x(exact), y1: y + 2, y2: y + ROW - 2 }),
    text_to(width - TIMES, middle + 4, text),
    faint_to(width, middle + 4, whole(times)),
  );
}

function describe({ store, figures, unit, i, exact }: Row, text: string, times: number): string {
  const top = figures.top as TopUnits;
  const info = store.get("layer_info");
  const place = unit_place(info, unit);
  const shown =
    store.get("measure") === "count" && exact !== null
      ? percent(exact)
      : short(exact ?? Number.NaN);
  return [
    `${unit_noun(info)} ${unit}${place && ` (${place})`}: ${text} in the sample`,
    exact === null ? "" : `${shown} exactly`,
    top.hit[i] ? `among the exact top ${figures.k}` : `not among the exact top ${figures.k}`,
    `the maximum of ${count(times, "sampled item")}`,
  ]
    .filter(Boolean)
    .join(", ");
}

function check(x: number, y: number): SVGElement {
  return s("path", { class: "ll-check", d: `M${x} ${y}l3 3.2l5.4-6.6` });
}

function ring(x: number, y: number): SVGElement {
  return s("circle", { class: "ll-ring", cx: x, cy: y, r: 2.6 });
}
