import { describe, expect, it } from "vitest";
import { decode, decode_as, encode, pack, unpack } from "../src/codec";
import type { NdArray } from "../src/protocol.gen";

describe("decode", () => {
  it("looks at the bytes where they are", () => {
    const bytes = Float32Array.of(1, 2, 3);
    expect(decode(encode(bytes)).buffer).toBe(bytes.buffer);
  });

  it("copies bytes that begin between two numbers", () => {
    const buffer = new ArrayBuffer(9);
    new DataView(buffer).setFloat32(1, 1.5, true);
    new DataView(buffer).setFloat32(5, -2, true);
    const array: NdArray = { dtype: "float32", shape: [2], data: new DataView(buffer, 1, 8) };
    expect(Array.from(decode(array))).toEqual([1.5, -2]);
  });

  it("says when bytes are missing", () => {
    const array: NdArray = {
      dtype: "float32",
      shape: [2, 3],
      data: new DataView(new ArrayBuffer(8)),
    };
    expect(() => decode(array)).toThrow(/shape \(2, 3\).*8 bytes instead of 24/);
  });

  it("says when another type came", () => {
    expect(() => decode_as(encode(new Uint8Array(1)), "float32")).toThrow(
      /Expected .* float32, got uint8/,
    );
  });
});

describe("messages", () => {
  it("come out as they went in, with their arrays in buffers", () => {
    const message = { kind: "latent", deep: [{ latent: encode(Float32Array.of(1, 2)) }], n: null };
    const buffers: ArrayBufferView[] = [];
    const content = JSON.parse(JSON.stringify(pack(message, buffers)));
    expect(content.deep[0].latent).toEqual({ dtype: "float32", shape: [2], data: 0 });
    const back = unpack(content, buffers as DataView[]) as typeof message;
    expect(Array.from(decode(back.deep[0]!.latent))).toEqual([1, 2]);
    expect(back.n).toBeNull();
  });
});
