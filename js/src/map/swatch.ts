/** Lines of the legend that say what a colour means. */

import { h } from "../dom";
import { css } from "../palette";
import { whole } from "../words";
import type { Colouring } from "./colouring";

/** A dot of a colour; hollow for what is not known. */
export function swatch(colour: string, hollow = false): HTMLElement {
  const dot = h("span", { className: "ll-legend-swatch", aria: { hidden: "true" } });
  dot.style.setProperty("--ll-swatch", colour);
  dot.classList.toggle("ll-hollow", hollow);
  return dot;
}

/** How many items have no colour of their own; null if all have. */
export function unknown_line(
  colour: Colouring["palette"][number],
  unknown: number,
): HTMLElement | null {
  if (unknown === 0) return null;
  return h(
    "div",
    { className: "ll-legend-state" },
    swatch(css(colour), true),
    h("span", { className: "ll-legend-name" }, "unknown"),
    h("span", { className: "ll-legend-count" }, whole(unknown)),
  );
}
