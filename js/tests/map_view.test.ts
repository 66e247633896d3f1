// @vitest-environment happy-dom
import { describe, expect, it, vi } from "vitest";
import { make_random } from "../play/made_up";
import { normalise } from "../src/geometry";
import { between, GLIDE_MS, glide } from "../src/map/glide";
import { build_grid, nearest } from "../src/map/grid";
import { pan, pixels_per_unit, to_layout, to_screen, WHOLE, zoom_at } from "../src/map/view";

const random = make_random(11);
const SIZE = { width: 640, height: 400, reach: { x: 1, y: 1 } };

describe("a view", () => {
  it("leads to the screen and back", () => {
    const view = { x: 0.3, y: -0.2, zoom: 7 };
    const at = to_layout(view, SIZE, to_screen(view, SIZE, { x: 0.11, y: 0.77 }));
    expect(at.x).toBeCloseTo(0.11, 9);
    expect(at.y).toBeCloseTo(0.77, 9);
  });

  it("has y going up and the whole layout inside", () => {
    const corner = to_screen(WHOLE, SIZE, { x: 1, y: 1 });
    expect(corner.x).toBeGreaterThan(SIZE.width / 2);
    expect(corner.y).toBeGreaterThan(0);
    expect(corner.y).toBeLessThan(SIZE.height / 2);
  });

  it("zooms around the place it is told", () => {
    const at = { x: 500, y: 90 };
    const before = to_layout(WHOLE, SIZE, at);
    const after = to_layout(zoom_at(WHOLE, SIZE, at, 3), SIZE, at);
    expect(after.x).toBeCloseTo(before.x, 9);
    expect(after.y).toBeCloseTo(before.y, 9);
  });

  it("moves as far as the hand", () => {
    const view = { x: 0, y: 0, zoom: 4 };
    const before = to_screen(view, SIZE, { x: 0.1, y: 0.1 });
    const after = to_screen(pan(view, SIZE, { x: 31, y: -17 }), SIZE, { x: 0.1, y: 0.1 });
    expect(after.x - before.x).toBeCloseTo(31, 6);
    expect(after.y - before.y).toBeCloseTo(-17, 6);
  });

  it("cannot lose the layout, however far it is moved or zoomed", () => {
    const far = pan(WHOLE, SIZE, { x: 1e6, y: -1e6 });
    expect(Math.max(Math.abs(far.x), Math.abs(far.y))).toBeLessThan(2);
    expect(zoom_at(WHOLE, SIZE, { x: 0, y: 0 }, 1e-9).zoom).toBe(0.5);
    expect(zoom_at(WHOLE, SIZE, { x: 0, y: 0 }, 1e9).zoom).toBe(5000);
  });

  it("gives a wide layout the width and a high one the height", () => {
    const shown = (reach: { x: number; y: number }) => pixels_per_unit(WHOLE, { ...SIZE, reach });
    expect(2 * shown({ x: 1, y: 0.2 })).toBeCloseTo(0.94 * SIZE.width, 6);
    expect(2 * shown({ x: 0.2, y: 1 })).toBeCloseTo(0.94 * SIZE.height, 6);
  });

  it("has a scale even where there is no room", () => {
    expect(pixels_per_unit(WHOLE, { ...SIZE, width: 0, height: 0 })).toBeGreaterThan(0);
  });
});

describe("the grid", () => {
  const { xy } = normalise(Float32Array.from({ length: 4000 }, () => random() ** 3));

  function by_looking_at_all(
    x: number,
    y: number,
    radius: number,
    accept: (row: number) => boolean,
  ) {
    let [best, best_square] = [-1, radius * radius];
    for (let row = 0; row < xy.length / 2; row++) {
      const square = (xy[2 * row]! - x) ** 2 + (xy[2 * row + 1]! - y) ** 2;
      const nearer = best < 0 ? square <= best_square : square < best_square;
      if (nearer && accept(row)) [best, best_square] = [row, square];
    }
    return best;
  }

  it("finds the same row as looking at all of them", () => {
    const grid = build_grid(xy);
    const odd = (row: number) => row % 2 === 1;
    for (let i = 0; i < 1000; i++) {
      const at = { x: 2.8 * random() - 1.4, y: 2.2 * random() - 1.1 };
      const radius = 0.3 * random() ** 2;
      expect(nearest(grid, at, radius)).toBe(by_looking_at_all(at.x, at.y, radius, () => true));
      expect(nearest(grid, at, radius, odd)).toBe(by_looking_at_all(at.x, at.y, radius, odd));
    }
  });

  it("finds the first of items in one place", () => {
    const grid = build_grid(Float32Array.of(0.5, 0.5, 0.2, 0.2, 0.2, 0.2));
    expect(nearest(grid, { x: 0.21, y: 0.2 }, 0.1)).toBe(1);
  });

  it("finds nothing among no items, and none without a place", () => {
    expect(nearest(build_grid(new Float32Array()), { x: 0, y: 0 }, 1)).toBe(-1);
    const lost = build_grid(normalise(Float32Array.of(Number.NaN, 0, 1, 1)).xy);
    expect(nearest(lost, { x: 0, y: 0 }, 2)).toBe(1);
  });

  it("finds items at the very rim", () => {
    const grid = build_grid(normalise(Float32Array.of(0, 0, 10, 10)).xy);
    expect(nearest(grid, { x: 1, y: 1 }, 0.01)).toBe(1);
    expect(nearest(grid, { x: -1, y: -1 }, 0.01)).toBe(0);
  });
});

describe("a glide", () => {
  const motion = (reduce: boolean) =>
    vi.spyOn(window, "matchMedia").mockReturnValue({ matches: reduce } as MediaQueryList);

  it("ends in its new place after a moment", async () => {
    motion(false);
    const shares: number[] = [];
    glide((share) => shares.push(share));
    await vi.waitFor(() => expect(shares.at(-1)).toBe(1), { timeout: 5 * GLIDE_MS });
    expect(shares.length).toBeGreaterThan(1);
    expect(shares).toEqual([...shares].sort((a, b) => a - b));
  });

  it("jumps where motion is not wanted", () => {
    motion(true);
    const shares: number[] = [];
    glide((share) => shares.push(share));
    expect(shares).toEqual([1]);
  });

  it("jumps when the page is hidden, which gets no frames", () => {
    motion(false);
    const hidden = vi.spyOn(document, "hidden", "get").mockReturnValue(false);
    const shares: number[] = [];
    glide((share) => shares.push(share));
    hidden.mockReturnValue(true);
    document.dispatchEvent(new Event("visibilitychange"));
    expect(shares.at(-1)).toBe(1);
    hidden.mockRestore();
  });

  it("stays where it is stopped", async () => {
    motion(false);
    const shares: number[] = [];
    const stop = glide((share) => shares.push(share));
    stop();
    await new Promise((done) => setTimeout(done, 60));
    expect(shares).toEqual([]);
  });

  it("passes through the middle", () => {
    const half = between(Float32Array.of(0, 2), Float32Array.of(4, 2), 0.5);
    expect([...half]).toEqual([2, 2]);
  });
});
