import { describe, expect, it, vi } from "vitest";
import golden from "../../tests/golden/page.json";
import { CLASSES, make_up, WIDTHS } from "../play/made_up";
import { decode, encode, type TypedArray } from "../src/codec";
import { read_block } from "../src/page/arrays";
import { index_latent } from "../src/page/derived";
import { Host } from "../src/page/host";
import type {
  Block,
  LayerReply,
  NdArray,
  PageContents,
  QualityReply,
  Request,
  State,
} from "../src/protocol.gen";
import { read_index } from "../src/record";
import { LensStore } from "../src/store";

const PRINTABLE = Array.from({ length: 94 }, (_, i) => String.fromCharCode(i + 0x21)).filter(
  (c) => !"<>&".includes(c),
);

/** The characters of some bytes, worked out bit by bit. */
function to_text(bytes: Uint8Array): string {
  const bits = Array.from(bytes, (byte) => byte.toString(2).padStart(8, "0").split("").reverse());
  const all = bits.flat().join("");
  let text = "";
  for (let at = 0; at < all.length; at += 13) {
    const group = all.slice(at, at + 13).padEnd(13, "0");
    const value = Number.parseInt(group.split("").reverse().join(""), 2);
    text += PRINTABLE[Math.floor(value / 91)]! + PRINTABLE[value % 91]!;
  }
  return text;
}

async function deflate(bytes: Uint8Array<ArrayBuffer>): Promise<Uint8Array> {
  const stream = new CompressionStream("deflate");
  const writer = stream.writable.getWriter();
  void writer.write(bytes).then(() => writer.close());
  const parts: number[] = [];
  const reader = stream.readable.getReader();
  for (let part = await reader.read(); !part.done; part = await reader.read())
    parts.push(...part.value);
  return Uint8Array.from(parts);
}

/** A page's blocks in their plain coding. */
class Blocks {
  readonly entries: Block[] = [];
  readonly texts: string[] = [];
  private readonly sorted: Uint8Array<ArrayBuffer>[] = [];

  /** Write the blocks' characters. */
  async finish(): Promise<void> {
    for (const [i, bytes] of this.sorted.entries()) {
      const packed = await deflate(bytes);
      this.entries[i]!.bytes = packed.length;
      this.texts.push(to_text(packed));
    }
  }

  add(values: TypedArray, shape: number[] = [values.length]): NdArray {
    const { dtype } = encode(values);
    const size = values.BYTES_PER_ELEMENT;
    const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    const sorted = Uint8Array.from(bytes, (_, i) => {
      return bytes[(i % values.length) * size + Math.floor(i / values.length)]!;
    });
    const block = { dtype, stored: dtype, coding: "plain" as const, columns: 1 };
    this.entries.push({ ...block, count: values.length, bytes: 0 });
    this.sorted.push(sorted);
    return { dtype, shape, data: this.entries.length - 1 } as unknown as NdArray;
  }

  pack<T>(message: T): T {
    if (message === null || typeof message !== "object") return message;
    if (Array.isArray(message)) return message.map((part) => this.pack(part)) as T;
    if ("dtype" in message && "data" in message) {
      const array = message as unknown as NdArray;
      return this.add(decode(array), array.shape) as T;
    }
    return Object.fromEntries(
      Object.entries(message).map(([key, part]) => [key, this.pack(part)]),
    ) as T;
  }
}

const made = make_up(60);
const LATENT = made.state.about!.latent_layer;
const KEPT: Omit<QualityReply, "id"> = {
  kind: "quality",
  fractions: [0.05, 0.1],
  curves: [],
  n_cells: 3,
  skipped: [],
  seeds: "",
  done: true,
};

