/** The lens's state in the browser; the only file that touches the widget's model. */

import type { AnyModel } from "@anywidget/types";
import { Cache } from "./cache";
import { encode } from "./codec";
import { type Derived, recipes } from "./derive";
import { LOCAL, type Local, type Waiting } from "./local";
import { PictureBook } from "./pictures";
import type { Picture, State } from "./protocol.gen";
import { Reactive, type Schedule } from "./reactive";
import type { LayerIndex } from "./record";
import {
  type Ask,
  KernelGone,
  type Partly,
  type Progress,
  type ReplyTo,
  type RequestKind,
  Rpc,
} from "./rpc";

/** All that can be read and watched. */
export type Truth = State & Local & Derived;
export type Key = keyof Truth;
/** What can be set; the rest follows. */
export type Settable = State & Local;
export type Model = AnyModel<State>;

/** What a pane sees. */
export interface Store {
  /** The value now; a derived one is worked out if something it needs has changed. */
  get<K extends Key>(key: K): Truth[K];
  /** Change values here at once, and in the kernel on the next frame. */
  set(patch: Partial<Settable>): void;
  /** Run now, and then at most once per frame when one of the keys has changed. */
  watch(keys: readonly Key[], run: () => void, signal: AbortSignal): void;
  /** Ask the kernel; rejects with `Refused`, `Dropped` or `KernelGone`. */
  ask<K extends RequestKind>(
    request: Ask<K>,
    progress?: Progress,
    partly?: Partly<K>,
  ): Promise<ReplyTo<K>>;
  /**
   * The picture of a row; asked for if it is not here, and `pictures` rises when it is.
   *
   * Not asked for while something is dragged: at its pace questions would queue up.
   */
  picture(row: number): Picture | undefined;
}

/** Every synced trait; `satisfies` holds the list complete. */
const SYNCED = Object.keys({
  status: 0,
  progress: 0,
  doing: 0,
  error: 0,
  about: 0,
  items: 0,
  points: 0,
  ranked: 0,
  sampler: 0,
  fraction: 0,
  j: 0,
  layer: 0,
  label: 0,
  by: 0,
  correctness: 0,
  k: 0,
  measure: 0,
  projection: 0,
  color_by: 0,
  unit: 0,
  selection: 0,
  added: 0,
  slices: 0,
  map_trust: 0,
} satisfies Record<keyof State, 0>) as (keyof State)[];

/** Bytes of layers' indices kept in the browser. */
const LAYER_BUDGET = 200e6;

type Handler = (content: unknown, buffers?: DataView[]) => void;

/** A kernel that answers nothing for as long is worth a word. */
const SLOW_MS = 6000;
const GONE = "The kernel that made this has gone.";

const next_frame: Schedule = (run) => void requestAnimationFrame(run);

/** One model's state, shared by all its views. */
export class LensStore implements Store {
  readonly layers = new Cache<LayerIndex>(LAYER_BUDGET);
  private readonly values: Reactive<Truth, keyof Derived>;
  private readonly rpc: Rpc;
  private readonly book: PictureBook;
  private readonly unsent = new Set<keyof State>();

  constructor(
    private readonly model: Model,
    private readonly signal: AbortSignal,
    schedule: Schedule = next_frame,
  ) {
    const synced = Object.fromEntries(SYNCED.map((key) => [key, model.get(key)])) as unknown;
    const start = { ...(synced as State), ...LOCAL };
    start.selection ??= encode(new Uint32Array(0));
    start.added ??= encode(new Uint32Array(0));
    start.slices ??= [];
    this.values = new Reactive<Truth, keyof Derived>(start, recipes(), schedule, () =>
      this.write(),
    );
    this.rpc = new Rpc((content, buffers) =>
      model.send(content, undefined, buffers as ArrayBufferView[]),
    );
    this.book = new PictureBook(
      (rows) => this.ask({ kind: "pictures", rows }).then((reply) => reply.pictures),
      () => this.set({ pictures: this.get("pictures") + 1 }),
    );
    this.listen();
  }

