/** Colours: for classes, for values on a scale, and the tests they are chosen by. */

/** Red, green, blue in 0..255. */
export type Rgb = readonly [number, number, number];

export type Theme = "light" | "dark";

/** For what is not known. */
export const UNKNOWN: Record<Theme, Rgb> = { light: [150, 150, 150], dark: [130, 130, 130] };

/**
 * The eight colours of M. Okabe and K. Ito, "Color Universal Design", 2008, in our order.
 *
 * The eighth is black; a dark page shows it as near-white, as no third choice keeps its contrast.
 */
export const OKABE_ITO: readonly Rgb[] = [
  [0, 114, 178],
  [230, 159, 0],
  [0, 158, 115],
  [213, 94, 0],
  [86, 180, 233],
  [204, 121, 167],
  [240, 228, 66],
  [0, 0, 0],
];
const NEAR_WHITE: Rgb = [236, 236, 236];

/** What is right and what is wrong, where colour says only that. */
export const CORRECT: Rgb = OKABE_ITO[0]!;
export const WRONG: Rgb = OKABE_ITO[3]!;

/**
 * Ten equidistant samples of viridis (S. van der Walt, N. Smith and E. Firing, 2015, CC0).
 *
 * Scales with grey in their middle are of no use here, grey being for the unknown.
 */
const VIRIDIS = hexes("440154 482878 3e4989 31688e 26828e 1f9e89 35b779 6ece58 b5de2b fde725");

/** The end of the scale that would sink into the page is left out. */
const SCALE_RANGE: Record<Theme, [number, number]> = { light: [0, 0.92], dark: [0.28, 1] };

function hexes(text: string): Rgb[] {
  return text.split(" ").map((hex) => {
    const value = Number.parseInt(hex, 16);
    return [value >> 16, (value >> 8) & 255, value & 255];
  });
}

/** A colour as CSS writes it. */
export function css([r, g, b]: Rgb): string {
  return `rgb(${Math.round(r)} ${Math.round(g)} ${Math.round(b)})`;
}

/** `size` colours from dark to bright, as far as the theme can show them. */
export function scale_colours(size: number, theme: Theme): Rgb[] {
  const [from, to] = SCALE_RANGE[theme];
  return Array.from({ length: size }, (_, i) =>
    along(VIRIDIS, from + ((to - from) * i) / Math.max(1, size - 1)),
  );
}

function along(anchors: Rgb[], t: number): Rgb {
  const place = t * (anchors.length - 1);
  const below = Math.min(anchors.length - 2, Math.floor(place));
  const [a, b] = [anchors[below]!, anchors[below + 1]!];
  const mix = (i: 0 | 1 | 2) => a[i] + (b[i] - a[i]) * (place - below);
  return [mix(0), mix(1), mix(2)];
}

/** Colours for `n` classes: Okabe-Ito up to eight, then as many as are asked for. */
export function class_colours(n: number, theme: Theme): Rgb[] {
  if (n > OKABE_ITO.length) return many_colours(n);
  return OKABE_ITO.slice(0, n).map((colour, i) =>
    i === 7 && theme === "dark" ? NEAR_WHITE : colour,
  );
}

// ---- many classes ----------------------------------------------------------------------

/** Okabe-Ito without the two that one of the themes swallows. */
const SEEDS = OKABE_ITO.slice(0, 6);
const LIGHTNESS = { from: 0.5, to: 0.82, steps: 7 };
const CHROMA = { from: 0.1, to: 0.2, steps: 5 };
const HUES = 48;
/** Distances as the two common colour deficiencies see them count this much more. */
const DEFICIENT_GAIN = 1.8;

type Seen = Float64Array;
let many: Rgb[] = [];

/**
 * Distinct colours, greedily: each is the candidate farthest from all before it.
 *
 * After C. Glasbey et al., "Colour displays for categorical images", Color Research &
 * Application 32(4), 2007, with three changes: distances are Euclidean in OKLab; a pair is as far
 * apart as the worst of normal, protan and deutan sight makes it; and candidates come from a fixed
 * grid of lightness, chroma and hue that leaves out what is too light, too dark or too grey for
 * either theme. The first six are Okabe-Ito's. The colours of fewer classes are always the first
 * of those for more, so that the list is made once.
 */
export function many_colours(n: number): Rgb[] {
  if (many.length < n) many = choose(n);
  return many.slice(0, n);
}

