import { h, s } from "../dom";
import { quality_key } from "../effects";
import type { QualityCurve, QualityReply } from "../protocol.gen";
import type { QualityQuestion, Store } from "../store";
import { count, percent, ratio, whole } from "../words";
import { make_card, make_fold, on_visible, on_width, view_counter } from "./card";
import type { Pane } from "./pane";

type Name = "s1" | "s2" | "s3";

interface Metric {
  name: Name;
  title: string;
  explained: string;
  /** Whether more is better. */
  up: boolean;
}

const METRICS: readonly Metric[] = [
  {
    name: "s1",
    title: "S1 precision",
    explained: "Share of the sample's top units by maximum that are in the exact top. 1 is best.",
    up: true,
  },
  {
    name: "s2",
    title: "S2 cosine distance",
    explained: "Between the sample's mean activation and the exact one. 0 is best.",
    up: false,
  },
  {
    name: "s3",
    title: "S3 Jensen-Shannon",
    explained:
      "Distance (base 2) between the sample's histogram of maximally activated units and the " +
      "exact one. 0 is best.",
    up: false,
  },
];

/** The fractions at which the axis has ticks. */
const TICKS = [0.05, 0.1, 0.2, 0.4, 0.8];
const HEIGHT = 116;
const TOP = 18;
const BOTTOM = 16;
const LEFT = 26;
/** Room for the lines' own names. */
const RIGHT = 66;
const LINE = 11;
const SHORTEST = 150;
/** In less room the ticks' numbers would touch, and every other one is left out. */
const CLOSE = 96;
const GAP = 12;

/** How well samples of this kind answer, beside random ones: is this fraction enough? */
export const quality: Pane = (el, store, signal) => {
  const card = make_card(el, "Fidelity");
  const headline = h("p", { className: "ll-verdict", role: "status" });
  const table = h("table", { className: "ll-scores" });
  const charts = h("div", { className: "ll-multiples" });
  const bar = h("progress", { max: 1, value: 0, hidden: true });
  bar.setAttribute("aria-label", "Progress of the fidelity");
  // In the head it comes and goes without moving what stands below.
  el.querySelector("header")?.append(bar);
  card.body.append(headline, table, charts);
  let width = 0;

  const draw = (): void => {
    const held = store.get("quality");
    const asked = store.get("quality_question");
    const reply = held?.reply ?? null;
    const current = reply !== null && quality_key(held!.asked) === quality_key(asked);
    card.stale(!current);
    show_progress(store, bar);
    card.instead(reply ? "" : waiting_words(store));
    if (!reply) return;
    card.kind(current ? "measured" : null);
    card.n(count(reply.n_cells, "cell"));
    el.title = RULES;
    const share = fixed_share(store) ?? held!.asked.fraction;
    headline.textContent = verdict(reply, held!.asked, share);
    table.replaceChildren(...score_table(reply, held!.asked.fraction));
    card.note(note_words(store, reply, current));
    if (width > 0) {
      const each = chart_width(width);
      const now = store.get("fraction");
      charts.replaceChildren(...METRICS.map((metric) => draw_chart(metric, reply, now, each)));
    }
  };

  const shows = view_counter(store, "quality_views", signal);
  let visible = false;
  const fold = make_fold(el, "quality", () => shows(visible && fold.open()), signal);
  on_visible(
    el,
    (is) => {
      // An exported page has the figures in it: to show them costs nothing.
      visible = is || "latentlens_page" in globalThis;
      shows(visible && fold.open());
    },
    signal,
  );
  store.watch(["quality", "quality_question", "waiting", "kernel_gone", "counts"], draw, signal);
  on_width(
    card.body,
    (now) => {
      width = now;
      draw();
    },
    signal,
  );
};

/** All charts in one row where they fit, else as wide as those of a full row. */
function chart_width(width: number): number {
  const columns = Math.min(
    METRICS.length,
    Math.max(1, Math.floor((width + GAP) / (SHORTEST + GAP))),
  );
  return Math.floor((width - GAP * (columns - 1)) / columns);
}

const RULES =
  "Mean over all cells: layer, class, correct or incorrect. A cell of which the sample has no " +
  "item counts 0 for S1 and 1 for S2 and S3. A layer with no more units than k is left out: any " +
  "k of its units would be right. Of n units, k picked blindly are right k/n of the time.";

function show_progress(store: Store, bar: HTMLProgressElement): void {
  const waiting = store.get("waiting").quality;
  bar.hidden = !waiting;
  if (waiting?.total) bar.value = waiting.done / waiting.total;
  else bar.removeAttribute("value");
}

