/** Thumbnails: fetched a batch at a time, kept, and drawn. */

import { decode } from "./codec";
import { h, s } from "./dom";
import type { NdArray, Picture } from "./protocol.gen";

/** The most the kernel gives at a time. */
const BATCH = 200;
const KEPT = 4000;
const WAIT_MS = 30;

/** Pictures by row, asked for when they are first wanted. */
export class PictureBook {
  private readonly kept = new Map<number, Picture>();
  private readonly asked = new Set<number>();
  private wanted: number[] = [];
  private edition = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly fetch: (rows: number[]) => Promise<Picture[]>,
    private readonly arrived: () => void,
  ) {}

  /** The picture of a row if it is here. */
  peek(row: number): Picture | undefined {
    return this.kept.get(row);
  }

  get(row: number): Picture | undefined {
    const picture = this.kept.get(row);
    if (!picture && !this.asked.has(row)) this.want(row);
    return picture;
  }

  /** Forget every picture: the rows mean other items now. */
  clear(): void {
    this.kept.clear();
    this.edition += 1;
  }

  private want(row: number): void {
    this.asked.add(row);
    this.wanted.push(row);
    if (!this.timer) this.timer = setTimeout(() => this.send(), WAIT_MS);
  }

  private send(): void {
    this.timer = undefined;
    // The newest wishes are what is on screen now; older ones may ask again.
    const rows = this.wanted.splice(-BATCH);
    for (const row of this.wanted) this.asked.delete(row);
    this.wanted = [];
    const edition = this.edition;
    this.fetch(rows)
      .then((pictures) => edition === this.edition && this.keep(pictures))
      // Without a picture a card still has its words; the next wish asks again.
      .catch(() => {})
      .finally(() => {
        for (const row of rows) this.asked.delete(row);
      });
  }

  private keep(pictures: Picture[]): void {
    for (const picture of pictures) this.kept.set(picture.row, picture);
    for (const oldest of this.kept.keys()) {
      if (this.kept.size <= KEPT) break;
      this.kept.delete(oldest);
    }
    this.arrived();
  }
}

/** Draw an item as people see it, `size` CSS pixels on its longer side. */
export function draw_picture(picture: Picture | undefined, size: number): HTMLElement {
  if (picture?.image) return draw_image(picture.image, size);
  if (picture?.text !== undefined) return h("div", { className: "ll-text" }, picture.text);
  if (picture?.series) return draw_series(picture.series, size);
  return h("div", { className: picture ? "ll-no-picture" : "ll-no-picture ll-coming" });
}

function draw_image(image: NdArray, size: number): HTMLElement {
  const [height = 0, width = 0, channels = 1] = image.shape;
  const scale = size / Math.max(width, height, 1);
  // Few pixels are shown as they are; many are smoothed on their way down.
  const className = scale < 1 ? "ll-image ll-smooth" : "ll-image";
  const canvas = h("canvas", { width, height, className });
  canvas.style.width = `${width * scale}px`;
  canvas.style.height = `${height * scale}px`;
  const context = canvas.getContext("2d");
  if (!context || !width || !height) return canvas;
  const pixels = context.createImageData(width, height);
  write_pixels(decode(image) as Uint8Array, channels, pixels.data);
  context.putImageData(pixels, 0, 0);
  return canvas;
}

/** Spread grey or RGB bytes to RGBA. */
export function write_pixels(
  values: Uint8Array,
  channels: number,
  out: Uint8ClampedArray | Uint8Array,
): void {
  const step = channels === 3 ? 1 : 0;
  for (let i = 0, from = 0; i < out.length; i += 4, from += channels) {
    out[i] = values[from]!;
    out[i + 1] = values[from + step]!;
    out[i + 2] = values[from + 2 * step]!;
    out[i + 3] = 255;
  }
}

const SERIES_HEIGHT = 0.6;

function draw_series(series: NdArray, size: number): HTMLElement {
  const values = decode(series) as Float32Array;
  const [steps = 0, channels = 1] = series.shape;
  const height = size * SERIES_HEIGHT;
  const paths = Array.from({ length: channels }, (_, channel) =>
    s("path", { d: series_path(values, steps, channels, channel, size, height) }),
  );
  const svg = s(
    "svg",
    { width: size, height, class: "ll-series", "aria-hidden": "true" },
    ...paths,
  );
  return h("div", {}, svg);
}

function series_path(
  values: Float32Array,
  steps: number,
  channels: number,
  channel: number,
  width: number,
  height: number,
): string {
  const finite = values.filter(Number.isFinite);
  const low = finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const span = finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY) - low || 1;
  let path = "";
  let pen = "M";
  for (let t = 0; t < steps; t++) {
    const value = values[t * channels + channel]!;
    if (!Number.isFinite(value)) {
      pen = "M";
      continue;
    }
    const x = (t / Math.max(steps - 1, 1)) * width;
    const y = height - 1 - ((value - low) / span) * (height - 2);
    path += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
    pen = "L";
  }
  return path;
}
