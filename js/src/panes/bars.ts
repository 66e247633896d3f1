/** What figures of bars in rows share: a scale, bars from zero, and text that ends in a column. */

import { type Child, s } from "../dom";

/** From a value to a place in CSS pixels. */
export type Scale = (value: number) => number;

/** A scale that shows zero and all values within `room` pixels from `left`. */
export function scale_with_zero(values: number[], left: number, room: number): Scale {
  const low = Math.min(0, ...values);
  const span = Math.max(0, ...values) - low || 1;
  const wide = Math.max(room, 20);
  return (value) => left + ((value - low) / span) * wide;
}

/** A bar from zero to a value, at least a pixel long. */
export function draw_bar(
  x: Scale,
  value: number,
  { name, ...place }: { name: string; y: number; height: number; rx?: number },
): SVGElement {
  const [zero, end] = [x(0), x(value)];
  const width = Math.max(Math.abs(end - zero), 1);
  return s("rect", { class: name, x: Math.min(zero, end), width, ...place });
}

/** What lies under a row, and shows that it is pointed at or picked. */
export function draw_back(y: number, width: number, height: number): SVGElement {
  return s("rect", { class: "ll-back", x: 0, y, width, height, rx: 3 });
}

/** Text that ends at `x`. */
export function text_to(x: number, y: number, ...text: Child[]): SVGElement {
  return s("text", { x, y, class: "ll-right" }, ...text);
}

/** The same, of less weight than its neighbours. */
export function faint_to(x: number, y: number, ...text: Child[]): SVGElement {
  return s("text", { x, y, class: "ll-right ll-faint" }, ...text);
}

export function set_size(chart: SVGElement, width: number, height: number): void {
  chart.setAttribute("width", String(width));
  chart.setAttribute("height", String(height));
}
