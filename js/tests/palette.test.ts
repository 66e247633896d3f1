import { describe, expect, it } from "vitest";
import golden from "../../tests/golden/palette.json";
import {
  class_colours,
  contrast,
  css,
  many_colours,
  OKABE_ITO,
  oklab,
  type Rgb,
  scale_colours,
  UNKNOWN,
} from "../src/palette";
import { colour_distance, deficient_distance } from "./distances";

const [WHITE, BLACK, DARK_PAGE]: Rgb[] = [
  [255, 255, 255],
  [0, 0, 0],
  [17, 17, 17],
];

function closest(colours: Rgb[], distance: (a: Rgb, b: Rgb) => number): number {
  return Math.min(...colours.flatMap((a, i) => colours.slice(0, i).map((b) => distance(a, b))));
}

describe("colours of classes", () => {
  it("are Okabe and Ito's up to eight", () => {
    expect(class_colours(8, "light")).toEqual(OKABE_ITO);
    expect(class_colours(3, "dark")).toEqual(OKABE_ITO.slice(0, 3));
  });

  it("keep black apart from a dark page", () => {
    expect(contrast(class_colours(8, "dark")[7]!, DARK_PAGE!)).toBeGreaterThan(10);
  });

  it("beyond eight stand out from a white and from a dark page", () => {
    for (const colour of many_colours(60)) {
      expect(contrast(colour, WHITE!), css(colour)).toBeGreaterThan(1.6);
      expect(contrast(colour, DARK_PAGE!), css(colour)).toBeGreaterThan(2.8);
    }
  });

  it("beyond eight stay apart, also with a colour deficiency", () => {
    const closest_of = (n: number) => ({
      seen: closest(many_colours(n), colour_distance),
      deficient: closest(many_colours(n), deficient_distance),
    });
    // Okabe and Ito's own closest pair is the measure: 0.156 seen, 0.076 with a deficiency.
    expect(closest_of(10).seen).toBeGreaterThan(0.14);
    expect(closest_of(10).deficient).toBeGreaterThan(0.07);
    expect(closest_of(20).seen).toBeGreaterThan(0.08);
    expect(closest_of(20).deficient).toBeGreaterThan(0.045);
  });

  it("are farther apart than as many drawn evenly around a circle of hue", () => {
    const circle = Array.from({ length: 20 }, (_, i): Rgb => {
      const wave = (shift: number) => 128 + 100 * Math.cos((2 * Math.PI * i) / 20 + shift);
      return [wave(0), wave(2.1), wave(4.2)];
    });
    const ours = closest(many_colours(20), deficient_distance);
    expect(ours).toBeGreaterThan(2 * closest(circle, deficient_distance));
  });

  it("are not the grey of the unknown", () => {
    for (const colour of many_colours(60)) {
      const grey = Math.min(
        ...Object.values(UNKNOWN).map((other) => colour_distance(colour, other)),
      );
      expect(grey, css(colour)).toBeGreaterThan(0.04);
    }
  });

  it("are the same every time, and those of fewer classes come first", () => {
    const hundred = many_colours(100);
    expect(many_colours(12)).toEqual(hundred.slice(0, 12));
    expect(many_colours(100)).toEqual(hundred);
  });

  it("are as many as asked for, even a thousand", () => {
    expect(class_colours(1000, "light")).toHaveLength(1000);
  });
});

describe("the scale", () => {
  it("grows brighter all the way in either theme", () => {
    for (const theme of ["light", "dark"] as const) {
      const lightness = scale_colours(50, theme).map((colour) => oklab(colour)[0]!);
      expect(lightness).toEqual([...lightness].sort((a, b) => a - b));
    }
  });

  it("keeps its ends off the page's colour", () => {
    const ends = (theme: "light" | "dark") => [0, 254].map((i) => scale_colours(255, theme)[i]!);
    expect(Math.min(...ends("light").map((c) => contrast(c, WHITE!)))).toBeGreaterThan(1.3);
    expect(Math.min(...ends("dark").map((c) => contrast(c, DARK_PAGE!)))).toBeGreaterThan(1.7);
  });
});

describe("distances", () => {
  it("of black and white are 1 in OKLab and 21 in contrast", () => {
    expect(colour_distance(BLACK!, WHITE!)).toBeCloseTo(1, 4);
    expect(contrast(BLACK!, WHITE!)).toBeCloseTo(21, 6);
  });

  it("of red and green shrink with a deficiency, those of greys do not", () => {
    const [red, green]: Rgb[] = [
      [214, 60, 50],
      [100, 140, 40],
    ];
    expect(deficient_distance(red!, green!)).toBeLessThan(0.6 * colour_distance(red!, green!));
    const [dark, pale]: Rgb[] = [
      [60, 60, 60],
      [200, 200, 200],
    ];
    expect(deficient_distance(dark!, pale!)).toBeCloseTo(colour_distance(dark!, pale!), 3);
  });
});

describe("the colours of the kernel's pictures and charts", () => {
  const hex = (colour: Rgb) => `#${colour.map((v) => v.toString(16).padStart(2, "0")).join("")}`;

  it("are these", () => {
    for (const theme of ["light", "dark"] as const) {
      for (const [n, colours] of Object.entries(golden[theme])) {
        expect(class_colours(Number(n), theme).map(hex)).toEqual(colours);
      }
    }
  });
});
