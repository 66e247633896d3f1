/** Draws a scene on a plain 2-D canvas, where WebGL2 is not to be had. */

import { draw_glyph, type Glyph } from "./glyph";
import {
  type Frame,
  GROUP,
  ground_key,
  type Level,
  N_FLAGS,
  OUTSIDE,
  REST,
  type Renderer,
  type Scene,
  SELECTED,
  TOP,
} from "./scene";
import { pixels_per_unit } from "./view";

/** Pixels of an opaque picture. */
export interface Picture {
  width: number;
  height: number;
  data: Uint8ClampedArray;
}

/** A renderer that computes every pixel itself and puts them on the canvas at once. */
export function canvas_renderer(context: CanvasRenderingContext2D): Renderer {
  let ground: ImageData | null = null;
  let key = "";
  return {
    kind: "canvas",
    upload(_, part) {
      if (part !== "roles") key = "";
    },
    draw(scene, frame) {
      const { width, height } = context.canvas;
      if (width === 0 || height === 0) return;
      const wanted = ground_key(scene, frame);
      if (!ground || ground.width !== width || ground.height !== height || key !== wanted) {
        ground = context.createImageData(width, height);
        paint_ground(ground, scene, frame);
        key = wanted;
      }
      const picture = context.createImageData(width, height);
      picture.data.set(ground.data);
      paint_top(picture, scene, frame);
      context.putImageData(picture, 0, 0);
    },
    free() {
      context.clearRect(0, 0, context.canvas.width, context.canvas.height);
    },
  };
}

/** Fills a picture with the paper's colour, the context and the group. */
export function paint_ground(picture: Picture, scene: Scene, frame: Frame): void {
  const [r, g, b] = frame.paper.back;
  new Uint32Array(picture.data.buffer).fill(
    ((255 << 24) | (Math.round(b) << 16) | (Math.round(g) << 8) | Math.round(r)) >>> 0,
  );
  const rows = scene.order.subarray(0, Math.min(scene.n, frame.limit));
  paint_level(picture, scene, frame, REST, rows);
  paint_level(picture, scene, frame, GROUP, rows);
}

/** Draws the sampled and the selected over it. */
export function paint_top(picture: Picture, scene: Scene, frame: Frame): void {
  const { top, n_top } = scene;
  paint_level(
    picture,
    scene,
    frame,
    TOP,
    top.subarray(Math.max(0, n_top - frame.top_limit), n_top),
  );
}

function paint_level(
  picture: Picture,
  scene: Scene,
  frame: Frame,
  level: Level,
  rows: Uint32Array,
): void {
  const glyphs = new Map<number, Glyph>();
  const { from, to, mix, flags, ink, muted } = scene;
  const scale = pixels_per_unit(frame.view, frame.size) * frame.density;
  const [cx, cy] = [picture.width / 2, picture.height / 2];
  for (const row of rows) {
    const quiet = muted[ink[row]!] === 1 || (flags[row]! & OUTSIDE) !== 0;
    const shown = level === TOP ? !quiet || flags[row]! & SELECTED : quiet === (level === REST);
    if (!shown) continue;
    const x = from[2 * row]! + (to[2 * row]! - from[2 * row]!) * mix;
    const y = from[2 * row + 1]! + (to[2 * row + 1]! - from[2 * row + 1]!) * mix;
    const left = Math.round(cx + (x - frame.view.x) * scale);
    const up = Math.round(cy - (y - frame.view.y) * scale);
    stamp(picture, glyph_for(scene, frame, glyphs, level, row), left, up);
  }
}

function glyph_for(
  scene: Scene,
  frame: Frame,
  glyphs: Map<number, Glyph>,
  level: Level,
  row: number,
): Glyph {
  const ink = scene.ink[row]!;
  const quiet = scene.muted[ink] === 1 || (scene.flags[row]! & OUTSIDE) !== 0;
  const flags = quiet ? scene.flags[row]! & SELECTED : scene.flags[row]!;
  const key = ((quiet ? 0xffff : ink) * N_FLAGS + flags) * 4 + level;
  let glyph = glyphs.get(key);
  if (!glyph) {
    const colour = quiet ? frame.paper.context : scene.palette[ink]!;
    glyph = draw_glyph({ level, flags, colour }, frame.marks, frame.paper, frame.density);
    glyphs.set(key, glyph);
  }
  return glyph;
}

/** Lays a glyph over the picture with its middle at (x, y); what is off the picture is cut. */
function stamp({ width, height, data }: Picture, glyph: Glyph, x: number, y: number): void {
  const { side, pixels } = glyph;
  const reach = (side - 1) / 2;
  if (x < -reach || y < -reach || x >= width + reach || y >= height + reach) return;
  for (let v = Math.max(0, reach - y); v < Math.min(side, height - y + reach); v++) {
    for (let u = Math.max(0, reach - x); u < Math.min(side, width - x + reach); u++) {
      const source = 4 * (v * side + u);
      const alpha = pixels[source + 3]!;
      if (alpha === 0) continue;
      const target = 4 * ((y - reach + v) * width + x - reach + u);
      data[target] = pixels[source]! + data[target]! * (1 - alpha);
      data[target + 1] = pixels[source + 1]! + data[target + 1]! * (1 - alpha);
      data[target + 2] = pixels[source + 2]! + data[target + 2]! * (1 - alpha);
    }
  }
}
