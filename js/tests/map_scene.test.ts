import { describe, expect, it } from "vitest";
import { make_random } from "../play/made_up";
import { paint_ground, paint_top } from "../src/map/canvas";
import { draw_glyph } from "../src/map/glyph";
import {
  DRAWN,
  EXEMPLAR,
  type Frame,
  GROUP,
  level_of,
  list_top,
  make_scene,
  marks_for,
  OUTLIER,
  OUTSIDE,
  type Paper,
  REST,
  type Scene,
  SELECTED,
  shuffled,
  TOP,
  WRONG,
} from "../src/map/scene";
import { WHOLE } from "../src/map/view";
import type { Rgb } from "../src/palette";

const PAPER: Paper = { back: [255, 255, 255], fore: [0, 0, 0], context: [128, 128, 128] };
const RED: Rgb = [200, 0, 0];
const SIZE = { width: 60, height: 60, reach: { x: 1, y: 1 } };

/** One item in the middle. */
function single(flags: number, muted = 0): Scene {
  const scene = make_scene(1);
  scene.ink[0] = 1;
  scene.palette = [PAPER.context, RED];
  scene.muted = Uint8Array.of(0, muted);
  scene.flags[0] = flags;
  list_top(scene);
  return scene;
}

function painted(scene: Scene, limit = Number.POSITIVE_INFINITY, density = 1) {
  const [width, height] = [SIZE.width * density, SIZE.height * density];
  const picture = { width, height, data: new Uint8ClampedArray(4 * width * height) };
  const marks = marks_for(scene, WHOLE, SIZE);
  const size = { size: SIZE, density, marks };
  const frame: Frame = { view: WHOLE, ...size, paper: PAPER, limit, top_limit: limit };
  paint_ground(picture, scene, frame);
  paint_top(picture, scene, frame);
  const at = (x: number, y: number) => [...picture.data.subarray(4 * (y * width + x)).slice(0, 3)];
  const ink = [...picture.data].filter((value, i) => i % 4 < 3 && value < 250).length;
  return { at, ink, marks };
}

describe("the order of drawing", () => {
  it("is a permutation, the same every time, that mixes what stands in order", () => {
    const order = shuffled(1000);
    expect([...order].sort((a, b) => a - b)).toEqual([...Array(1000).keys()]);
    expect(shuffled(1000)).toEqual(order);
    const early = [...order.slice(0, 100)].filter((row) => row < 500).length;
    expect(early).toBeGreaterThan(30);
    expect(early).toBeLessThan(70);
  });

  it("lists on top the sampled and the selected, most telling last", () => {
    const scene = make_scene(6);
    scene.flags.set([0, OUTLIER, EXEMPLAR, SELECTED, OUTLIER | WRONG, DRAWN | OUTSIDE]);
    list_top(scene);
    expect([...scene.top.slice(0, scene.n_top)]).toEqual([2, 1, 4, 3]);
    expect([scene.n_selected, scene.n_outside]).toEqual([1, 1]);
  });

  it("agrees with the levels, for any flags", () => {
    const random = make_random(5);
    const scene = make_scene(500);
    for (let i = 0; i < 500; i++) scene.flags[i] = Math.floor(64 * random());
    list_top(scene);
    const on_top = [...scene.flags.keys()].filter(
      (row) => level_of(scene.flags[row]!, false) === TOP,
    );
    expect([...scene.top.slice(0, scene.n_top)].sort((a, b) => a - b)).toEqual(on_top);
  });
});

describe("levels", () => {
  it("set context back, and selected items never", () => {
    expect(level_of(OUTLIER | OUTSIDE, false)).toBe(REST);
    expect(level_of(OUTLIER, true)).toBe(REST);
    expect(level_of(0, false)).toBe(GROUP);
    expect(level_of(DRAWN, false)).toBe(TOP);
    expect(level_of(SELECTED | OUTSIDE, true)).toBe(TOP);
  });
});

