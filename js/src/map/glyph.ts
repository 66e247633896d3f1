/** One item's mark as pixels: the shapes of the fragment shader, computed here. */

import type { Rgb } from "../palette";
import {
  ADDED,
  GROUP,
  type Level,
  type Marks,
  OUTLIER,
  type Paper,
  REST,
  ROLE,
  SELECTED,
  TOP,
  WRONG,
} from "./scene";

/** A square of premultiplied colours: r, g, b in 0..255 and alpha in 0..1 for each pixel. */
export interface Glyph {
  side: number;
  pixels: Float32Array;
}

export interface Look {
  level: Level;
  flags: number;
  colour: Rgb;
}

/** How far inside a shape a pixel's middle is, as the share of it that is covered. */
type Cover = (outside: number) => number;
type Lay = (colour: Rgb, alpha: number) => void;

/** A square as large as a disc has half sides of this many radii. */
export const SQUARE = 0.9;

/** Draws the mark of an item in the middle of a square of device pixels. */
export function draw_glyph(look: Look, marks: Marks, paper: Paper, density: number): Glyph {
  const large = look.level === TOP && (look.flags & ROLE) !== 0;
  const body = large ? marks.mark : marks.dot;
  const reach = Math.ceil((body * 1.4 + (look.flags & SELECTED ? 5 : 2.2)) * density);
  const side = 2 * reach + 1;
  const pixels = new Float32Array(4 * side * side);
  const cover: Cover = (outside) => Math.min(1, Math.max(0, 0.5 - outside * density));
  for (let i = 0; i < side * side; i++) {
    const lay: Lay = (colour, alpha) => lay_over(pixels, 4 * i, colour, alpha);
    const x = ((i % side) - reach) / density;
    const y = (Math.floor(i / side) - reach) / density;
    if (look.level === REST || look.level === GROUP) plain(look, marks, body, x, y, cover, lay);
    else raised(look, marks, paper, body, x, y, cover, lay);
  }
  return { side, pixels };
}

function lay_over(pixels: Float32Array, at: number, colour: Rgb, alpha: number): void {
  for (let c = 0; c < 3; c++) {
    pixels[at + c] = colour[c]! * alpha + pixels[at + c]! * (1 - alpha);
  }
  pixels[at + 3] = alpha + pixels[at + 3]! * (1 - alpha);
}

/** A dot, or a cross for what is wrong. */
function plain(
  { level, flags, colour }: Look,
  marks: Marks,
  body: number,
  x: number,
  y: number,
  cover: Cover,
  lay: Lay,
): void {
  const r = Math.hypot(x, y);
  if (level === REST) {
    lay(colour, cover(r - body) * marks.context_alpha);
    return;
  }
  const wrong = (flags & WRONG) !== 0;
  const outside = wrong ? cross_at(x, y, body * 1.4 + 0.6, 0.5) : r - body;
  const alpha = wrong ? Math.min(1, marks.group_alpha * 1.5) : marks.group_alpha;
  lay(colour, cover(outside) * alpha);
}

/**
 * A ring for an outlier, a cross for a wrong one, a square for one added, else a disc; a halo
 * below, a ring around if selected.
 */
function raised(
  { flags, colour }: Look,
  marks: Marks,
  paper: Paper,
  body: number,
  x: number,
  y: number,
  cover: Cover,
  lay: Lay,
): void {
  const r = Math.hypot(x, y);
  const role = flags & ROLE;
  const edge = mix(colour, paper.fore, 0.22);
  if (flags & SELECTED) {
    const outer = body + marks.ring_gap + marks.ring_width;
    lay(paper.back, cover(r - outer - 0.7) * 0.8);
    lay(paper.fore, cover(r - outer));
    lay(paper.back, cover(r - body - marks.ring_gap));
  }
  if (role) lay(paper.back, cover(r - body - 1.1));
  const wrong = (flags & WRONG) !== 0;
  const crossed = cross_at(x, y, body + 0.9, 0.22 * body);
  if (role === OUTLIER) {
    lay(edge, cover(wrong ? crossed : Math.abs(r - body + 0.8) - 0.85));
    return;
  }
  const filled = (role === ADDED ? Math.max(Math.abs(x), Math.abs(y)) / SQUARE : r) - body;
  lay(edge, cover(filled));
  lay(colour, cover(filled + 0.7));
  if (wrong) lay(paper.back, cover(crossed) * 0.9);
}

/** Signed distance from a diagonal cross. */
function cross_at(x: number, y: number, arm: number, thick: number): number {
  const p = Math.abs(x + y) * Math.SQRT1_2;
  const q = Math.abs(x - y) * Math.SQRT1_2;
  return Math.max(Math.min(p, q) - thick, Math.max(p, q) - arm);
}

function mix(a: Rgb, b: Rgb, share: number): Rgb {
  const at = (i: 0 | 1 | 2) => a[i] + (b[i] - a[i]) * share;
  return [at(0), at(1), at(2)];
}
