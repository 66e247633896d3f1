/** A record nobody measured: blobs with a few errors, layers with a few loud units. */

import { encode, type TypedArray } from "../src/codec";
import type {
  LayerReply,
  NdArray,
  Picture,
  QualityReply,
  QualityRequest,
  State,
} from "../src/protocol.gen";

export const CLASSES = [
  "zero",
  "one",
  "two",
  "three",
  "four",
  "five",
  "six",
  "seven",
  "eight",
  "<b>nine</b>",
];
const KEEP = 32;
const LATENT = "fc2.relu";
export const WIDTHS: Record<string, number> = {
  "conv1.relu": 4704,
  "conv2.relu": 1600,
  "fc1.relu": 120,
  [LATENT]: 84,
  fc3: 10,
};

/** Numbers in [0, 1) that are the same every time (mulberry32). */
export function make_random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export interface MadeUp {
  state: State;
  label: Int32Array;
  pred: Int32Array;
  layer(name: string): Omit<LayerReply, "id">;
  activations(name: string): Float32Array;
  picture(row: number): Picture;
}

export function make_up(n: number): MadeUp {
  const random = make_random(7);
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(6.283 * random());
  const label = new Int32Array(n);
  const pred = new Int32Array(n);
  const ratio = new Float64Array(n);
  const xy = new Float32Array(2 * n);
  for (let i = 0; i < n; i++) {
    label[i] = Math.floor(random() * CLASSES.length);
    ratio[i] = 4 + 3 * normal();
    const wrong = random() < 0.5 * Math.exp(-Math.max(ratio[i]! + 3, 0));
    pred[i] = wrong ? (label[i]! + 1 + Math.floor(random() * 3)) % CLASSES.length : label[i]!;
    const angle = (label[i]! / CLASSES.length) * 6.283;
    const out = Math.max(0.3, Math.min(ratio[i]! / 4, 1.4));
    xy[2 * i] = Math.cos(angle) * 5 * out + normal() * 0.7;
    xy[2 * i + 1] = Math.sin(angle) * 5 * out + normal() * 0.7;
  }
  const activations = remember((name) => make_activations(name, label, normal));
  const data = { label, pred, activations };
  return {
    label,
    pred,
    activations,
    layer: remember((name) => make_layer(name, data)),
    picture: (row) => make_picture(row, label[row]!),
    state: make_state({ n, label, pred, ratio, xy }),
  };
}

function remember<V>(make: (name: string) => V): (name: string) => V {
  const made = new Map<string, V>();
  return (name) => {
    if (!made.has(name)) made.set(name, make(name));
    return made.get(name)!;
  };
}

function make_activations(name: string, label: Int32Array, normal: () => number): Float32Array {
  const units = WIDTHS[name]!;
  const values = new Float32Array(label.length * units);
  const relu = name.endsWith("relu");
  for (let i = 0; i < label.length; i++) {
    for (let u = 0; u < units; u++) {
      const liking = (u * 7 + label[i]! * 3) % 10 < 2 ? 1.4 : -0.8;
      const value = liking + Math.sin(u) + normal();
      values[i * units + u] = relu ? Math.max(value, 0) : value;
    }
  }
  return values;
}

interface Data {
  label: Int32Array;
  pred: Int32Array;
  activations: (name: string) => Float32Array;
}

function make_layer(name: string, { label, pred, activations }: Data): Omit<LayerReply, "id"> {
  const units = WIDTHS[name]!;
  const keep = Math.min(KEEP, units);
  const n = label.length;
  const c = CLASSES.length;
  const values = activations(name);
  const top_unit = new Uint16Array(n * keep);
  const top_value = new Float32Array(n * keep);
  const cell_sum = new Float64Array(4 * c * units);
  const cell_count = new Float64Array(4 * c);
  for (let i = 0; i < n; i++) {
    const row = values.subarray(i * units, (i + 1) * units);
    const order = Array.from(row.keys()).sort((a, b) => row[b]! - row[a]! || a - b);
    for (let at = 0; at < keep; at++) {
      top_unit[i * keep + at] = order[at]!;
      top_value[i * keep + at] = row[order[at]!]!;
    }
    const right = label[i] === pred[i];
    const cells = right ? [label[i]!] : [c + label[i]!, 2 * c + pred[i]!];
    for (const cell of cells) {
      cell_count[cell]! += 1;
      for (let u = 0; u < units; u++) cell_sum[cell * units + u]! += row[u]!;
    }
  }
  return {
    kind: "layer",
    layer: name,
    top_unit: encode(top_unit, [n, keep]),
    top_value: encode(top_value, [n, keep]),
    silent: encode(new Uint8Array(n)),
    cell_sum: encode(cell_sum, [4, c, units]),
    cell_count: encode(cell_count, [4, c]),
  };
}

const SIDE = 20;

function make_picture(row: number, label: number): Picture {
  const pixels = new Uint8Array(SIDE * SIDE);
  const random = make_random(row + 1);
  const turns = 1 + label;
  for (let t = 0; t < 400; t++) {
    const angle = (t / 400) * 6.283;
    const r = 5 + 2.5 * Math.sin(angle * turns) + random();
    const x = Math.round(SIDE / 2 + r * Math.cos(angle));
    const y = Math.round(SIDE / 2 + r * Math.sin(angle));
    if (x >= 0 && x < SIDE && y >= 0 && y < SIDE) pixels[y * SIDE + x] = 120 + 135 * random();
  }
  return { row, kind: "image", image: encode(pixels, [SIDE, SIDE]) };
}