function waiting_words(store: Store): string {
  const error = store.get("quality")?.error;
  if (error) return `The sample's quality is not known: ${error}`;
  if (store.get("kernel_gone")) return "The sample's quality was not asked before the kernel went.";
  if (!store.get("ranked")) return store.get("doing") || "Waiting for the sample.";
  return "Comparing samples of several sizes with all items.";
}

/** Where the fraction asked about stands among those that were measured. */
function place_of(reply: QualityReply, fraction: number): number {
  let best = 0;
  reply.fractions.forEach((share, at) => {
    if (Math.abs(share - fraction) < Math.abs(reply.fractions[best]! - fraction)) best = at;
  });
  return best;
}

/** The share of all items that a sampler takes whose samples have one size; null for others. */
function fixed_share(store: Store): number | null {
  if (store.get("ranking")?.allocation !== "fixed") return null;
  const { n_sample, n_added, n_items } = store.get("counts");
  return (n_sample - n_added) / n_items;
}

/** "Is 5 % enough?", answered in words; `share` is what the sample takes of all items. */
export function verdict(
  reply: QualityReply,
  { fraction, k, sampler }: QualityQuestion,
  share: number = fraction,
): string {
  const at = place_of(reply, fraction);
  const [first, ...others] = reply.curves;
  const own = first?.s1[at] ?? null;
  if (own === null) return "";
  const random = others.find((curve) => curve.sampler === "random")?.s1[at] ?? null;
  const beside = sampler === "random" || random === null ? "" : `; random ${of_k(random, k)}`;
  const units = k === 1 ? "of the top neuron" : `of the top ${k} neurons`;
  return `${percent(share)}: ${of_k(own, k)} ${units} right on average${beside}.`;
}

/** A share of k, as a whole number unless that would call it all or none. */
function of_k(share: number, k: number): string {
  const n = Math.round(share * k);
  const flat = (n === k && share < 1) || (n === 0 && share > 0);
  return flat ? (share * k).toFixed(1) : whole(n);
}

function values_of(curve: QualityCurve, name: Name): (number | null)[] {
  return curve[name];
}

/** Standard deviations over the draws; null for a single one. */
function spread_of(curve: QualityCurve, name: Name): (number | null)[] {
  return curve[`${name}_spread`];
}

/** The figures at a fraction, the sample's own first. */
function score_table(reply: QualityReply, fraction: number): HTMLElement[] {
  const at = place_of(reply, fraction);
  const head = h(
    "tr",
    {},
    h("td"),
    ...METRICS.map(({ title, explained, up }) =>
      h("th", { scope: "col", title: explained }, `${title}\u00a0`, up ? "↑" : "↓"),
    ),
  );
  const rows = reply.curves.map((curve, place) =>
    h(
      "tr",
      { className: place === 0 ? "ll-own" : "" },
      h("th", { scope: "row" }, key_line(dash_of(curve, place)), curve.title),
      ...METRICS.map((metric) => score_cell(metric, curve, reply, at)),
    ),
  );
  return [h("thead", {}, head), h("tbody", {}, ...rows)];
}

function score_cell(
  { name, up }: Metric,
  curve: QualityCurve,
  { curves, done }: QualityReply,
  at: number,
): HTMLElement {
  const value = values_of(curve, name)[at] ?? null;
  if (value === null) {
    return h("td", { className: "ll-follows" }, done ? "–" : "follows");
  }
  const known = curves.flatMap((other) => values_of(other, name)[at] ?? []);
  const best = known.length > 1 && value === (up ? Math.max(...known) : Math.min(...known));
  const spread = spread_of(curve, name)[at] ?? null;
  const beside =
    spread === null
      ? null
      : h("small", { title: `Mean and spread of ${curve.draws} draws` }, ` ± ${ratio(spread)}`);
  if (!best) return h("td", {}, ratio(value), beside);
  const star = h("span", { className: "ll-best", title: "The best of these", role: "img" }, "★");
  star.setAttribute("aria-label", "best");
  return h("td", {}, star, h("b", {}, ratio(value)), beside);
}

