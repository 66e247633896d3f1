/** A widget model without a kernel behind it, which answers from a made-up record. */

import { encode, pack, unpack } from "../src/codec";
import type { NdArray, Reply, Request, State } from "../src/protocol.gen";
import type { Model } from "../src/store";

type Handler = (...args: never[]) => void;
export type Answerer = (request: Request) => Omit<Reply, "id"> | undefined;

/** Stands in for anywidget's model; answers come a moment later, packed as they travel. */
export class FakeModel {
  readonly sent: Request[] = [];
  saves = 0;
  private readonly handlers = new Map<string, Set<Handler>>();

  constructor(
    private readonly state: State,
    private readonly answer: Answerer = () => undefined,
    private readonly delay_ms = 30,
  ) {}

  get model(): Model {
    return this as unknown as Model;
  }

  /** How many listeners hang on the model. */
  get listeners(): number {
    return [...this.handlers.values()].reduce((total, { size }) => total + size, 0);
  }

  get<K extends keyof State>(key: K): State[K] {
    return this.state[key];
  }

  set<K extends keyof State>(key: K, value: State[K]): void {
    this.state[key] = value;
    this.trigger(`change:${key}`);
  }

  save_changes(): void {
    this.saves += 1;
  }

  on(event: string, run: Handler): void {
    if (!this.handlers.has(event)) this.handlers.set(event, new Set());
    this.handlers.get(event)!.add(run);
  }

  off(event: string, run: Handler): void {
    this.handlers.get(event)?.delete(run);
  }

  trigger(event: string, ...args: unknown[]): void {
    for (const run of [...(this.handlers.get(event) ?? [])]) run(...(args as never[]));
  }

  send(content: unknown, _callbacks?: unknown, buffers: ArrayBufferView[] = []): void {
    const request = unpack(content, buffers as DataView[]) as Request;
    this.sent.push(request);
    const reply = this.answer(request);
    if (reply) setTimeout(() => this.reply({ ...reply, id: request.id } as Reply), this.delay_ms);
  }

  /** Let the kernel say something, through JSON as it would. */
  reply(reply: Reply): void {
    const buffers: ArrayBufferView[] = [];
    const content = JSON.parse(JSON.stringify(pack(reply, buffers)));
    const views = buffers.map((b) => new DataView(b.buffer, b.byteOffset, b.byteLength));
    this.trigger("msg:custom", content, views);
  }
}

/** Rows as a selection. */
export function rows(...values: number[]): NdArray {
  return encode(Uint32Array.from(values));
}
