/** Binary arrays: from the bytes that travel to typed arrays and back. */

import type { NdArray } from "./protocol.gen";

export type TypedArray =
  | Uint8Array
  | Uint16Array
  | Uint32Array
  | Int32Array
  | Float32Array
  | Float64Array;

interface Kinds {
  uint8: Uint8Array;
  uint16: Uint16Array;
  uint32: Uint32Array;
  int32: Int32Array;
  float32: Float32Array;
  float64: Float64Array;
}

/** What makes an array of each type. */
export const MAKERS = {
  uint8: Uint8Array,
  uint16: Uint16Array,
  uint32: Uint32Array,
  int32: Int32Array,
  float32: Float32Array,
  float64: Float64Array,
} as const;

const views = new WeakMap<NdArray, TypedArray>();

/**
 * View an array's bytes as numbers, without copying where the offset allows it.
 *
 * A frame of the websocket holds several buffers one after the other, so that a
 * view may begin at any byte; typed arrays must begin at a multiple of their
 * element's size.
 */
export function decode(array: NdArray): TypedArray {
  const known = views.get(array);
  if (known) return known;
  const Maker = MAKERS[array.dtype];
  if (!Maker) throw new TypeError(`An array of unknown type "${array.dtype}" arrived.`);
  const { buffer, byteOffset, byteLength } = as_bytes(array.data);
  const size = array.shape.reduce((product, n) => product * n, 1);
  if (byteLength !== size * Maker.BYTES_PER_ELEMENT) {
    throw new RangeError(
      `An array of shape (${array.shape.join(", ")}) and type ${array.dtype} arrived ` +
        `with ${byteLength} bytes instead of ${size * Maker.BYTES_PER_ELEMENT}.`,
    );
  }
  const view =
    byteOffset % Maker.BYTES_PER_ELEMENT === 0
      ? new Maker(buffer as ArrayBuffer, byteOffset, size)
      : new Maker(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
  views.set(array, view);
  return view;
}

/** Decode an array whose type is known, and say so if another one came. */
export function decode_as<T extends keyof Kinds>(array: NdArray, ...dtypes: T[]): Kinds[T] {
  if (!(dtypes as string[]).includes(array.dtype)) {
    throw new TypeError(`Expected an array of ${dtypes.join(" or ")}, got ${array.dtype}.`);
  }
  return decode(array) as Kinds[T];
}

/** Wrap numbers for the way to the kernel, without copying. */
export function encode(values: TypedArray, shape: number[] = [values.length]): NdArray {
  const dtype = (Object.keys(MAKERS) as (keyof Kinds)[]).find(
    (name) => values instanceof MAKERS[name],
  );
  if (!dtype) throw new TypeError("Only typed arrays of the protocol can be sent.");
  const data = new DataView(values.buffer, values.byteOffset, values.byteLength);
  return { dtype, shape, data };
}

/**
 * Take the bytes out of a message.
 *
 * Traits carry their bytes by themselves; a custom message is JSON and a list of
 * buffers, so an array's `data` becomes the number of its buffer.
 */
export function pack(message: unknown, buffers: ArrayBufferView[]): unknown {
  if (Array.isArray(message)) return message.map((item) => pack(item, buffers));
  if (message === null || typeof message !== "object") return message;
  if (ArrayBuffer.isView(message)) return buffers.push(message) - 1;
  return Object.fromEntries(
    Object.entries(message).map(([key, value]) => [key, pack(value, buffers)]),
  );
}

/** Undo `pack`. */
export function unpack(message: unknown, buffers: readonly DataView[]): unknown {
  if (Array.isArray(message)) return message.map((item) => unpack(item, buffers));
  if (message === null || typeof message !== "object") return message;
  if (is_packed(message)) return { ...message, data: buffers[message.data] };
  return Object.fromEntries(
    Object.entries(message).map(([key, value]) => [key, unpack(value, buffers)]),
  );
}

function is_packed(message: object): message is { data: number } {
  return "dtype" in message && "shape" in message && "data" in message;
}

function as_bytes(data: unknown): {
  buffer: ArrayBufferLike;
  byteOffset: number;
  byteLength: number;
} {
  if (ArrayBuffer.isView(data)) return data;
  if (data instanceof ArrayBuffer) {
    return { buffer: data, byteOffset: 0, byteLength: data.byteLength };
  }
  throw new TypeError("An array arrived without its bytes.");
}