function note_words(store: Store, reply: QualityReply, current: boolean): string {
  const error = store.get("quality")?.error ?? "";
  const { added, fraction } = store.get("quality")!.asked;
  const averaged = reply.curves.find(({ draws }) => draws > 1);
  const parts = [
    `Mean over ${count(reply.n_cells, "cell")} (layer × class × correctness), each compared with all its items.`,
    reply.skipped.length > 0
      ? `Left out, as k covers all their units: ${reply.skipped.join(", ")}.`
      : "",
    s2_words(reply),
    added
      ? `At ${percent(fraction)} with the ${count(added.shape[0] ?? 0, "item")} added by hand.`
      : "",
    averaged
      ? `${averaged.title}: mean of ${reply.seeds}; band and ± are their standard deviation.`
      : "",
  ];
  if (error) parts.push(`Not brought up to date: ${error}`);
  else if (!current && store.get("kernel_gone")) {
    parts.push("For other settings: this needs the kernel, which has gone.");
  } else if (!current) parts.push("For other settings; the new figures follow.");
  return parts.filter(Boolean).join(" ");
}

/** Why there is no S2, or not yet; empty if there is. */
function s2_words({ curves, done }: QualityReply): string {
  if (curves.every(({ s2 }) => s2.every((value) => value !== null))) return "";
  return done
    ? "S2 is not known: it takes running the model on the samples, which this data does not allow."
    : "S2 follows: the model is run for it.";
}

/** How a line is drawn: the sample's own comes first; random and coreset have their own dashes. */
function dash_of({ sampler }: QualityCurve, place: number): string {
  return place > 0 && (sampler === "random" || sampler === "coreset") ? sampler : "own";
}

/** A piece of a sampler's line, as a key. */
function key_line(dash: string): SVGElement {
  return s(
    "svg",
    { class: "ll-key", width: 20, height: 8, "aria-hidden": "true" },
    s("line", { class: `ll-curve ll-curve-${dash}`, x1: 0, x2: 20, y1: 4, y2: 4 }),
  );
}

/** One measure by fraction, a line for each sampler. */
function draw_chart(
  metric: Metric,
  reply: QualityReply,
  fraction: number,
  width: number,
): SVGElement {
  const { fractions, curves } = reply;
  const values = curves.flatMap((curve) => values_of(curve, metric.name).filter((v) => v !== null));
  const most = metric.up ? 1 : nice_top(Math.max(0, ...values));
  const [low, high] = [Math.log(fractions[0] ?? 0.01), Math.log(fractions.at(-1) ?? 1)];
  const room = width - LEFT - RIGHT;
  const x = (share: number): number =>
    LEFT + (high > low ? (Math.log(share) - low) / (high - low) : 0.5) * room;
  const y = (value: number): number => HEIGHT - BOTTOM - (value / most) * (HEIGHT - BOTTOM - TOP);
  const ticks = room < CLOSE ? TICKS.filter((_, i) => i % 2 === 0) : TICKS;
  const inside = ticks.filter((t) => Math.log(t) >= low - 1e-9 && Math.log(t) <= high + 1e-9);
  const now = Math.min(Math.max(Math.log(fraction), low), high);
  const known = curves
    .map((curve, place) => ({ curve, dash: dash_of(curve, place) }))
    .filter(({ curve }) => values_of(curve, metric.name).some((v) => v !== null));
  return s(
    "svg",
    {
      class: "ll-chart",
      width,
      height: HEIGHT,
      role: "img",
      "aria-label": chart_label(metric, reply),
    },
    s("title", {}, `${chart_label(metric, reply)} ${metric.explained}`),
    s(
      "text",
      { x: LEFT, y: 10, class: "ll-chart-title" },
      `${metric.title} ${metric.up ? "↑" : "↓"}`,
    ),
    ...axis(inside, x, y, most, width - RIGHT),
    s("line", {
      class: "ll-now",
      x1: x(Math.exp(now)),
      x2: x(Math.exp(now)),
      y1: TOP - 2,
      y2: y(0),
    }),
    ...known.map(({ curve, dash }) => draw_band(curve, dash, metric.name, fractions, x, y)),
    ...known.map(({ curve, dash }) => draw_line(curve, dash, metric.name, fractions, x, y)),
    ...(known.length > 0
      ? name_lines(known, metric.name, y, width)
      : [
          s(
            "text",
            { x: LEFT + 8, y: (TOP + HEIGHT - BOTTOM) / 2 },
            reply.done ? "not known here" : `${metric.name.toUpperCase()} follows`,
          ),
        ]),
  );
}

function chart_label({ title, name }: Metric, reply: QualityReply): string {
  const ends = reply.curves.map((curve) => {
    const said = reply.fractions.flatMap((share, at) => {
      const value = values_of(curve, name)[at] ?? null;
      return value === null ? [] : [`${ratio(value)} at ${percent(share)}`];
    });
    return `${curve.title}: ${said.length > 0 ? said.join(", ") : reply.done ? "not known" : "follows"}`;
  });
  return `${title} by fraction. ${ends.join(". ")}.`;
}

