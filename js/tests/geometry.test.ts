import { describe, expect, it } from "vitest";
import { make_random } from "../play/made_up";
import {
  AWAY,
  box_polygon,
  combine,
  normalise,
  type Point,
  polygon_test,
  rows_inside,
} from "../src/geometry";

const random = make_random(3);
const point = (): Point => ({ x: 2 * random() - 1, y: 2 * random() - 1 });

/** Angles that the polygon's edges turn around a point, summed: 0 outside, a full turn inside. */
function winds_around(polygon: Point[], at: Point): boolean {
  let turn = 0;
  polygon.forEach((b, i) => {
    const a = polygon.at(i - 1)!;
    const [p, q] = [
      { x: a.x - at.x, y: a.y - at.y },
      { x: b.x - at.x, y: b.y - at.y },
    ];
    turn += Math.atan2(p.x * q.y - p.y * q.x, p.x * q.x + p.y * q.y);
  });
  return Math.abs(turn) > Math.PI;
}

/** A closed line around the middle that never crosses itself. */
function star(corners: number): Point[] {
  return Array.from({ length: corners }, (_, i) => {
    const [angle, r] = [(2 * Math.PI * i) / corners, 0.2 + 0.7 * random()];
    return { x: r * Math.cos(angle), y: r * Math.sin(angle) };
  });
}

describe("a polygon", () => {
  it("holds the points that its edges wind around", () => {
    for (const corners of [3, 4, 7, 60]) {
      const polygon = star(corners);
      const inside = polygon_test(polygon);
      for (let i = 0; i < 500; i++) {
        const at = point();
        expect(inside(at.x, at.y), `${corners} corners`).toBe(winds_around(polygon, at));
      }
    }
  });

  it("leaves out what it goes around twice", () => {
    const once = box_polygon({ x: -1, y: -1 }, { x: 1, y: 1 });
    expect(polygon_test(once)(0.1, 0.2)).toBe(true);
    expect(polygon_test([...once, ...once])(0.1, 0.2)).toBe(false);
  });

  it("holds nothing when it has no area", () => {
    const flat = [0, 1, 2].map((x) => ({ x, y: 0.5 }));
    expect(polygon_test(flat)(1, 0.5)).toBe(false);
    expect(rows_inside(flat.slice(0, 2), Float32Array.of(0, 0))).toHaveLength(0);
  });

  it("gives rows in ascending order, and only those that are accepted", () => {
    const xy = Float32Array.of(0, 0, 5, 5, 0.5, 0.5, -0.5, 0.2);
    const box = box_polygon({ x: 1, y: 1 }, { x: -1, y: -1 });
    expect([...rows_inside(box, xy)]).toEqual([0, 2, 3]);
    expect([...rows_inside(box, xy, (row) => row !== 2)]).toEqual([0, 3]);
  });

  it("never holds an item without a place", () => {
    const { xy } = normalise(Float32Array.of(0, 0, Number.NaN, 1, 1, 1));
    const all = box_polygon({ x: -2, y: -2 }, { x: 2, y: 2 });
    expect([...rows_inside(all, xy)]).toEqual([0, 2]);
  });
});

describe("a new pick", () => {
  const [old, picked] = [Uint32Array.of(1, 4, 9), Uint32Array.of(2, 4, 100)];

  it("takes the old one's place", () => {
    expect([...combine(old, picked, "replace")]).toEqual([2, 4, 100]);
  });
  it("joins it in ascending order, no row twice", () => {
    expect([...combine(old, picked, "add")]).toEqual([1, 2, 4, 9, 100]);
  });
  it("is taken away from it", () => {
    expect([...combine(old, picked, "remove")]).toEqual([1, 9]);
  });
});

describe("a layout", () => {
  it("fills the square without being stretched", () => {
    const { xy, reach } = normalise(Float32Array.of(10, 10, 14, 10, 14, 12, 10, 12));
    const [x0, y0, x1, , , y2] = xy;
    expect(x1! - x0!).toBeCloseTo(2, 6);
    expect(reach).toEqual({ x: 1, y: 0.5 });
    expect((x1! - x0!) / (y2! - y0!)).toBeCloseTo(2, 6);
    expect(x0! + x1!).toBeCloseTo(0, 6);
  });

  it("puts what has no finite place out of sight, and the rest in view", () => {
    const { xy } = normalise(
      Float32Array.of(0, 0, Number.POSITIVE_INFINITY, 0, 2, Number.NaN, 1, 1),
    );
    expect([...xy.slice(2, 6)]).toEqual([AWAY, AWAY, AWAY, AWAY]);
    expect(Math.max(...xy.slice(0, 2), ...xy.slice(6))).toBeLessThanOrEqual(1);
  });

  it("of a single point lies in the middle", () => {
    const { xy, reach } = normalise(Float32Array.of(7, -3));
    expect([...xy]).toEqual([0, 0]);
    expect(reach).toEqual({ x: 1, y: 1 });
  });
});
