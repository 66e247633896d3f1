import { describe, expect, it } from "vitest";
import { nearest_item, next_item } from "../src/map/walk";

const RIGHT = { x: 1, y: 0 };
const UP = { x: 0, y: 1 };
const any = () => true;
const xy = (...points: [number, number][]) => Float32Array.from(points.flat());

describe("from item to item by keys", () => {
  it("goes to what is straight ahead before what is as near but aside", () => {
    const items = xy([0, 0], [2, 0], [1, 2], [0, 2]);
    const from = { x: 0, y: 0 };
    expect(next_item(items, { from, along: RIGHT, least: 0.1 }, any)).toBe(1);
    expect(next_item(items, { from, along: UP, least: 0.1 }, any)).toBe(3);
  });

  it("passes over what is too near to be seen as a step, behind, or not to be had", () => {
    const items = xy([0, 0], [0.01, 0], [-1, 0], [1, 0], [3, 0]);
    const step = { from: { x: 0, y: 0 }, along: RIGHT, least: 0.1 };
    expect(next_item(items, step, any)).toBe(3);
    expect(next_item(items, step, (row) => row !== 3)).toBe(4);
    expect(next_item(items, { ...step, from: { x: 3, y: 0 } }, any)).toBe(-1);
  });

  it("takes the circle that meets an item first", () => {
    let state = 7;
    const random = () => {
      state = (state * 48271) % 2147483647;
      return state / 2147483647 - 0.5;
    };
    const items = Float32Array.from({ length: 200 }, random);
    const found = next_item(items, { from: { x: 0, y: 0 }, along: UP, least: 0.01 }, any);
    // Grown step by step, the circle through the origin with its middle on the way.
    let met = -1;
    for (let radius = 0.001; met < 0; radius += 0.0001) {
      met = [...Array(100).keys()].findIndex((row) => {
        const [x, y] = [items[2 * row]!, items[2 * row + 1]!];
        return y >= 0.01 && Math.hypot(x, y - radius) <= radius;
      });
    }
    expect(found).toBe(met);
  });

  it("begins with the item nearest to a place", () => {
    expect(nearest_item(xy([5, 5], [1, 1], [0, 3]), { x: 0, y: 0 }, any)).toBe(1);
    expect(nearest_item(xy([5, 5], [1, 1]), { x: 0, y: 0 }, (row) => row === 0)).toBe(0);
    expect(nearest_item(new Float32Array(0), { x: 0, y: 0 }, any)).toBe(-1);
  });
});
