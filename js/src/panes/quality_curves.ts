/** The scores of samples by fraction: what they are called and how each sampler's are drawn. */

import { s } from "../dom";
import type { QualityCurve } from "../protocol.gen";

export type Name = "s1" | "s2" | "s3";

export interface Metric {
  name: Name;
  title: string;
  explained: string;
  /** Whether more is better. */
  up: boolean;
}

export const METRICS: readonly Metric[] = [
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

export function values_of(curve: QualityCurve, name: Name): (number | null)[] {
  return curve[name];
}

/** Standard deviations over the draws; null for a single one. */
export function spread_of(curve: QualityCurve, name: Name): (number | null)[] {
  return curve[`${name}_spread`];
}

/** How a line is drawn: the sample's own comes first; random and coreset have their own dashes. */
export function dash_of({ sampler }: QualityCurve, place: number): string {
  return place > 0 && (sampler === "random" || sampler === "coreset") ? sampler : "own";
}

/** A piece of a sampler's line, as a key. */
export function key_line(dash: string): SVGElement {
  return s(
    "svg",
    { class: "ll-key", width: 20, height: 8, "aria-hidden": "true" },
    s("line", { class: `ll-curve ll-curve-${dash}`, x1: 0, x2: 20, y1: 4, y2: 4 }),
  );
}
