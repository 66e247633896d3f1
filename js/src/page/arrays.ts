/** Arrays that stand as text in a page; `latentlens/widget/page/arrays.py` wrote them. */

import { MAKERS, type TypedArray } from "../codec";
import type { Block } from "../protocol.gen";

/** Printable characters but `<`, `>` and `&`, in their order. */
const ALPHABET = Array.from({ length: 94 }, (_, i) => i + 0x21).filter(
  (code) => !"<>&".includes(String.fromCharCode(code)),
);
const BITS = 13;

/** Read a block's text as the bytes of its array. */
export async function read_block(block: Block, text: string): Promise<DataView> {
  const bytes = await inflate(from_text(text, block.bytes));
  const values = decode(block, bytes);
  const { dtype, stored } = block;
  const { buffer } =
    dtype === stored ? values : new MAKERS[dtype](values as unknown as ArrayLike<number>);
  return new DataView(buffer as ArrayBuffer);
}

function decode({ stored, coding, columns, count }: Block, bytes: Uint8Array): TypedArray {
  if (coding === "descending") return add_up(unsort(bytes, Uint32Array, count), columns);
  if (coding === "sparse") return spread(bytes, count);
  return unsort<TypedArray>(bytes, MAKERS[stored], count);
}

/** Two characters are 13 bits, the lowest first. */
export function from_text(text: string, length: number): Uint8Array<ArrayBuffer> {
  const values = new Uint8Array(128);
  ALPHABET.forEach((code, value) => {
    values[code] = value;
  });
  const out = new Uint8Array(length);
  let held = 0;
  let n_held = 0;
  let at = 0;
  for (let i = 0; i + 1 < text.length; i += 2) {
    const pair = values[text.charCodeAt(i)]! * ALPHABET.length + values[text.charCodeAt(i + 1)]!;
    held |= pair << n_held;
    n_held += BITS;
    for (; n_held >= 8; n_held -= 8, held >>>= 8) if (at < length) out[at++] = held & 255;
  }
  if (at < length) out[at] = held;
  return out;
}

async function inflate(packed: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new DecompressionStream("deflate");
  const writer = stream.writable.getWriter();
  // What is wrong with the bytes is told by the side that reads.
  const written = writer.write(packed).then(() => writer.close());
  written.catch(() => {});
  const parts: Uint8Array[] = [];
  const reader = stream.readable.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read())
    parts.push(part.value);
  const out = new Uint8Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

/** Undo the sorting of bytes by significance. */
function unsort<T extends TypedArray>(
  bytes: Uint8Array,
  Maker: { new (length: number): T; readonly BYTES_PER_ELEMENT: number },
  count: number,
): T {
  const size = Maker.BYTES_PER_ELEMENT;
  if (bytes.length !== size * count) {
    throw new RangeError("The page is damaged: one of its arrays has another length.");
  }
  const values = new Maker(count);
  const out = new Uint8Array(values.buffer);
  for (let byte = 0, from = 0; byte < size; byte++) {
    for (let i = byte; i < out.length; i += size) out[i] = bytes[from++]!;
  }
  return values;
}

/** From steps, column by column, to rows of floats that do not rise. */
function add_up(steps: Uint32Array, columns: number): Float32Array {
  const rows = columns ? steps.length / columns : 0;
  const bits = new Uint32Array(steps.length);
  for (let row = 0; row < rows; row++) {
    let ordered = steps[row]!;
    for (let column = 0; column < columns; column++) {
      if (column > 0) ordered = (ordered - steps[column * rows + row]!) >>> 0;
      bits[row * columns + column] = ordered >>> 31 ? ordered ^ 0x80000000 : ~ordered;
    }
  }
  return new Float32Array(bits.buffer);
}

/** From a bit for each number and the numbers that are not zero. */
function spread(bytes: Uint8Array, count: number): Float32Array {
  const n_bits = Math.ceil(count / 8);
  const values = unsort(bytes.subarray(n_bits), Uint32Array, (bytes.length - n_bits) / 4);
  const bits = new Uint32Array(count);
  let at = 0;
  for (let i = 0; i < count; i++) if ((bytes[i >> 3]! >> (i & 7)) & 1) bits[i] = values[at++]!;
  return new Float32Array(bits.buffer);
}