async function page(): Promise<{ host: Host; read: ReturnType<typeof vi.fn> }> {
  const blocks = new Blocks();
  const { kind: _, ...fc3 } = made.layer("fc3");
  const { cell_sum, cell_count } = made.layer(LATENT);
  const pixels = Uint8Array.from({ length: 24 }, (_, i) => i);
  const ranked = made.state.ranked!;
  const parts = {
    state: blocks.pack(made.state),
    layers: [
      { ...blocks.pack(fc3), keep: 10 },
      {
        layer: LATENT,
        keep: 5,
        top_unit: null,
        top_value: null,
        silent: null,
        cell_sum: blocks.pack(cell_sum),
        cell_count: blocks.pack(cell_count),
      },
    ],
    latent: blocks.add(made.activations(LATENT), [60, WIDTHS[LATENT]!]),
    rankings: [ranked, { ...ranked, sampler: "random", uses_j: false }].map((each) =>
      blocks.pack(each),
    ),
    pictures: {
      kind: "image" as const,
      rows: [4, 9],
      shapes: [[3, 4]],
      values: blocks.add(pixels),
      texts: [],
    },
    quality: [
      { sampler: "max_margin", j: 0.7, by: "true" as const, k: 10, added: [], reply: KEPT },
    ],
    columns: [{ column: "age", values: blocks.add(Float64Array.of(1, 2.5)), levels: [] }],
    blocks: blocks.entries,
  };
  await blocks.finish();
  const contents = JSON.parse(JSON.stringify(parts)) as PageContents;
  const read = vi.fn((number: number) => blocks.texts[number]!);
  return { host: new Host(contents, read), read };
}

const numbers = (array: NdArray): number[] => Array.from(decode(array));
const quality = (change: object) =>
  ({
    kind: "quality",
    id: 1,
    sampler: "max_margin",
    j: 0.7,
    by: "true",
    k: 10,
    fraction: 0.1,
    ...change,
  }) as Request;

describe("an array in a page", () => {
  it.each(golden)("is read as it was: $name", async ({ block, text, values }) => {
    const view = await read_block(block as Block, text);
    const array = { dtype: block.dtype, shape: [block.count], data: view } as NdArray;
    expect(numbers(array).map((v) => (Object.is(v, -0) ? 0 : v))).toEqual(
      values.map((v) => (Object.is(v, -0) ? 0 : v)),
    );
  });

  it("that is damaged is refused in words", async () => {
    const { block, text } = golden[0]!;
    const other = { ...block, count: block.count + 1 } as Block;
    await expect(read_block(other, text)).rejects.toThrow("The page is damaged");
  });
});

describe("the index that follows from the latent", () => {
  it("is the one that sorting gives, equal values in the order of their units", () => {
    const latent = Float32Array.from([2, 0, 2, -1, 0, 0, 0, 0, -3, -1, -1, 5]);
    const { top_unit, top_value, silent } = index_latent(latent, 4, 3);
    expect(numbers(top_unit)).toEqual([0, 2, 1, 0, 1, 2, 3, 1, 2]);
    expect(numbers(top_value)).toEqual([2, 2, 0, 0, 0, 0, 5, -1, -1]);
    expect(numbers(silent)).toEqual([0, 1, 0]);
  });

  it("is the kernel's own for many rows", () => {
    const reply = made.layer(LATENT);
    const keep = reply.top_unit.shape[1]!;
    const found = index_latent(made.activations(LATENT), WIDTHS[LATENT]!, keep);
    expect(numbers(found.top_unit)).toEqual(numbers(reply.top_unit));
    expect(numbers(found.top_value)).toEqual(numbers(reply.top_value));
  });
});

