/** Questions to the kernel and their answers, matched by id. */

import { pack, unpack } from "./codec";
import type { Reply, Request } from "./protocol.gen";

export type RequestKind = Request["kind"];
/** A request without its id, which is given when it is sent. */
export type Ask<K extends RequestKind> = { kind: K } & Omit<
  Extract<Request, { kind: K }>,
  "id" | "kind"
>;
/** What answers a request of this kind. */
export type ReplyTo<K extends RequestKind> = K extends "hello" | "cancel"
  ? Extract<Reply, { kind: "ok" }>
  : Extract<Reply, { kind: K }>;

export type Progress = (done: number, total: number) => void;
/** Told of a reply that a more complete one follows. */
export type Partly<K extends RequestKind> = (reply: ReplyTo<K>) => void;

/** The kernel answered that it cannot; its sentence is the message. */
export class Refused extends Error {
  override name = "Refused";
}

/** A newer question of the same kind took this one's place. */
export class Dropped extends Error {
  override name = "Dropped";
}

/** There is no kernel to answer. */
export class KernelGone extends Error {
  override name = "KernelGone";
}

/** Of these only the newest question is worth an answer. */
const NEWEST_WINS: ReadonlySet<RequestKind> = new Set<RequestKind>([
  "means",
  "answer",
  "quality",
  "saliency",
  "neighbors",
  "contrast",
  "unit",
]);

interface Pending {
  kind: RequestKind;
  resolve: (reply: never) => void;
  reject: (error: Error) => void;
  progress: Progress;
  partly: (reply: never) => void;
}

export type Send = (content: unknown, buffers: ArrayBufferView[]) => void;

export class Rpc {
  private readonly pending = new Map<number, Pending>();
  private next = first_id();

  constructor(private readonly send: Send) {}

  /** Send a request; rejects with `Refused`, `Dropped` or `KernelGone`. */
  ask<K extends RequestKind>(
    request: Ask<K>,
    progress: Progress = () => {},
    partly: Partly<K> = () => {},
  ): Promise<ReplyTo<K>> {
    const id = this.next++;
    const { kind } = request;
    if (NEWEST_WINS.has(kind)) this.drop(kind);
    return new Promise<ReplyTo<K>>((resolve, reject) => {
      this.pending.set(id, { kind, resolve, reject, progress, partly });
      const buffers: ArrayBufferView[] = [];
      try {
        this.send(pack({ ...request, id }, buffers), buffers);
      } catch (error) {
        this.pending.delete(id);
        reject(new KernelGone(`The kernel cannot be reached (${words(error)}).`));
      }
    });
  }

  /** Take a message from the kernel; those that answer nobody here are left alone. */
  receive(content: unknown, buffers: readonly DataView[]): void {
    const reply = unpack(content, buffers) as Reply;
    const asked = this.pending.get(reply?.id);
    if (!asked) return;
    if (reply.kind === "progress") {
      asked.progress(reply.done, reply.total);
      return;
    }
    if (reply.kind === "quality" && !reply.done) {
      asked.partly(reply as never);
      return;
    }
    this.pending.delete(reply.id);
    if (reply.kind === "error") asked.reject(new Refused(reply.message));
    else if (reply.kind === "dropped") asked.reject(new Dropped("A newer question came."));
    else asked.resolve(reply as never);
  }

  /** Whether a question of this kind is still open. */
  open(kind: RequestKind): boolean {
    return [...this.pending.values()].some((asked) => asked.kind === kind);
  }

  /** Give up all that is not answered yet. */
  abandon(reason: Error): void {
    for (const { reject } of this.pending.values()) reject(reason);
    this.pending.clear();
  }

  private drop(kind: RequestKind): void {
    for (const [id, asked] of this.pending) {
      if (asked.kind !== kind) continue;
      this.pending.delete(id);
      asked.reject(new Dropped("A newer question came."));
    }
  }
}

/** Every browser hears every reply, so two of them must not count alike. */
function first_id(): number {
  return (crypto.getRandomValues(new Uint32Array(1))[0] ?? 0) * 2 ** 16;
}

/** An error's sentence. */
export function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
