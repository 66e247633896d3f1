/** What the map draws, as flat arrays that both renderers read. */

import type { Point } from "../geometry";
import type { Rgb } from "../palette";
import { OUTLIER } from "../sample";
import { between } from "./glide";
import type { Size, View } from "./view";

/** An item's flags: its role in the lower three bits, then one bit each. */
export const ROLE = 7;
export const OUTSIDE = 8;
export const WRONG = 16;
export const SELECTED = 32;
/** How many values the flags can have. */
export const N_FLAGS = 64;

/** Roles, as in `latentlens.core.sample`; what is added by hand has one of its own. */
export { ADDED, DRAWN, EXEMPLAR, OUTLIER } from "../sample";

/** How an item stands out: context, one of the group, or on top as sampled or selected. */
export const REST = 0;
export const GROUP = 1;
export const TOP = 2;
export type Level = typeof REST | typeof GROUP | typeof TOP;

/** Up to how many items are drawn while something moves; the others follow at rest. */
export const WHILE_MOVING = 100_000;

export interface Scene {
  n: number;
  /** Layout coordinates, before and after a glide; `mix` says how far it is. */
  from: Float32Array;
  to: Float32Array;
  mix: number;
  /** Half-extents of the layout, in the middle of a glide as they are then. */
  reach: Point;
  /** Each item's entry in the palette; 0 is unknown. */
  ink: Uint16Array;
  palette: Rgb[];
  /** Entries of the palette whose items are context only. */
  muted: Uint8Array;
  flags: Uint8Array;
  /** Every row, shuffled, so that no class lies over another. */
  order: Uint32Array;
  /** Rows that may be on top, most telling last; the first `n_top` count. */
  top: Uint32Array;
  n_top: number;
  n_selected: number;
  n_outside: number;
}

/** The page's own colours. */
export interface Paper {
  back: Rgb;
  fore: Rgb;
  context: Rgb;
}

/** Radii in CSS pixels and opacities, fit for how many items there are. */
export interface Marks {
  dot: number;
  mark: number;
  context_alpha: number;
  group_alpha: number;
  /** Of the ring around a selected item: from the item to it, and how thick it is. */
  ring_gap: number;
  ring_width: number;
}

export interface Frame {
  view: View;
  size: Size;
  /** Device pixels per CSS pixel. */
  density: number;
  paper: Paper;
  marks: Marks;
  /** How many items to draw at most, on the ground and on top of it. */
  limit: number;
  top_limit: number;
}

/** What of a scene has changed: "roles" are the flags as far as the sample is concerned. */
export type Part = "layout" | "ink" | "palette" | "flags" | "roles";

/** Something that puts a scene on a canvas. */
export interface Renderer {
  readonly kind: "webgl" | "canvas";
  /** Take over what has changed. */
  upload(scene: Scene, part: Part): void;
  draw(scene: Scene, frame: Frame): void;
  free(): void;
}

/** A scene of `n` items, all unknown and in the middle. */
export function make_scene(n: number): Scene {
  const xy = new Float32Array(2 * n);
  return {
    n,
    from: xy,
    to: xy,
    mix: 1,
    reach: { x: 1, y: 1 },
    ink: new Uint16Array(n),
    palette: [[128, 128, 128]],
    muted: new Uint8Array(1),
    flags: new Uint8Array(n),
    order: shuffled(n),
    top: new Uint32Array(n),
    n_top: 0,
    n_selected: 0,
    n_outside: 0,
  };
}

/** Where the items are now, in the middle of a glide or not. */
export function current_layout(scene: Scene): Float32Array {
  return between(scene.from, scene.to, scene.mix);
}

/** 0..n-1 in an order that is random but always the same (xorshift32, Fisher-Yates). */
export function shuffled(n: number): Uint32Array {
  const order = Uint32Array.from({ length: n }, (_, i) => i);
  let state = 2463534242;
  for (let i = n - 1; i > 0; i--) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    const other = (state >>> 0) % (i + 1);
    const row = order[i]!;
    order[i] = order[other]!;
    order[other] = row;
  }
  return order;
}