describe("a page", () => {
  it("answers for a layer that it holds as the kernel does", async () => {
    const { host } = await page();
    const answer = (await host.answer({ kind: "layer", id: 1, layer: "fc3" })) as LayerReply;
    const index = read_index(answer);
    const { top_unit, top_value, cell_sum } = read_index(made.layer("fc3") as LayerReply);
    expect(index).toMatchObject({ name: "fc3", units: 10, keep: 10, n_classes: CLASSES.length });
    expect(index.top_unit).toEqual(top_unit);
    expect(index.top_value).toEqual(top_value);
    expect(index.cell_sum).toEqual(cell_sum);
  });

  it("makes the latent's index from the latent, as wide as it says", async () => {
    const { host } = await page();
    const answer = (await host.answer({ kind: "layer", id: 1, layer: LATENT })) as LayerReply;
    expect(answer.top_unit.shape).toEqual([60, 5]);
    expect(await host.answer({ kind: "latent", id: 2 })).toMatchObject({ kind: "latent" });
  });

  it("reads a block once, and none before it is wanted", async () => {
    const { host, read } = await page();
    expect(read).not.toHaveBeenCalled();
    await host.answer({ kind: "latent", id: 1 });
    await host.answer({ kind: "latent", id: 2 });
    expect(read).toHaveBeenCalledTimes(1);
  });

  it("shows the pictures it has, and nothing for the others", async () => {
    const { host } = await page();
    const answer = await host.answer({ kind: "pictures", id: 1, rows: [9, 5, 4] });
    const { pictures } = answer as unknown as {
      pictures: { row: number; kind: string; image?: NdArray }[];
    };
    expect(pictures.map(({ row, kind }) => [row, kind])).toEqual([
      [9, "image"],
      [5, "none"],
      [4, "image"],
    ]);
    expect(numbers(pictures[0]!.image!)).toEqual(Array.from({ length: 12 }, (_, i) => i + 12));
  });

  it("knows the quality that was asked for, at each of its fractions", async () => {
    const { host } = await page();
    for (const fraction of [0.05, 0.1]) {
      expect(await host.answer(quality({ fraction }))).toEqual(KEPT);
    }
    for (const change of [
      { fraction: 0.2 },
      { k: 3 },
      { by: "predicted" },
      { j: 0 },
      { added: encode(Uint32Array.of(3)) },
    ]) {
      expect(await host.answer(quality(change))).toMatchObject({ kind: "error" });
    }
  });

  it("has the metadata, column by column", async () => {
    const { host } = await page();
    const asked = { kind: "column", id: 1, column: "age" } as Request;
    const { values } = (await host.answer(asked)) as unknown as { values: NdArray };
    expect(numbers(values)).toEqual([1, 2.5]);
  });

  it("finds neighbours in the latent it holds", async () => {
    const { host } = await page();
    const answer = await host.answer({ kind: "neighbors", id: 1, row: 7, n: 4 });
    const { rows, distance } = answer as unknown as { rows: NdArray; distance: NdArray };
    const [values, units] = [made.activations(LATENT), WIDTHS[LATENT]!];
    const far = (row: number) =>
      Math.hypot(
        ...Array.from(
          { length: units },
          (_, u) => values[row * units + u]! - values[7 * units + u]!,
        ),
      );
    const others = Array.from({ length: 60 }, (_, row) => row).filter((row) => row !== 7);
    const nearest = others.sort((a, b) => far(a) - far(b)).slice(0, 4);
    expect(numbers(rows)).toEqual(nearest);
    for (const [i, d] of numbers(distance).entries()) expect(d).toBeCloseTo(far(nearest[i]!), 3);
  });

  const question = { layer: "conv1.relu" };
  it.each([
    [{ kind: "column", column: "height" }, "it has no height."],
    [{ kind: "layer", layer: "conv1.relu" }, "layer conv1.relu was left out of it."],
    [{ kind: "means", question }, "the sample's mean of conv1.relu takes running the model"],
    [{ kind: "answer", question }, "this takes the notebook it came from."],
    [{ kind: "some_newer_question" }, "this takes the notebook it came from."],
  ])("refuses in one sentence what it lacks: %o", async (request, words) => {
    const { host } = await page();
    const answer = await host.answer({ ...request, id: 1 } as unknown as Request);
    expect(answer).toMatchObject({ kind: "error" });
    const { message } = answer as unknown as { message: string };
    expect(message).toContain(`This page has no kernel: ${words}`);
  });

  it("is a model to a store, which then starts where the lens stood", async () => {
    const model = await (await page()).host.model();
    const store = new LensStore(model as never, new AbortController().signal);
    for (const key of ["fraction", "j", "k", "layer", "measure"] as (keyof State)[]) {
      expect(store.get(key)).toEqual(made.state[key]);
    }
    expect(store.get("truth")).toEqual(made.label);
    await expect(store.ask({ kind: "hello" })).resolves.toMatchObject({ kind: "ok" });
    await expect(store.ask({ kind: "layer", layer: "no" })).rejects.toThrow("was left out of it");
  });

  it("brings a sampler's ranking when it is chosen", async () => {
    const model = await (await page()).host.model();
    const told = vi.fn();
    model.on("change:ranked", told);
    model.set("sampler", "random");
    await vi.waitFor(() => expect(told).toHaveBeenCalled());
    expect(model.get("ranked")).toMatchObject({ sampler: "random", uses_j: false });
  });
});
