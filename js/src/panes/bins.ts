/** Bars of the histogram of maximally activated units, and the room they need. */

import { s } from "../dom";
import type { Figures } from "../query";
import { percent } from "../words";
import { type Scale, text_to } from "./bars";

export const HEIGHT = 108;
const TOP = 14;
const BOTTOM = 16;
/** Room for "95.9 %". */
export const LEFT = 46;
export const SLOT = 24;
/** Numbers of four digits need more. */
const WIDE_SLOT = 30;

/** One bar: a unit, or the items without a maximal unit. */
export interface Bin {
  label: string;
  unit: number;
  sample: number;
  exact: number;
}

/** How many bars there is room for. */
export function bins_in(width: number, units: number): number {
  const slot = units > 1000 ? WIDE_SLOT : SLOT;
  return Math.max(3, Math.floor((width - LEFT) / slot));
}

/** Units without a bar of their own. */
export interface Rest {
  units: number;
  sample: number;
  exact: number;
}

const NONE = -1;

/** The counts that bars are made of. */
export type Tallies = Pick<Figures, "counts" | "exact_counts" | "none" | "exact_none">;

/** Sort the units by their exact count, add the items with none, and leave what has no room. */
export function make_bins(figures: Tallies, room: number): { bins: Bin[]; rest: Rest } {
  const { counts, exact_counts, none, exact_none } = figures;
  const units: number[] = [];
  for (let u = 0; u < exact_counts.length; u++) if (exact_counts[u] || counts[u]) units.push(u);
  units.sort((a, b) => exact_counts[b]! - exact_counts[a]! || a - b);
  const bins: Bin[] = units.map((unit) => ({
    label: String(unit),
    unit,
    sample: counts[unit]!,
    exact: exact_counts[unit]!,
  }));
  const silent: Bin[] =
    exact_none || none ? [{ label: "none", unit: NONE, sample: none, exact: exact_none }] : [];
  const shown = Math.max(room - silent.length, 1);
  return { bins: [...bins.slice(0, shown), ...silent], rest: add_up(bins.slice(shown)) };
}

function add_up(bins: Bin[]): Rest {
  return {
    units: bins.length,
    sample: bins.reduce((total, { sample }) => total + sample, 0),
    exact: bins.reduce((total, { exact }) => total + exact, 0),
  };
}

/** Where a share is drawn, and the lines and numbers to read it by. */
export function draw_axis(most: number, width: number): { y: Scale; axis: SVGElement } {
  const y: Scale = (share) => HEIGHT - BOTTOM - (share / most) * (HEIGHT - BOTTOM - TOP);
  const axis = s(
    "g",
    { class: "ll-axis" },
    s("line", { x1: LEFT, x2: width, y1: y(0), y2: y(0) }),
    s("line", { class: "ll-grid", x1: LEFT, x2: width, y1: y(most), y2: y(most) }),
    text_to(LEFT - 4, y(most) + 4, percent(most)),
    text_to(LEFT - 4, y(0), "0"),
  );
  return { y, axis };
}
