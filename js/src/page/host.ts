/** Answers the lens's questions from what the page holds, and refuses the rest in words. */

import { decode_as, encode, unpack } from "../codec";
import type {
  PageContents,
  PagePictures,
  Picture,
  QualityRequest,
  Reply,
  Request,
} from "../protocol.gen";
import { read_block } from "./arrays";
import { index_latent, nearest } from "./derived";
import { type Answer, PageModel } from "./model";

const NO_KERNEL = "This page has no kernel:";

/** What the page holds, read piece by piece as it is asked for. */
export class Host {
  private readonly blocks = new Map<number, Promise<DataView>>();
  private pictures: Promise<Map<number, Picture>> | undefined;

  constructor(
    private readonly contents: PageContents,
    /** Gives the characters of a block. */
    private readonly text: (block: number) => string,
  ) {}

  /** The widget's model, standing where the lens stood. */
  async model(): Promise<PageModel> {
    const state = await this.unpacked(this.contents.state);
    return new PageModel(
      state,
      (request) => this.answer(request),
      (key, model) => key === "sampler" && void this.rank(model),
    );
  }

  async answer(request: Request): Promise<Answer> {
    switch (request.kind) {
      case "hello":
      case "cancel":
        return { kind: "ok" };
      case "layer":
        return this.layer(request.layer);
      case "latent":
        return this.latent();
      case "pictures":
        return this.shown(request.rows);
      case "quality":
        return this.quality(request);
      case "column":
        return this.column(request.column);
      case "neighbors":
        return this.neighbors(request.row, request.n);
      case "means":
        return refused(
          `the sample's mean of ${request.question.layer} takes running the model on the sample.`,
        );
      default:
        return refused("this takes the notebook it came from.");
    }
  }

  private async layer(name: string): Promise<Answer> {
    const found = this.contents.layers.find(({ layer }) => layer === name);
    if (!found) return refused(`layer ${name} was left out of it.`);
    const { keep, ...rest } = found;
    const layer = await this.unpacked(rest);
    if (layer.top_unit) return reply("layer", layer);
    const { latent } = await this.unpacked({ latent: this.contents.latent! });
    const values = decode_as(latent, "float32");
    return reply("layer", { ...layer, ...index_latent(values, latent.shape[1] ?? 0, keep) });
  }

  private async latent(): Promise<Answer> {
    const { latent } = this.contents;
    if (!latent) return refused("the values of every unit were left out of it.");
    return reply("latent", await this.unpacked({ latent }));
  }

  private async column(wanted: string): Promise<Answer> {
    const found = this.contents.columns.find(({ column }) => column === wanted);
    return found ? reply("column", await this.unpacked(found)) : refused(`it has no ${wanted}.`);
  }

  private async neighbors(row: number, n: number): Promise<Answer> {
    const { latent } = this.contents;
    if (!latent) return refused("the latent, in which neighbours are sought, was left out of it.");
    const read = await this.unpacked({ latent });
    const found = nearest(decode_as(read.latent, "float32"), latent.shape[1] ?? 0, row, n);
    return reply("neighbors", { row, ...found });
  }

  private async shown(rows: number[]): Promise<Answer> {
    this.pictures ??= this.unpacked(this.contents.pictures).then(read_pictures);
    const pictures = await this.pictures;
    const none = (row: number): Picture => ({ row, kind: "none" });
    return reply("pictures", { pictures: rows.map((row) => pictures.get(row) ?? none(row)) });
  }

  private async quality({ sampler, j, by, k, fraction, added }: QualityRequest): Promise<Answer> {
    const rows = added ? decode_as(added, "uint32").join() : "";
    const known = this.contents.quality.find(
      (one) =>
        one.sampler === sampler &&
        one.j === j &&
        one.by === by &&
        one.k === k &&
        // Rows were added at the fraction of the lens alone.
        one.added.join() === rows &&
        (rows === "" || fraction === this.contents.state.fraction) &&
        one.reply.fractions.includes(fraction),
    );
    return known?.reply ?? refused("this was not asked before the lens was exported.");
  }

  /** A sampler was chosen: its ranking follows. */
  private async rank(model: PageModel): Promise<void> {
    const chosen = model.get("sampler");
    const packed = this.contents.rankings.find(({ sampler }) => sampler === chosen);
    if (!packed || model.get("ranked")?.sampler === chosen) return;
    const ranked = await this.unpacked(packed);
    if (model.get("sampler") === chosen) model.set("ranked", ranked);
  }

  /** A message whose arrays are here. */
  private async unpacked<T>(message: T): Promise<T> {
    const wanted = [...numbers_in(message)];
    const read = await Promise.all(wanted.map((number) => this.block(number)));
    const views: DataView[] = [];
    wanted.forEach((number, i) => {
      views[number] = read[i]!;
    });
    return unpack(message, views) as T;
  }

  private block(number: number): Promise<DataView> {
    if (!this.blocks.has(number)) {
      this.blocks.set(number, read_block(this.contents.blocks[number]!, this.text(number)));
    }
    return this.blocks.get(number)!;
  }
}

function reply<K extends Reply["kind"]>(kind: K, rest: object): Answer {
  return { kind, ...rest } as Answer;
}

function refused(why: string): Answer {
  return reply("error", { message: `${NO_KERNEL} ${why}` });
}

/** The numbers of the blocks that a message names. */
function* numbers_in(message: unknown): Generator<number> {
  if (message === null || typeof message !== "object") return;
  if ("dtype" in message && "shape" in message && "data" in message) yield message.data as number;
  else for (const part of Object.values(message)) yield* numbers_in(part);
}

/** Part the pictures, which stand one after the other. */
function read_pictures(packed: PagePictures): Map<number, Picture> {
  const { kind, rows, shapes, values, texts } = packed;
  const all =
    values && (kind === "image" ? decode_as(values, "uint8") : decode_as(values, "float32"));
  let from = 0;
  const picture = (row: number, i: number): Picture => {
    if (kind === "text") return { row, kind, text: texts[i] ?? "" };
    if (!all || kind === "none") return { row, kind: "none" };
    const shape = shapes[shapes.length > 1 ? i : 0] ?? [];
    const size = shape.reduce((product, n) => product * n, shape.length ? 1 : 0);
    const own = encode(all.slice(from, from + size), shape);
    from += size;
    if (size === 0) return { row, kind: "none" };
    return kind === "image" ? { row, kind, image: own } : { row, kind, series: own };
  };
  return new Map(rows.map((row, i) => [row, picture(row, i)]));
}