function choose(n: number): Rgb[] {
  const candidates = candidate_grid();
  const seen = candidates.map(as_seen);
  const nearest = new Float64Array(candidates.length).fill(Infinity);
  const keep_away = (other: Seen) => {
    for (let c = 0; c < seen.length; c++) {
      const distance = seen_distance(seen[c]!, other);
      if (distance < nearest[c]!) nearest[c] = distance;
    }
  };
  const chosen: Rgb[] = SEEDS.slice(0, n);
  for (const colour of [...chosen, UNKNOWN.light, UNKNOWN.dark]) keep_away(as_seen(colour));
  while (chosen.length < n) {
    const best = index_of_largest(nearest);
    // With the grid used up colours repeat: beyond it no eye could tell them apart.
    chosen.push(
      nearest[best] === 0 ? chosen[chosen.length % candidates.length]! : candidates[best]!,
    );
    keep_away(seen[best]!);
  }
  return chosen;
}

function candidate_grid(): Rgb[] {
  const grid: Rgb[] = [];
  for (let l = 0; l < LIGHTNESS.steps; l++) {
    for (let c = 0; c < CHROMA.steps; c++) {
      for (let h = 0; h < HUES; h++) {
        const hue = (2 * Math.PI * h) / HUES;
        const chroma = step(CHROMA, c);
        const colour = from_oklab(
          step(LIGHTNESS, l),
          chroma * Math.cos(hue),
          chroma * Math.sin(hue),
        );
        if (colour) grid.push(colour);
      }
    }
  }
  return grid;
}

function step(range: { from: number; to: number; steps: number }, i: number): number {
  return range.from + ((range.to - range.from) * i) / (range.steps - 1);
}

function index_of_largest(values: Float64Array): number {
  let best = 0;
  for (let i = 1; i < values.length; i++) if (values[i]! > values[best]!) best = i;
  return best;
}

// ---- colour spaces ---------------------------------------------------------------------

/**
 * Linear RGB as a protanope and a deuteranope see it: G. Machado, M. Oliveira and L. Fernandes,
 * "A physiologically-based model for simulation of color vision deficiency", IEEE TVCG 15(6), 2009,
 * severity 1.
 */
const PROTAN = [
  0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998,
];
const DEUTAN = [
  0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881,
];

/** OKLab of a colour under normal, protan and deutan sight: nine numbers. */
export function as_seen(colour: Rgb): Seen {
  const linear = colour.map(to_linear);
  return Float64Array.from([
    ...oklab_of(linear),
    ...oklab_of(through(PROTAN, linear)),
    ...oklab_of(through(DEUTAN, linear)),
  ]);
}

function seen_distance(a: Seen, b: Seen): number {
  const part = (o: number) =>
    Math.hypot(a[o]! - b[o]!, a[o + 1]! - b[o + 1]!, a[o + 2]! - b[o + 2]!);
  return Math.min(part(0), DEFICIENT_GAIN * part(3), DEFICIENT_GAIN * part(6));
}

/** Contrast of two colours by WCAG 2: from 1 to 21. */
export function contrast(a: Rgb, b: Rgb): number {
  const [p, q] = [luminance(a), luminance(b)];
  return (Math.max(p, q) + 0.05) / (Math.min(p, q) + 0.05);
}

function luminance(colour: Rgb): number {
  const [r, g, b] = colour.map(to_linear);
  return 0.2126 * r! + 0.7152 * g! + 0.0722 * b!;
}

/** OKLab (B. Ottosson, 2020) of a colour. */
export function oklab(colour: Rgb): number[] {
  return oklab_of(colour.map(to_linear));
}

function oklab_of(linear: number[]): number[] {
  const [r, g, b] = linear as [number, number, number];
  const l = Math.cbrt(0.4122214708 * r + 0.5363325363 * g + 0.0514459929 * b);
  const m = Math.cbrt(0.2119034982 * r + 0.6806995451 * g + 0.1073969566 * b);
  const s = Math.cbrt(0.0883024619 * r + 0.2817188376 * g + 0.6299787005 * b);
  return [
    0.2104542553 * l + 0.793617785 * m - 0.0040720468 * s,
    1.9779984951 * l - 2.428592205 * m + 0.4505937099 * s,
    0.0259040371 * l + 0.7827717662 * m - 0.808675766 * s,
  ];
}

/** The colour at a place in OKLab, or null where a screen cannot show it. */
function from_oklab(lightness: number, a: number, b: number): Rgb | null {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  if (linear.some((value) => value < 0 || value > 1)) return null;
  const [red, green, blue] = linear.map((value) => Math.round(from_linear(value)));
  return [red!, green!, blue!];
}

function through(matrix: number[], [r, g, b]: number[]): number[] {
  return [0, 3, 6].map((row) => matrix[row]! * r! + matrix[row + 1]! * g! + matrix[row + 2]! * b!);
}

function to_linear(value: number): number {
  const share = value / 255;
  return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
}

function from_linear(value: number): number {
  return 255 * (value <= 0.0031308 ? 12.92 * value : 1.055 * value ** (1 / 2.4) - 0.055);
}
