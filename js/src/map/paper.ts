/** The page's own colours, which the map must draw with. */

import { on, on_end } from "../dom";
import type { Rgb, Theme } from "../palette";
import type { Paper } from "./scene";

/** The colours that the style sheet gives an element. */
export function read_paper(el: Element): Paper {
  const style = getComputedStyle(el);
  const back = read_colour(style.backgroundColor) ?? [255, 255, 255];
  const fore = read_colour(style.color) ?? [33, 33, 33];
  return { back, fore, context: between_colours(back, fore) };
}

/** Halfway, so that context recedes on any paper. */
function between_colours(a: Rgb, b: Rgb): Rgb {
  return [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2, (a[2] + b[2]) / 2];
}

export function theme_of({ back, fore }: Paper): Theme {
  const brightness = ([r, g, b]: Rgb) => 0.3 * r + 0.59 * g + 0.11 * b;
  return brightness(back) < brightness(fore) ? "dark" : "light";
}

/** Calls `changed` with the new colours whenever the page's theme turns. */
export function watch_paper(
  el: Element,
  changed: (paper: Paper) => void,
  signal: AbortSignal,
): void {
  let last = String(Object.values(read_paper(el)));
  const look = () => {
    const paper = read_paper(el);
    const now = String(Object.values(paper));
    if (now === last) return;
    last = now;
    changed(paper);
  };
  const observer = new MutationObserver(look);
  const attributeFilter = ["class", "style", "theme", "data-theme", "data-jp-theme-light"];
  for (const around of where_themes_stand(el)) {
    observer.observe(around, { attributes: true, attributeFilter });
  }
  on_end(signal, () => observer.disconnect());
  on(matchMedia("(prefers-color-scheme: dark)"), "change", look, signal);
}

/** The page itself, and inside a shadow, as in marimo, all that is around the lens there. */
function where_themes_stand(el: Element): Element[] {
  const found: Element[] = [document.documentElement, document.body];
  if (el.getRootNode() === document) return found;
  for (let up = el.parentElement; up; up = up.parentElement) found.push(up);
  return found;
}

/** Reads "rgb(1, 2, 3)" and "color(srgb 0.1 0.2 0.3)", as computed styles write them. */
export function read_colour(text: string): Rgb | null {
  const numbers = text.match(/-?[\d.]+(e-?\d+)?/g)?.map(Number) ?? [];
  const [r, g, b, alpha = 1] = numbers;
  if (r === undefined || g === undefined || b === undefined || alpha === 0) return null;
  const factor = text.startsWith("color(") ? 255 : 1;
  return [r * factor, g * factor, b * factor];
}
