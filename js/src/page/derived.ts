/** What follows from the layer whose values are all here: its index, and who is near whom. */

import { encode } from "../codec";
import type { NdArray } from "../protocol.gen";

/** The `keep` largest units of each row, larger ones first, equal ones in their order. */
export function index_latent(
  latent: Float32Array,
  units: number,
  keep: number,
): Record<"top_unit" | "top_value" | "silent", NdArray> {
  const n = units ? latent.length / units : 0;
  const Units = units <= 2 ** 16 ? Uint16Array : Uint32Array;
  const top_unit = new Units(n * keep);
  const top_value = new Float32Array(n * keep);
  const silent = new Uint8Array(n);
  for (let row = 0; row < n; row++) {
    const from = row * keep;
    let held = 0;
    let loud = false;
    for (let unit = 0; unit < units; unit++) {
      const value = latent[row * units + unit]!;
      loud ||= value !== 0;
      if (held === keep && !(value > top_value[from + held - 1]!)) continue;
      let at = held < keep ? held++ : held - 1;
      for (; at > 0 && top_value[from + at - 1]! < value; at--) {
        top_value[from + at] = top_value[from + at - 1]!;
        top_unit[from + at] = top_unit[from + at - 1]!;
      }
      top_value[from + at] = value;
      top_unit[from + at] = unit;
    }
    silent[row] = loud ? 0 : 1;
  }
  return {
    top_unit: encode(top_unit, [n, keep]),
    top_value: encode(top_value, [n, keep]),
    silent: encode(silent),
  };
}

/** The rows nearest to one, itself left out, the nearest first; of equals the smaller row. */
export function nearest(
  latent: Float32Array,
  units: number,
  row: number,
  n: number,
): { rows: NdArray; distance: NdArray } {
  const far = Float64Array.from({ length: latent.length / units }, (_, other) => {
    let sum = 0;
    for (let u = 0; u < units; u++)
      sum += (latent[other * units + u]! - latent[row * units + u]!) ** 2;
    return sum;
  });
  const others = [...far.keys()].filter((other) => other !== row);
  const rows = Uint32Array.from(others.sort((a, b) => far[a]! - far[b]! || a - b).slice(0, n));
  return {
    rows: encode(rows),
    distance: encode(Float32Array.from(rows, (at) => Math.sqrt(far[at]!))),
  };
}
