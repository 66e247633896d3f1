import { h, on, s, set_text } from "../dom";
import type { Figures } from "../query";
import type { Store } from "../store";
import {
  empty_words,
  group_words,
  kind_of,
  ratio,
  rival_words,
  short,
  told_words,
  unit_noun,
  whole,
} from "../words";
import { means_now, sample_line } from "../worth";
import { answer_for, make_card, n_words, on_width } from "./card";
import { toggle_unit } from "./marks";
import type { Pane } from "./pane";
import { effect_words, mean_pair } from "./versus";

const HEIGHT = 92;
const TOP = 8;
const BOTTOM = 14;
const LEFT = 40;
/** Narrower than this, a unit has no line of its own. */
const UNIT_PX = 1.5;

/** The lowest and the highest of neighbouring units that share a place on the screen. */
export interface Envelope {
  low: Float64Array;
  high: Float64Array;
}

/** The mean activation of every unit: the sample's line over the exact one's area. */
export const mean_activation: Pane = (el, store, signal) => {
  const card = make_card(el, "Mean activation");
  const chart = s("svg", { class: "ll-profile", height: HEIGHT, role: "img" });
  const readout = h("span", { className: "ll-readout" });
  card.body.append(chart, readout);
  const width = on_width(card.body, () => draw(), signal);
  let under = -1;

  const draw = (): void => {
    const figures = answer_for(card, chart, store);
    if (!figures) return;
    if (store.get("rival_member")) {
      show_pair(figures);
      return;
    }
    const { mean, exact_mean, cosine_distance, n_used, n_group } = figures;
    card.n(n_words(figures));
    const known = mean ? kind_of(figures, exact_mean !== null) : exact_mean ? "exact" : null;
    card.kind(known === "sample" && interval(store).low ? "estimate" : known);
    card.score(
      "cosine distance",
      cosine_distance === null || n_used === 0 ? "" : ratio(cosine_distance),
      "One minus the cosine of the angle between the sample's mean and the exact one.",
    );
    const empty = n_group === 0 ? empty_words(store, figures) : "";
    card.instead(empty || (mean || exact_mean ? "" : unknown_words(store)));
    if (empty || width() < 1 || !(mean || exact_mean)) return;
    const bins = draw_profile(chart, { ...figures, ...interval(store) }, width());
    card.note(note_words(store, figures, bins) + told_words(store.get("layer_info")));
    const told = means_now(store)?.worth;
    card.worth(told || (mean ? sample_line(store, figures, exact_mean !== null) : ""));
    read_out(store, readout, under);
  };

  /** The group's exact mean as the area, the second group's as the line. */
  const show_pair = (figures: Figures): void => {
    const pair = mean_pair(card, figures, store);
    if (!pair || width() < 1) return;
    const steps = draw_profile(chart, pair, width());
    const folded =
      steps > 0 ? ` ${whole(pair.exact_mean!.length)} units in ${whole(steps)} steps.` : "";
    card.note(`Area: ${group_words(store)}. Line: ${rival_words(store)}. Both exact.${folded}`);
    read_out(store, readout, under);
  };

  const point = (event: PointerEvent): void => {
    const units = store.get("answer")?.exact_counts.length ?? 0;
    const { left } = chart.getBoundingClientRect();
    const share = (event.clientX - left - LEFT) / (width() - LEFT);
    under = share < 0 || share >= 1 ? -1 : Math.floor(share * units);
    read_out(store, readout, under);
  };
  on(chart, "pointermove", point, signal);
  on(chart, "pointerleave", () => set_text(readout, ""), signal);
  on(chart, "click", () => under >= 0 && toggle_unit(store, under), signal);
  store.watch(
    [
      "answer",
      "rival",
      "contrast",
      "means",
      "waiting",
      "unit",
      "kernel_gone",
      "layer_error",
      "doing",
    ],
    draw,
    signal,
  );
};

function read_out(store: Store, el: HTMLElement, unit: number): void {
  const figures = store.get("answer");
  if (unit < 0 || !figures) {
    set_text(el, "");
    return;
  }
  const rival = store.get("rival");
  const beside = store.get("rival_member") ? rival?.side.mean : null;
  const parts = [
    !store.get("rival_member") && figures.mean && `sample ${short(figures.mean[unit]!)}`,
    figures.exact_mean && `exact ${short(figures.exact_mean[unit]!)}`,
    beside && `second group ${short(beside[unit]!)}`,
    beside && effect_words(store, unit),
  ];
  set_text(
    el,
    `${unit_noun(store.get("layer_info"))} ${unit}: ${parts.filter(Boolean).join(", ")}`,
  );
}

/** Why the sample's mean is not here, or how far it is. */
function unknown_words(store: Store): string {
  const error = means_now(store)?.error;
  if (error) return error;
  if (store.get("kernel_gone"))
    return "The sample's mean of this layer needs the kernel, which has gone.";
  const waiting = store.get("waiting").means;
  if (!waiting?.total) return "The sample's mean comes when the controls rest.";
  return `Running the model on the sample: ${whole(waiting.done)} of ${whole(waiting.total)} items.`;
}

