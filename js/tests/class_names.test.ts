import { describe, expect, it } from "vitest";
import { make_random } from "../play/made_up";
import type { Point } from "../src/geometry";
import { choose_names } from "../src/map/class_names";
import { make_scene, OUTSIDE, type Scene } from "../src/map/scene";
import { to_screen, WHOLE } from "../src/map/view";
import { both_ends } from "../src/words";

const SIZE = { width: 600, height: 600, reach: { x: 1, y: 1 } };

interface Heap extends Point {
  n: number;
  /** Half a side. */
  wide?: number;
}

/** Heaps of items, one for each class. */
function heaps(of: Heap[]): Scene {
  const random = make_random(1);
  const rows = of.flatMap(({ n, ...heap }, c) => Array.from({ length: n }, () => ({ ...heap, c })));
  const scene = make_scene(rows.length);
  rows.forEach(({ x, y, c, wide = 0.02 }, row) => {
    scene.ink[row] = c + 1;
    scene.to[2 * row] = x + wide * (2 * random() - 1);
    scene.to[2 * row + 1] = y + wide * (2 * random() - 1);
  });
  scene.palette = Array.from({ length: of.length + 1 }, () => [0, 0, 0]);
  scene.muted = new Uint8Array(of.length + 1);
  return scene;
}

const NAMES = ["ant", "bee", "cat"];
const THREE = [
  { x: -0.5, y: 0, n: 20 },
  { x: 0.5, y: 0.5, n: 40 },
  { x: 0.5, y: -0.5, n: 30 },
];
const chosen = (scene: Scene, view = WHOLE, names = NAMES) =>
  choose_names(scene, names, view, SIZE).map(({ name }) => name);

describe("the names on a map of many classes", () => {
  it("stand in the middle of their items, the largest class first", () => {
    const found = choose_names(heaps(THREE), NAMES, WHOLE, SIZE);
    expect(found.map(({ name }) => name)).toEqual(["bee", "cat", "ant"]);
    expect(found[0]!.at.x).toBeCloseTo(0.5, 1);
    expect(found[0]!.at.y).toBeCloseTo(0.5, 1);
  });

  it("are of what is on screen, in the group and not switched off", () => {
    const scene = heaps(THREE);
    expect(chosen(scene, { x: -0.5, y: 0, zoom: 4 })).toEqual(["ant"]);
    scene.muted[2] = 1;
    expect(chosen(scene)).toEqual(["cat", "ant"]);
    scene.flags.fill(OUTSIDE, 60);
    expect(chosen(scene)).toEqual(["ant"]);
  });

  it("leave out what would lie on the name of a larger class", () => {
    const near = [THREE[0]!, { ...THREE[0]!, x: -0.49, n: 10 }, THREE[2]!];
    expect(chosen(heaps(near))).toEqual(["cat", "ant"]);
  });

  it("leave out a class that lies everywhere, unless it is most of what one sees", () => {
    const scattered = { x: 0, y: 0, wide: 0.9 };
    expect(chosen(heaps([{ ...scattered, n: 60 }, ...THREE.slice(1)]))).toEqual(["bee", "cat"]);
    expect(chosen(heaps([{ ...scattered, n: 200 }, ...THREE.slice(1)]))[0]).toBe("ant");
  });

  it("take more room in wide letters", () => {
    const near = [THREE[0]!, { ...THREE[0]!, x: -0.2, n: 10 }];
    expect(chosen(heaps(near), WHOLE, ["a".repeat(10), "b".repeat(10)])).toHaveLength(2);
    expect(chosen(heaps(near), WHOLE, ["蚂".repeat(10), "蜂".repeat(10)])).toHaveLength(1);
    expect(chosen(heaps(near), WHOLE, ["개".repeat(10), "🐝".repeat(10)])).toHaveLength(1);
  });

  it("are cut between letters, not within one", () => {
    expect(both_ends("🐝".repeat(10), 6)).toBe("🐝🐝…🐝🐝🐝");
    expect(both_ends("🐝".repeat(6), 6)).toBe("🐝".repeat(6));
    expect(both_ends("abcdefgh", 6)).toBe("ab…fgh");
  });

  it("are few enough to read, never one on another, and whole on screen", () => {
    const random = make_random(3);
    const many = Array.from({ length: 400 }, () => ({
      x: 2 * random() - 1,
      y: 2 * random() - 1,
      n: 3,
    }));
    const names = many.map((_, c) => `a class of a very long name ${c}`);
    const found = choose_names(heaps(many), names, WHOLE, SIZE);
    expect(found.length).toBeGreaterThan(8);
    expect(found.length).toBeLessThanOrEqual(18);
    const places = found.map(({ name, at }) => ({ name, ...to_screen(WHOLE, SIZE, at) }));
    for (const [i, a] of places.entries()) {
      const half = (6.6 * a.name.length) / 2 - 0.01;
      expect(Math.min(a.x - half, SIZE.width - a.x - half)).toBeGreaterThanOrEqual(-0.01);
      for (const b of places.slice(0, i)) {
        expect(Math.abs(a.x - b.x) >= 2 * half || Math.abs(a.y - b.y) >= 15).toBe(true);
      }
    }
  });

  it("are none on a map without items or room", () => {
    expect(chosen(heaps([]))).toEqual([]);
    const flat = { ...SIZE, width: 0, height: 0 };
    expect(choose_names(heaps(THREE), NAMES, WHOLE, flat)).toEqual([]);
  });
});
