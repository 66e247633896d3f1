// What one move of a slider costs: from the new fraction to new figures, in the browser's own code.
import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const LIMIT_MS = 16;
const SIZES = [10_000, 70_000];
const UNITS = 4704;
const KEEP = 32;
const K = 10;
const LATENT = 84;
const CLASSES = 10;
const MANY_CLASSES = 1000;
const TICKS = 40;
const PASSES = 6;

async function load() {
  const out = join(await mkdtemp(join(tmpdir(), "latentlens-")), "bench.mjs");
  await esbuild.build({
    stdin: {
      contents: `export * from "./src/store"; export { encode } from "./src/codec";`,
      resolveDir: join(here, ".."),
    },
    bundle: true,
    format: "esm",
    target: "es2022",
    outfile: out,
    logLevel: "warning",
  });
  return import(pathToFileURL(out).href);
}

function make_random(seed) {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 0) / 2 ** 32;
  };
}

function make_state(n, n_classes, encode) {
  const random = make_random(1);
  const label = Int32Array.from({ length: n }, () => Math.floor(random() * n_classes));
  const pred = label.map((c) => (random() < 0.02 ? (c + 1) % n_classes : c));
  const log_ratio = Float64Array.from({ length: n }, () => random() * 20 - 4);
  const rank = new Uint32Array(n);
  const group_size = new Uint32Array(n_classes);
  const order = Array.from(rank.keys()).sort((a, b) => log_ratio[a] - log_ratio[b]);
  for (const i of order) rank[i] = group_size[pred[i]]++;
  const layers = [
    { name: "conv1", units: UNITS, keep: KEEP, shape: [UNITS], reduce: "unit", in_browser: true },
    { name: "fc2", units: LATENT, keep: KEEP, shape: [LATENT], reduce: "unit", in_browser: true },
  ];
  return {
    status: "ready",
    about: { n_items: n, classes: names(n_classes), layers, latent_layer: "fc2", samplers: [] },
    items: { label: encode(label), pred: encode(pred), loss: null, ids: null },
    ranked: {
      group: encode(Uint16Array.from(pred)),
      rank: encode(rank),
      group_size: encode(group_size),
      log_ratio: encode(log_ratio),
      uses_j: true,
      probability: false,
      allocation: "proportional",
      floor: 0,
    },
    fraction: 0.05,
    j: 0.7,
    label: "",
    by: "true",
    correctness: "all",
    k: K,
    measure: "max",
    unit: -1,
    selection: encode(new Uint32Array(0)),
    added: encode(new Uint32Array(0)),
  };
}

function names(n_classes) {
  return Array.from({ length: n_classes }, (_, c) => `class ${c}`);
}

function make_index(name, units, n, n_classes) {
  const random = make_random(2);
  return {
    name,
    units,
    keep: KEEP,
    n_classes,
    top_unit: Uint16Array.from({ length: n * KEEP }, () => Math.floor(random() ** 2 * units)),
    top_value: Float32Array.from({ length: n * KEEP }, (_, i) => 8 - (i % KEEP) / 8 + random() / 9),
    silent: new Uint8Array(n),
    cell_sum: new Float64Array(4 * n_classes * units),
    cell_count: new Float64Array(4 * n_classes),
  };
}

function make_store({ LensStore, encode }, n, layer, n_classes) {
  const state = { ...make_state(n, n_classes, encode), layer };
  const model = {
    get: (key) => state[key],
    set() {},
    save_changes() {},
    send() {},
    on() {},
    off() {},
  };
  const store = new LensStore(model, new AbortController().signal, () => {});
  const latent = Float32Array.from({ length: n * LATENT }, make_random(3));
  if (layer === "fc2") store.set({ index: make_index("fc2", LATENT, n, n_classes), latent });
  else store.set({ index: make_index("conv1", UNITS, n, n_classes) });
  return store;
}

const READ = ["roles", "counts", "class_counts", "cells", "answer", "sample_order"];

/** Work out all that the panes read, the map's roles and the strip's order included. */
function tick(store, fraction) {
  const start = performance.now();
  store.set({ fraction });
  for (const key of READ) store.get(key);
  return performance.now() - start;
}

const module = await load();
let slowest = 0;
for (const n of SIZES) {
  for (const [layer, n_classes] of [
    ["conv1", CLASSES],
    ["fc2", CLASSES],
    ["fc2", MANY_CLASSES],
  ]) {
    const store = make_store(module, n, layer, n_classes);
    const fractions = Array.from({ length: TICKS }, (_, i) => (i + 1) / (TICKS + 1));
    const passes = Array.from({ length: PASSES }, () => fractions.map((f) => tick(store, f)));
    // The best of a few passes at each fraction: other work on the machine only adds.
    const best = fractions.map((_, i) => Math.min(...passes.map((pass) => pass[i])));
    best.sort((a, b) => a - b);
    const [median, most] = [best[TICKS / 2], best[TICKS - 1]];
    slowest = Math.max(slowest, median);
    const what = layer === "fc2" ? `${LATENT} units, with the latent's mean` : `${UNITS} units`;
    console.log(
      `tick  n=${String(n).padStart(6)}  K=${KEEP}  ${what.padEnd(33)} ${String(n_classes).padStart(4)} classes  ` +
        `median ${median.toFixed(2)} ms  slowest ${most.toFixed(2)} ms`,
    );
  }
}
console.log(`tick  every median ${slowest < LIMIT_MS ? "below" : "ABOVE"} ${LIMIT_MS} ms`);
process.exitCode = slowest < LIMIT_MS ? 0 : 1;
