/** Attributions drawn: over a picture, or as bars. */

import { h, s } from "./dom";

export type Sign = "both" | "for" | "against";

/** Orange and purple, which people who mix up red and green tell apart too. */
const FOR = [230, 97, 1] as const;
const AGAINST = [94, 60, 153] as const;
const BARS = 256;
const HEIGHT = 64;

/** Write each value's colour, the more opaque the larger it is, as RGBA. */
export function write_overlay(
  map: Float32Array,
  sign: Sign,
  out: Uint8ClampedArray | Uint8Array,
): void {
  const most = largest(map);
  map.forEach((value, i) => {
    out.set(value > 0 ? FOR : AGAINST, 4 * i);
    out[4 * i + 3] = most > 0 && shows(value, sign) ? (255 * Math.abs(value)) / most : 0;
  });
}

/** A picture of a map of shape (height, width), `size` CSS pixels on its longer side. */
export function draw_overlay(
  map: Float32Array,
  shape: number[],
  size: number,
  sign: Sign,
): HTMLElement {
  const [height = 0, width = 0] = shape;
  const canvas = h("canvas", { width, height, className: "ll-overlay ll-image", role: "img" });
  const scale = size / Math.max(width, height, 1);
  canvas.style.width = `${width * scale}px`;
  canvas.style.height = `${height * scale}px`;
  const context = canvas.getContext("2d");
  if (!context || !width || !height) return canvas;
  const pixels = context.createImageData(width, height);
  write_overlay(map, sign, pixels.data);
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** Values in their order as bars, up for what speaks for it; many are summed block by block. */
export function draw_bars(map: Float32Array, width: number, sign: Sign, label: string): SVGElement {
  const block = Math.ceil(map.length / BARS);
  const sums = Array.from({ length: Math.ceil(map.length / block) }, (_, i) =>
    map.subarray(i * block, (i + 1) * block).reduce((a, b) => a + (shows(b, sign) ? b : 0), 0),
  );
  const most = sums.reduce((a, b) => Math.max(a, Math.abs(b)), 0) || 1;
  const each = width / sums.length;
  const bars = sums.map((value, i) => {
    const height = (Math.abs(value) / most) * (HEIGHT / 2 - 1);
    return s(
      "rect",
      {
        class: value > 0 ? "ll-for" : "ll-against",
        x: (i * each).toFixed(2),
        y: (HEIGHT / 2 - (value > 0 ? height : 0)).toFixed(2),
        width: Math.max(each - 0.5, 0.5).toFixed(2),
        height: height.toFixed(2),
      },
      s("title", {}, `${i * block}: ${value.toPrecision(3)}`),
    );
  });
  const middle = s("line", { x1: 0, x2: width, y1: HEIGHT / 2, y2: HEIGHT / 2, class: "ll-zero" });
  return s("svg", { width, height: HEIGHT, role: "img", "aria-label": label }, ...bars, middle);
}

function shows(value: number, sign: Sign): boolean {
  return sign === "both" || (sign === "for" ? value > 0 : value < 0);
}

function largest(map: Float32Array): number {
  return map.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
}