interface Drawn {
  n: number;
  label: Int32Array;
  pred: Int32Array;
  ratio: Float64Array;
  xy: Float32Array;
}

/** What the call left the traits at, as Python writes it. */
const START = Object.entries({
  sampler: '"max_margin"',
  fraction: "0.05",
  j: "0.7",
  layer: `"${LATENT}"`,
  label: '""',
  by: '"true"',
  correctness: '"all"',
  k: "10",
  measure: '"max"',
  projection: '"pca"',
  color_by: '"label"',
  unit: "-1",
  selection: "[]",
  added: "[]",
  slices: "{}",
}).map(([name, written]) => ({ name, written }));

function make_state({ n, label, pred, ratio, xy }: Drawn): State {
  const right = label.reduce((total, c, i) => total + Number(c === pred[i]), 0);
  return {
    status: "ready",
    progress: 0,
    doing: "",
    error: "",
    about: {
      model: "MadeUpNet",
      n_items: n,
      classes: CLASSES,
      latent_layer: LATENT,
      latent_units: WIDTHS[LATENT]!,
      latent_in_browser: true,
      accuracy: right / n,
      layers: Object.entries(WIDTHS).map(([name, units]) => ({
        name,
        units,
        shape: name.startsWith("conv1")
          ? [6, 28, 28]
          : name.startsWith("conv2")
            ? [16, 10, 10]
            : [units],
        reduce: "unit",
        keep: Math.min(KEEP, units),
        in_browser: true,
      })),
      samplers: [
        {
          name: "max_margin",
          title: "Max margin",
          uses_j: true,
          uses_fraction: true,
          reason: "",
          absent: "",
        },
        {
          name: "gmm_full",
          title: "Gaussian mixture, full",
          uses_j: true,
          uses_fraction: true,
          reason: "",
          absent: "",
        },
        {
          name: "random",
          title: "Random",
          uses_j: false,
          uses_fraction: true,
          reason: "Random items have no two ends to choose between.",
          absent: "",
        },
      ],
      pictures: "image",
      fixed_layout: "",
      no_saliency: "",
      columns: [],
      notes: [],
      code: { made: "LatentLens(model, loader)", start: START },
    },
    items: {
      label: encode(label),
      pred: encode(pred),
      loss: encode(Float32Array.from(ratio, (r) => Math.exp(-r))),
      ids: null,
    },
    points: { projection: "pca", xy: encode(xy, [n, 2]), done: true },
    ranked: make_ranked(pred, ratio),
    sampler: "max_margin",
    fraction: 0.05,
    j: 0.7,
    layer: LATENT,
    label: "",
    by: "true",
    correctness: "all",
    k: 10,
    measure: "max",
    projection: "pca",
    color_by: "label",
    unit: -1,
    selection: encode(new Uint32Array(0)) as NdArray,
    added: encode(new Uint32Array(0)) as NdArray,
    slices: [],
    map_trust: null,
  };
}

function make_ranked(group: Int32Array, ratio: Float64Array): State["ranked"] {
  const rank = new Uint32Array(group.length);
  const sizes = new Uint32Array(CLASSES.length);
  const order = Array.from(group.keys()).sort((a, b) => ratio[a]! - ratio[b]! || a - b);
  for (const i of order) rank[i] = sizes[group[i]!]!++;
  const arrays: Record<string, TypedArray> = {
    group: Uint16Array.from(group),
    rank,
    group_size: sizes,
    log_ratio: ratio,
  };
  const [groups, ranks, group_size, log_ratio] = Object.values(arrays).map((array) =>
    encode(array),
  ) as [NdArray, NdArray, NdArray, NdArray];
  return {
    sampler: "max_margin",
    group: groups,
    rank: ranks,
    group_size,
    log_ratio,
    uses_j: true,
    probability: false,
    weighted: false,
    allocation: "proportional",
    floor: 0,
    notes: [],
  };
}

/** What a kernel might say of a sample's quality; the first reply has no S2. */
export function made_up_quality(
  { fraction, k }: QualityRequest,
  done: boolean,
): Omit<QualityReply, "id"> {
  const usual = [0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.8];
  const fractions = [...new Set([...usual, fraction])].sort((a, b) => a - b);
  const curve = (sampler: string, title: string, gain: number) => {
    const s1 = fractions.map((share) => Math.min(1, share ** (0.4 / gain)));
    const averaged = sampler === "random";
    const spread = fractions.map((share) => (averaged ? 0.06 * (1 - share) : null));
    return {
      sampler,
      title,
      draws: averaged ? 10 : 1,
      s1_spread: spread,
      s2_spread: spread.map((v) => (done ? v && v / 4 : null)),
      s3_spread: spread,
      s1,
      s2: s1.map((v) => (done ? 0.4 * (1 - v) ** 2 : null)),
      s3: s1.map((v) => 0.8 * (1 - v)),
    };
  };
  return {
    kind: "quality",
    fractions,
    curves: [
      curve("max_margin", "Max margin", 3.5),
      curve("random", "Random", 1.2),
      curve("coreset", "Coreset", 4.5),
    ],
    n_cells: 80,
    skipped: Object.keys(WIDTHS).filter((name) => WIDTHS[name]! <= k),
    seeds: "10 draws, seeds 0 to 9",
    done,
  };
}