describe("the picture", () => {
  it("has an item of the group in its colour", () => {
    const [r, g, b] = painted(single(0)).at(30, 30);
    expect(r).toBeGreaterThan(g! + 40);
    expect(g).toBe(b);
  });

  it("keeps what is filtered or switched off, in grey", () => {
    for (const scene of [single(OUTSIDE), single(0, 1), single(OUTLIER | OUTSIDE)]) {
      const [r, g, b] = painted(scene).at(30, 30);
      expect(r).toBeLessThan(255);
      expect([r, r]).toEqual([g, b]);
    }
  });

  it("tells outliers and exemplars apart without colour: a ring and a disc", () => {
    expect(painted(single(OUTLIER)).at(30, 30)).toEqual([255, 255, 255]);
    expect(painted(single(EXEMPLAR)).at(30, 30)).toEqual([...RED]);
  });

  it("marks what is wrong with a cross: in its middle, and its arms reach out", () => {
    const { at, marks } = painted(single(OUTLIER | WRONG), 1, 4);
    expect(at(120, 120)[1]).toBeLessThan(80);
    const out = Math.round(2 * marks.mark);
    expect(at(120 + out, 120 + out)[1]).toBeLessThan(80);
    expect(at(120 + out, 120)[1]).toBeGreaterThan(240);
  });

  it("rings what is selected in the page's own colour", () => {
    const { at, marks } = painted(single(SELECTED), 1, 4);
    const ring = Math.round(4 * (marks.dot + marks.ring_gap + marks.ring_width / 2));
    expect(at(120 + ring, 120)).toEqual([0, 0, 0]);
  });

  it("does not spill over its edges", () => {
    const scene = single(EXEMPLAR | SELECTED);
    for (const place of [-1.38, 1.38, 50]) {
      scene.from = Float32Array.of(place, place);
      scene.to = scene.from;
      expect(() => painted(scene)).not.toThrow();
    }
  });

  it("draws no more items than it may while something moves", () => {
    const scene = make_scene(60);
    scene.from = Float32Array.from({ length: 120 }, (_, i) => Math.sin(i * 12.9898) * 0.9);
    scene.to = scene.from;
    expect(painted(scene, 6).ink).toBeLessThan(painted(scene).ink / 4);
    expect(painted(scene, 6).ink).toBeGreaterThan(0);
  });
});

describe("marks", () => {
  it("shrink and pale with more items, and grow with zoom", () => {
    const [few, many] = [make_scene(500), make_scene(70_000)];
    const size = { ...SIZE, width: 600, height: 450 };
    expect(marks_for(many, WHOLE, size).dot).toBeLessThan(marks_for(few, WHOLE, size).dot);
    expect(marks_for(many, WHOLE, size).group_alpha).toBeLessThan(
      marks_for(few, WHOLE, size).group_alpha,
    );
    const near = marks_for(many, { ...WHOLE, zoom: 8 }, size);
    expect(near.dot).toBeGreaterThan(marks_for(many, WHOLE, size).dot);
  });

  it("keep the sampled larger than the rest", () => {
    for (const n of [100, 10_000, 1_000_000]) {
      const scene = make_scene(1);
      scene.n = n;
      scene.n_top = n / 2;
      const marks = marks_for(scene, WHOLE, { ...SIZE, width: 320, height: 240 });
      expect(marks.mark).toBeGreaterThan(marks.dot);
    }
  });

  it("are symmetric", () => {
    const marks = marks_for(make_scene(100), WHOLE, SIZE);
    const look = { level: TOP, flags: OUTLIER | SELECTED, colour: RED } as const;
    const { side, pixels } = draw_glyph(look, marks, PAPER, 2);
    const alpha = (x: number, y: number) => pixels[4 * (y * side + x) + 3]!;
    for (let x = 0; x < side; x++) {
      for (let y = 0; y < side; y++) {
        expect(alpha(x, y)).toBeCloseTo(alpha(side - 1 - x, side - 1 - y), 5);
      }
    }
  });
});
