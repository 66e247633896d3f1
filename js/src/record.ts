/** What is known of a layer's activations, as `latentlens/core/record.py` has it. */

import { decode_as } from "./codec";
import type { LayerReply } from "./protocol.gen";

/** Kinds of cell of the running sums, in their order. */
export const CORRECT = 0;
export const WRONG_BY_TRUE = 1;
export const WRONG_BY_PREDICTED = 2;
export const UNDECIDED = 3;

/** The index and the running sums of one layer. */
export interface LayerIndex {
  name: string;
  units: number;
  keep: number;
  top_unit: Uint16Array | Uint32Array;
  top_value: Float32Array;
  silent: Uint8Array;
  cell_sum: Float64Array;
  cell_count: Float64Array;
  n_classes: number;
}

/** Read a layer's index as it travels. */
export function read_index(reply: LayerReply): LayerIndex {
  const [, n_classes = 0, units = 0] = reply.cell_sum.shape;
  return {
    name: reply.layer,
    units,
    keep: reply.top_unit.shape[1] ?? 0,
    top_unit: decode_as(reply.top_unit, "uint16", "uint32"),
    top_value: decode_as(reply.top_value, "float32"),
    silent: decode_as(reply.silent, "uint8"),
    cell_sum: decode_as(reply.cell_sum, "float64"),
    cell_count: decode_as(reply.cell_count, "float64"),
    n_classes,
  };
}

/** What an index takes in memory. */
export function bytes_of(index: LayerIndex): number {
  const { top_unit, top_value, silent, cell_sum, cell_count } = index;
  return [top_unit, top_value, silent, cell_sum, cell_count].reduce(
    (total, { byteLength }) => total + byteLength,
    0,
  );
}