type Scale = (value: number) => number;

function axis(ticks: number[], x: Scale, y: Scale, most: number, right: number): SVGElement[] {
  const below = ticks.flatMap((share) => [
    s("line", { class: "ll-grid", x1: x(share), x2: x(share), y1: TOP, y2: y(0) }),
    s("text", { class: "ll-middle", x: x(share), y: HEIGHT - 3 }, Math.round(100 * share)),
  ]);
  const beside = [0, most].map((value) =>
    s("text", { class: "ll-right", x: LEFT - 4, y: y(value) + 4 }, String(value)),
  );
  const unit = s("text", { class: "ll-unit", x: right + 9, y: HEIGHT - 3 }, "%");
  return [
    s("g", { class: "ll-axis" }, ...below, s("line", { x1: LEFT, x2: right, y1: y(0), y2: y(0) })),
    ...beside,
    unit,
  ];
}

/** One standard deviation either way of a mean over draws. */
function draw_band(
  curve: QualityCurve,
  dash: string,
  name: Name,
  fractions: number[],
  x: Scale,
  y: Scale,
): SVGElement {
  const ends = fractions.flatMap((share, at) => {
    const [mean = null, spread = null] = [values_of(curve, name)[at], spread_of(curve, name)[at]];
    if (mean === null || spread === null) return [];
    return [[x(share), y(mean + spread), y(Math.max(mean - spread, 0))] as const];
  });
  const upper = ends.map(([px, top]) => `${px.toFixed(1)} ${Math.max(top, TOP).toFixed(1)}`);
  const lower = ends.map(([px, , low]) => `${px.toFixed(1)} ${low.toFixed(1)}`).reverse();
  const d = ends.length > 1 ? `M${[...upper, ...lower].join("L")}Z` : "";
  return s("path", { class: `ll-spread ll-curve-${dash}`, d });
}

function draw_line(
  curve: QualityCurve,
  dash: string,
  name: Name,
  fractions: number[],
  x: Scale,
  y: Scale,
): SVGElement {
  const points = fractions.flatMap((share, at) => {
    const value = values_of(curve, name)[at] ?? null;
    return value === null ? [] : [[x(share), y(value)] as const];
  });
  const path = points.map(([px, py]) => `${px.toFixed(1)} ${py.toFixed(1)}`).join("L");
  const kind = `ll-curve-${dash}`;
  return s(
    "g",
    {},
    s("path", { class: `ll-curve ${kind}`, d: `M${path}` }),
    ...points.map(([cx, cy]) => s("circle", { class: `ll-point ${kind}`, cx, cy, r: 2 })),
  );
}

/** The lines' names at their right ends, moved apart where they would overlap. */
function name_lines(
  curves: { curve: QualityCurve; dash: string }[],
  name: Name,
  y: Scale,
  width: number,
): SVGElement[] {
  const ends = curves.map(({ curve, dash }) => {
    const last = values_of(curve, name).filter((v) => v !== null);
    return { curve, dash, at: y(last.at(-1) ?? 0) };
  });
  const places = spread(
    ends.map(({ at }) => at),
    LINE,
    TOP,
    HEIGHT - BOTTOM,
  );
  return ends.map(({ curve, dash }, i) =>
    s(
      "text",
      {
        class: `ll-name ll-curve-${dash}`,
        x: width - RIGHT + 5,
        y: places[i]! + 3,
      },
      fitting(curve.title),
      s("title", {}, curve.title),
    ),
  );
}

/** A name that has room at the end of a line. */
function fitting(title: string): string {
  return title.length > 11 ? `${title.slice(0, 10)}…` : title;
}

/** Places no nearer than `gap` to each other, in the same order and within bounds. */
export function spread(places: number[], gap: number, low: number, high: number): number[] {
  const order = [...places.keys()].sort((a, b) => places[a]! - places[b]! || a - b);
  const out = [...places];
  let floor = low;
  for (const i of order) {
    out[i] = Math.max(places[i]!, floor);
    floor = out[i]! + gap;
  }
  let ceiling = high;
  for (const i of order.reverse()) {
    out[i] = Math.min(out[i]!, ceiling);
    ceiling = out[i]! - gap;
  }
  return out;
}

/** The next of 1, 2 or 5 times a power of ten. */
function nice_top(value: number): number {
  if (value <= 0) return 1;
  const power = 10 ** Math.floor(Math.log10(value));
  const step = [1, 2, 5, 10].find((m) => m * power >= value)!;
  return Number((step * power).toPrecision(1));
}