function note_words(store: Store, figures: Figures, bins: number): string {
  const parts: string[] = [];
  if (figures.n_used === 0) parts.push(empty_words(store, figures));
  else if (!figures.mean) parts.push(unknown_words(store));
  if (!figures.exact_mean) parts.push("Exact mean unknown for this group: only a sample can tell.");
  if (bins > 0) {
    const units = figures.exact_counts.length;
    parts.push(
      `${whole(units)} units in ${whole(bins)} steps; each spans its lowest to highest mean.`,
    );
  }
  const means = store.get("means");
  if (figures.mean && means?.mean === figures.mean && means.note)
    parts.push(`${sentence(means.note)}`);
  return parts.length > 0 ? parts.join(" ") : "Line: the sample. Area: exact.";
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
}

/** Draw both profiles; gives the number of steps if units had to share them, else 0. */
function draw_profile(
  chart: SVGElement,
  figures: Pick<Figures, "mean" | "exact_mean"> & Partial<Interval>,
  width: number,
): number {
  const { mean, exact_mean } = figures;
  const units = (mean ?? exact_mean)!.length;
  const room = width - LEFT;
  const steps = units * UNIT_PX > room ? Math.floor(room / UNIT_PX) : units;
  const sample = mean && envelope(mean, steps);
  const exact = exact_mean && envelope(exact_mean, steps);
  const band =
    mean && figures.low && figures.high ? band_of(figures.low, figures.high, steps) : null;
  const [low, high] = extent([sample, exact, band]);
  const y = (v: number): number =>
    HEIGHT - BOTTOM - ((v - low) / (high - low)) * (HEIGHT - BOTTOM - TOP);
  const x = (step: number): number => LEFT + (step / steps) * room;
  chart.setAttribute("width", String(width));
  chart.setAttribute("aria-label", "Mean activation by unit, sample and exact");
  chart.replaceChildren(
    s("line", { class: "ll-zero", x1: LEFT, x2: width, y1: y(0), y2: y(0) }),
    s("text", { class: "ll-right", x: LEFT - 4, y: y(high) + 6 }, short(high)),
    s("text", { class: "ll-right", x: LEFT - 4, y: y(low) }, short(low)),
    s("text", { x: LEFT, y: HEIGHT - 2 }, "0"),
    s("text", { class: "ll-right", x: width, y: HEIGHT - 2 }, units - 1),
    ...(exact ? [s("path", { class: "ll-area", d: area_path(exact, x, y) })] : []),
    ...(band ? [s("path", { class: "ll-band", d: band_path(band, x, y) })] : []),
    ...(sample
      ? [
          s("path", {
            class: steps < units ? "ll-line ll-folded" : "ll-line",
            d: line_path(sample, x, y, steps < units),
          }),
        ]
      : []),
  );
  return steps < units ? steps : 0;
}

/** The ends of the sample's intervals. */
interface Interval {
  low: Float64Array | null;
  high: Float64Array | null;
}

/** The interval that belongs to the mean on show. */
function interval(store: Store): Interval {
  const { low = null, high = null } = means_now(store) ?? {};
  return { low, high };
}

/** From the lowest lower end to the highest upper end of each step. */
function band_of(low: Float64Array, high: Float64Array, steps: number): Envelope {
  return { low: envelope(low, steps).low, high: envelope(high, steps).high };
}

function band_path({ low, high }: Envelope, x: Scale, y: Scale): string {
  let path = "";
  for (let i = 0; i < high.length; i++) {
    const [left, right] = [x(i).toFixed(1), x(i + 1).toFixed(1)];
    path += `M${left} ${y(high[i]!).toFixed(1)}H${right}V${y(low[i]!).toFixed(1)}H${left}Z`;
  }
  return path;
}

/** Fold neighbouring units into steps, keeping the lowest and the highest of each. */
export function envelope(values: Float64Array, steps: number): Envelope {
  const low = new Float64Array(steps).fill(Number.POSITIVE_INFINITY);
  const high = new Float64Array(steps).fill(Number.NEGATIVE_INFINITY);
  for (let u = 0; u < values.length; u++) {
    const step = Math.floor((u * steps) / values.length);
    if (values[u]! < low[step]!) low[step] = values[u]!;
    if (values[u]! > high[step]!) high[step] = values[u]!;
  }
  return { low, high };
}

function extent(envelopes: (Envelope | null)[]): [number, number] {
  let low = 0;
  let high = 0;
  for (const part of envelopes) {
    for (const v of part?.low ?? []) low = Math.min(low, v);
    for (const v of part?.high ?? []) high = Math.max(high, v);
  }
  return [low, high > low ? high : low + 1];
}

type Scale = (value: number) => number;

/** The exact profile, filled down to zero; where it is folded, from lowest to highest. */
function area_path({ low, high }: Envelope, x: Scale, y: Scale): string {
  let path = "";
  for (let i = 0; i < high.length; i++) {
    const top = Math.max(high[i]!, 0);
    const bottom = Math.min(low[i]!, 0);
    path += `M${x(i).toFixed(1)} ${y(top).toFixed(1)}H${x(i + 1).toFixed(1)}V${y(bottom).toFixed(1)}H${x(i).toFixed(1)}Z`;
  }
  return path;
}

/** The sample's profile as a line of steps; where it is folded, each step is a stroke. */
function line_path({ low, high }: Envelope, x: Scale, y: Scale, folded: boolean): string {
  let path = "";
  for (let i = 0; i < high.length; i++) {
    const at = x(i).toFixed(1);
    if (folded) path += `M${at} ${y(low[i]!).toFixed(1)}V${(y(high[i]!) - 0.5).toFixed(1)}`;
    else path += `${i ? "V" : `M${at} `}${y(high[i]!).toFixed(1)}H${x(i + 1).toFixed(1)}`;
  }
  return path;
}
