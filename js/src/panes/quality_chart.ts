/** A chart of one score by fraction, with a line for each sampler. */

import { s } from "../dom";
import type { QualityCurve, QualityReply } from "../protocol.gen";
import { percent, ratio } from "../words";
import { dash_of, METRICS, type Metric, type Name, spread_of, values_of } from "./quality_curves";

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

/** All charts in one row where they fit, else as wide as those of a full row. */
export function chart_width(width: number): number {
  const columns = Math.min(
    METRICS.length,
    Math.max(1, Math.floor((width + GAP) / (SHORTEST + GAP))),
  );
  return Math.floor((width - GAP * (columns - 1)) / columns);
}

/** One measure by fraction, a line for each sampler. */
export function draw_chart(
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