  get<K extends Key>(key: K): Truth[K] {
    return this.values.get(key);
  }

  set(patch: Partial<Settable>): void {
    for (const key of this.values.set(patch)) {
      if (is_synced(key)) this.unsent.add(key);
    }
  }

  watch(keys: readonly Key[], run: () => void, signal: AbortSignal): void {
    this.values.watch(keys, run, signal);
  }

  ask<K extends RequestKind>(
    request: Ask<K>,
    progress?: Progress,
    partly?: Partly<K>,
  ): Promise<ReplyTo<K>> {
    if (this.get("kernel_gone")) return Promise.reject(new KernelGone(GONE));
    const { kind } = request;
    const mark = (waiting: Waiting | undefined) =>
      this.values.set({ waiting: without_undefined({ ...this.get("waiting"), [kind]: waiting }) });
    const heard = () => {
      clearTimeout(timer);
      this.values.set({ kernel_slow: false });
    };
    const timer = setTimeout(() => this.values.set({ kernel_slow: true }), SLOW_MS);
    mark({ done: 0, total: 0 });
    const report: Progress = (done, total) => {
      heard();
      mark({ done, total });
      progress?.(done, total);
    };
    const reply = this.rpc.ask<K>(request, report, (part) => {
      heard();
      partly?.(part);
    });
    const settled = () => {
      heard();
      if (!this.rpc.open(kind)) mark(undefined);
    };
    // A message that cannot even be sent tells at once what silence tells after a while.
    const failed = (error: unknown) => {
      settled();
      if (error instanceof KernelGone && !this.get("kernel_gone")) this.lose_kernel();
    };
    reply.then(settled, failed);
    return reply;
  }

  picture(row: number): Picture | undefined {
    return this.get("dragging") ? this.book.peek(row) : this.book.get(row);
  }

  forget_pictures(): void {
    this.book.clear();
  }

  private listen(): void {
    const heard: [string, Handler][] = [
      ...SYNCED.map((key): [string, Handler] => [`change:${key}`, () => this.read(key)]),
      ["msg:custom", (content, buffers) => this.rpc.receive(content, buffers ?? [])],
      ["comm_live_update", () => this.doubt_kernel()],
      ["comm:close", () => this.lose_kernel()],
    ];
    for (const [event, run] of heard) this.model.on(event, run);
    this.signal.addEventListener("abort", () => {
      for (const [event, run] of heard) this.model.off(event, run);
      this.rpc.abandon(new KernelGone("The lens was closed."));
    });
  }

  /** Take a trait's value from the kernel, unless a newer one waits to be sent. */
  private read(key: keyof State): void {
    if (!this.unsent.has(key)) this.values.set({ [key]: this.model.get(key) });
  }

  private write(): void {
    // What is set meanwhile is sent when the kernel is back.
    if (this.unsent.size === 0 || this.get("kernel_gone")) return;
    const keys = [...this.unsent];
    for (const key of keys) this.model.set(key, this.get(key));
    this.unsent.clear();
    this.model.save_changes();
  }

  /**
   * The widget manager says so when the kernel restarts, and likewise when a lost
   * connection is back; only an answer tells the one from the other.
   */
  private doubt_kernel(): void {
    this.lose_kernel();
    const back = (): void => void this.values.set({ kernel_gone: false });
    this.rpc.ask({ kind: "hello" }).then(back, () => {});
  }

  private lose_kernel(): void {
    this.values.set({ kernel_gone: true, waiting: {} });
    this.rpc.abandon(new KernelGone(GONE));
  }
}

function is_synced(key: Key): key is keyof State {
  return (SYNCED as Key[]).includes(key);
}

function without_undefined<T extends object>(record: T): T {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value)) as T;
}
