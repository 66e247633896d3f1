/** What part of the layout is on screen. */

import type { Point } from "../geometry";

/** The layout point in the middle, and how much larger than "everything" it is shown. */
export interface View {
  x: number;
  y: number;
  zoom: number;
}

/** The room there is, in CSS pixels, and the half-extents of the layout to be seen in it. */
export interface Size {
  width: number;
  height: number;
  reach: Point;
}

export const WHOLE: View = { x: 0, y: 0, zoom: 1 };

/** Room left around the layout, for the marks at its rim. */
const FILL = 0.94;
const ZOOM_RANGE = [0.5, 5000] as const;
/** The middle stays over the layout or just beside it, so that it cannot get lost. */
const REACH = 1.25;

/** CSS pixels per layout unit, the same both ways. */
export function pixels_per_unit(view: View, size: Size): number {
  const { width, height, reach } = size;
  return (view.zoom * FILL * Math.max(1, Math.min(width / reach.x, height / reach.y))) / 2;
}

/** Where a layout point is, from the upper left corner. */
export function to_screen(view: View, size: Size, { x, y }: Point): Point {
  const scale = pixels_per_unit(view, size);
  return { x: size.width / 2 + (x - view.x) * scale, y: size.height / 2 - (y - view.y) * scale };
}

/** The layout point under a place on screen. */
export function to_layout(view: View, size: Size, { x, y }: Point): Point {
  const scale = pixels_per_unit(view, size);
  return { x: view.x + (x - size.width / 2) / scale, y: view.y - (y - size.height / 2) / scale };
}

/** Enlarges by `factor` with the layout point under `at` staying where it is. */
export function zoom_at(view: View, size: Size, at: Point, factor: number): View {
  const zoom = clamp(view.zoom * factor, ...ZOOM_RANGE);
  const fixed = to_layout(view, size, at);
  const kept = view.zoom / zoom;
  return within({
    x: fixed.x + (view.x - fixed.x) * kept,
    y: fixed.y + (view.y - fixed.y) * kept,
    zoom,
  });
}

/** Moves the picture by so many CSS pixels, right and down. */
export function pan(view: View, size: Size, by: Point): View {
  const scale = pixels_per_unit(view, size);
  return within({ x: view.x - by.x / scale, y: view.y + by.y / scale, zoom: view.zoom });
}

function within(view: View): View {
  return { x: clamp(view.x, -REACH, REACH), y: clamp(view.y, -REACH, REACH), zoom: view.zoom };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}
