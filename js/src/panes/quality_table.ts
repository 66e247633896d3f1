/** The scores at one fraction, in a table and in a sentence. */

import { h } from "../dom";
import type { QualityQuestion } from "../local";
import type { QualityCurve, QualityReply } from "../protocol.gen";
import { percent, ratio, whole } from "../words";
import { dash_of, key_line, METRICS, type Metric, spread_of, values_of } from "./quality_curves";

/** Where the fraction asked about stands among those that were measured. */
function place_of(reply: QualityReply, fraction: number): number {
  let best = 0;
  reply.fractions.forEach((share, at) => {
    if (Math.abs(share - fraction) < Math.abs(reply.fractions[best]! - fraction)) best = at;
  });
  return best;
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

/** The figures at a fraction, the sample's own first. */
export function score_table(reply: QualityReply, fraction: number): HTMLElement[] {
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