/** By flags: under which others on top an item is drawn; -1 for those not on top. */
const DEPTHS = 5;
const DEPTH = Int8Array.from({ length: N_FLAGS }, (_, flags) => {
  if (flags & SELECTED) return 4;
  if ((flags & ROLE) === 0 || flags & OUTSIDE) return -1;
  return ((flags & ROLE) === OUTLIER ? 2 : 0) + (flags & WRONG ? 1 : 0);
});

/** Lists the rows on top by depth, and counts the selected and those outside the group. */
export function list_top(scene: Scene): void {
  const { flags, order, top } = scene;
  const by_flags = new Uint32Array(N_FLAGS);
  for (let i = 0; i < flags.length; i++) by_flags[flags[i]!]!++;
  const place = new Uint32Array(DEPTHS + 1);
  by_flags.forEach((count, f) => {
    if (DEPTH[f]! >= 0) place[DEPTH[f]! + 1]! += count;
  });
  for (let d = 1; d <= DEPTHS; d++) place[d]! += place[d - 1]!;
  scene.n_top = place[DEPTHS]!;
  const with_flag = (flag: number) =>
    by_flags.reduce((n, count, f) => n + (f & flag ? count : 0), 0);
  scene.n_selected = with_flag(SELECTED);
  scene.n_outside = with_flag(OUTSIDE);
  for (let i = 0; i < order.length; i++) {
    const depth = DEPTH[flags[order[i]!]!]!;
    if (depth >= 0) top[place[depth]!++] = order[i]!;
  }
}

/**
 * Says all of a frame that the levels below the top depend on.
 *
 * They also hold what is on top, which covers them, so that a new sample leaves them as they are.
 */
export function ground_key(
  scene: Scene,
  { view, size, density, paper, marks, limit }: Frame,
): string {
  const { x, y, zoom } = view;
  const { dot, context_alpha, group_alpha } = marks;
  const { width, height, reach } = size;
  const numbers = [scene.mix, x, y, zoom, width, height, reach.x, reach.y, density, limit];
  return [...numbers, dot, context_alpha, group_alpha, ...Object.values(paper)].join(" ");
}

/** On which level an item stands out. */
export function level_of(flags: number, muted: boolean): Level {
  if (flags & SELECTED) return TOP;
  if (flags & OUTSIDE || muted) return REST;
  return flags & ROLE ? TOP : GROUP;
}

/** More selected items than this are ringed more tightly. */
const FEW_SELECTED = 200;
/** The share of the map that layouts typically cover. */
const COVERED = 0.3;

/** Smaller and fainter the more there are, larger and denser the closer one looks. */
export function marks_for(scene: Scene, view: View, size: Size): Marks {
  const room = Math.max(1, size.width * size.height);
  const small = Math.min(1, Math.sqrt(room) / 520);
  const shrink = Math.max(0, Math.log10(scene.n / 1000));
  const closer = Math.min(2.4, Math.max(1, view.zoom) ** 0.2);
  const dot = Math.min(4, Math.max(1, 2.5 - 0.55 * shrink) * (0.75 + 0.25 * small) * closer);
  const crowd = (scene.n * Math.PI * dot * dot) / (COVERED * room * Math.max(1, view.zoom) ** 2);
  const faint = Math.min(1, 1 / Math.sqrt(crowd));
  const few = Math.min(1, FEW_SELECTED / (scene.n_selected + 1));
  const crowd_top = Math.max(0, Math.log10(scene.n_top / Math.max(1, view.zoom) / 400));
  return {
    dot,
    mark: Math.max(dot + 0.8, (4 - 1.15 * crowd_top) * (0.7 + 0.3 * small) * closer ** 0.6),
    context_alpha: Math.max(0.08, 0.34 * faint),
    group_alpha: Math.max(0.12, 0.62 * faint) * (scene.n_selected > 0 ? 0.6 : 1),
    ring_gap: 0.2 + 1.6 * few,
    ring_width: 0.7 + 0.6 * few,
  };
}
