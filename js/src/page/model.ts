/** A widget's model with nobody behind it: what was sent is answered from the page itself. */

import { pack, unpack } from "../codec";
import type { Reply, Request, State } from "../protocol.gen";

type Handler = (...args: never[]) => void;
/** A reply without the number of its request. */
export type Answer = Omit<Reply, "id">;

/** What anywidget's modules are given as `model`. */
export class PageModel {
  private readonly handlers = new Map<string, Set<Handler>>();

  constructor(
    private readonly state: State,
    private readonly answer: (request: Request) => Promise<Answer>,
    /** Called after a trait was set here. */
    private readonly changed: (key: keyof State, model: PageModel) => void = () => {},
  ) {}

  get<K extends keyof State>(key: K): State[K] {
    return this.state[key];
  }

  set<K extends keyof State>(key: K, value: State[K]): void {
    this.state[key] = value;
    this.trigger(`change:${key}`);
    this.changed(key, this);
  }

  save_changes(): void {}

  on(event: string, run: Handler): void {
    if (!this.handlers.has(event)) this.handlers.set(event, new Set());
    this.handlers.get(event)!.add(run);
  }

  off(event?: string | null, run?: Handler | null): void {
    if (!event) this.handlers.clear();
    else if (run) this.handlers.get(event)?.delete(run);
    else this.handlers.delete(event);
  }

  send(content: unknown, _callbacks?: unknown, buffers: ArrayBufferView[] = []): void {
    const request = unpack(content, buffers as DataView[]) as Request;
    this.answer(request)
      .catch(
        (error: unknown): Answer => ({
          kind: "error",
          ...{ message: error instanceof Error ? error.message : String(error) },
        }),
      )
      .then((reply) => this.say({ ...reply, id: request.id } as Reply));
  }

  private say(reply: Reply): void {
    const buffers: ArrayBufferView[] = [];
    const content = pack(reply, buffers);
    const views = buffers.map((b) => new DataView(b.buffer, b.byteOffset, b.byteLength));
    this.trigger("msg:custom", content, views);
  }

  private trigger(event: string, ...args: unknown[]): void {
    for (const run of [...(this.handlers.get(event) ?? [])]) run(...(args as never[]));
  }
}
