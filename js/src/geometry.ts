/** Plane geometry on flat arrays: x and y of item i stand at 2i and 2i + 1. */

export interface Point {
  x: number;
  y: number;
}

/** How a new pick meets the selection there is. */
export type Combine = "replace" | "add" | "remove";

/** Where items without a finite position go: outside any view. */
export const AWAY = 1e6;

const STRIPS = 256;

export interface Layout {
  /** Coordinates in [-1, 1], or AWAY. */
  xy: Float32Array;
  /** Half the width and half the height of what is in view; the larger is 1. */
  reach: Point;
}

/**
 * Moves a layout into the square [-1, 1], keeping its aspect.
 *
 * Layouts in one square can follow each other under one zoom, whatever their units.
 */
export function normalise(xy: Float32Array): Layout {
  const [x0, x1] = extent(xy, 0);
  const [y0, y1] = extent(xy, 1);
  const half = Math.max(x1 - x0, y1 - y0) / 2 || 1;
  const [cx, cy] = [(x0 + x1) / 2, (y0 + y1) / 2];
  const moved = new Float32Array(xy.length);
  for (let i = 0; i < xy.length; i += 2) {
    const [x, y] = [(xy[i]! - cx) / half, (xy[i + 1]! - cy) / half];
    const known = Number.isFinite(x) && Number.isFinite(y);
    moved[i] = known ? x : AWAY;
    moved[i + 1] = known ? y : AWAY;
  }
  const reach = { x: (x1 - x0) / 2 / half || 1, y: (y1 - y0) / 2 / half || 1 };
  return { xy: moved, reach };
}

/** Smallest and largest finite value of one coordinate; [0, 0] if there is none. */
function extent(xy: Float32Array, offset: 0 | 1): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (let i = offset; i < xy.length; i += 2) {
    const value = xy[i]!;
    if (!Number.isFinite(value)) continue;
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 0];
}

/**
 * Makes a test for being inside a polygon, by the even-odd rule.
 *
 * Edges are sorted into horizontal strips once, so that a test looks only at the
 * few that cross its own strip.
 */
export function polygon_test(polygon: Point[]): (x: number, y: number) => boolean {
  const box = polygon_box(polygon);
  const strips: number[][] = Array.from({ length: STRIPS }, () => []);
  const per_unit = STRIPS / (box.y1 - box.y0 || 1);
  const strip = (y: number) => Math.min(STRIPS - 1, Math.floor((y - box.y0) * per_unit));
  polygon.forEach((b, i) => {
    const a = polygon.at(i - 1)!;
    if (a.y === b.y) return;
    const last = strip(Math.max(a.y, b.y));
    for (let s = strip(Math.min(a.y, b.y)); s <= last; s++) strips[s]!.push(a.x, a.y, b.x, b.y);
  });
  const edges = strips.map((list) => Float64Array.from(list));
  const { x0, x1, y0, y1 } = box;
  return (x, y) => {
    if (!(x >= x0 && x <= x1 && y >= y0 && y <= y1)) return false;
    return crossings(edges[strip(y)]!, x, y) % 2 === 1;
  };
}

/** How many edges a ray from (x, y) to the right crosses. */
function crossings(edges: Float64Array, x: number, y: number): number {
  let n = 0;
  for (let e = 0; e < edges.length; e += 4) {
    const ay = edges[e + 1]!;
    const by = edges[e + 3]!;
    if (ay > y === by > y) continue;
    const ax = edges[e]!;
    if (x < ((edges[e + 2]! - ax) * (y - ay)) / (by - ay) + ax) n++;
  }
  return n;
}

function polygon_box(polygon: Point[]) {
  const box = { x0: Infinity, y0: Infinity, x1: -Infinity, y1: -Infinity };
  for (const { x, y } of polygon) {
    box.x0 = Math.min(box.x0, x);
    box.y0 = Math.min(box.y0, y);
    box.x1 = Math.max(box.x1, x);
    box.y1 = Math.max(box.y1, y);
  }
  return box;
}

/** Rows inside a polygon that `accept` lets through, ascending. */
export function rows_inside(
  polygon: Point[],
  xy: Float32Array,
  accept: (row: number) => boolean = () => true,
): Uint32Array {
  if (polygon.length < 3) return new Uint32Array();
  const inside = polygon_test(polygon);
  const rows = new Uint32Array(xy.length / 2);
  let n = 0;
  for (let row = 0; row < rows.length; row++) {
    if (inside(xy[2 * row]!, xy[2 * row + 1]!) && accept(row)) rows[n++] = row;
  }
  return rows.slice(0, n);
}

/** The four corners of the box between two opposite ones. */
export function box_polygon(a: Point, b: Point): Point[] {
  return [a, { x: b.x, y: a.y }, b, { x: a.x, y: b.y }];
}

/** Joins picked rows to the rows there are, or takes them away; all ascending. */
export function combine(old: Uint32Array, picked: Uint32Array, how: Combine): Uint32Array {
  if (how === "replace") return picked;
  const set = new Set(old);
  for (const row of picked) how === "add" ? set.add(row) : set.delete(row);
  return Uint32Array.from(set).sort();
}
