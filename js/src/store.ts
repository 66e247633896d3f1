/** The lens's state in the browser; the only file that touches the widget's model. */

import type { AnyModel } from "@anywidget/types";
import { Cache } from "./cache";
import { encode } from "./codec";
import { type Derived, recipes } from "./derive";
import type { ContrastTold, UnitTold } from "./neurons";
import { PictureBook } from "./pictures";
import type {
  NdArray,
  Picture,
  QualityReply,
  QualityRequest,
  Question,
  State,
} from "./protocol.gen";
import type { Figures } from "./query";
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
import type { Column } from "./search";

/** How far a question to the kernel is; null when none is open. */
export interface Waiting {
  done: number;
  total: number;
}

/** A mean that the kernel worked out, and the question it answers. */
export interface Means {
  asked: Question;
  mean: Float64Array | null;
  /** Ends of the interval of each unit; null where none may be given. */
  low: Float64Array | null;
  high: Float64Array | null;
  /** As many equally weighted items tell as much. */
  effective_n: number;
  /** What the mean is worth, in one line; may be empty. */
  worth: string;
  /** What it took; empty if it is not known. */
  note: string;
  /** Why there is none, in a sentence; empty if there is one. */
  error: string;
}

/** The kernel's answer where the index stays there, and the question it answers. */
export interface Told {
  asked: Question;
  figures: Figures | null;
  error: string;
}

/** What a sample's quality was asked by. */
export type QualityQuestion = Omit<QualityRequest, "kind" | "id">;

/** How good the sample is beside others, and the question it answers. */
export interface Quality {
  asked: QualityQuestion;
  reply: QualityReply | null;
  /** Why there is none, in a sentence; empty if there is one. */
  error: string;
}

/** Against what a group is set beside it in the figures. */
export type Compare = "nothing" | "correctness" | "selection";

/** Selections one after the other. */
export interface History {
  steps: readonly NdArray[];
  at: number;
}

/** An item's nearest in the latent, the nearest first. */
export interface Near {
  row: number;
  rows: Uint32Array;
  distance: Float32Array;
  /** Why they could not be had, in a sentence; empty if they are here. */
  error: string;
}

/** State that never leaves the browser. */
export interface Local {
  /** The row under the pointer; -1 for none. */
  hover: number;
  /** Classes switched off in the legend, by number. */
  hidden: ReadonlySet<number>;
  /** A slider or a lasso is being moved. */
  dragging: boolean;
  /** The kernel was restarted or has gone: what is here still works. */
  kernel_gone: boolean;
  /** The index of `layer`, once it is here. */
  index: LayerIndex | null;
  /** The latent of every item, (n_items, latent_units), once it is here. */
  latent: Float32Array | null;
  /** Why the index or the latent could not be had, in a sentence. */
  layer_error: string;
  /** The newest mean from the kernel; it may answer an older question. */
  means: Means | null;
  /** The newest answer from the kernel; it may answer an older question. */
  told: Told | null;
  /** The newest word on the sample's quality; it may answer an older question. */
  quality: Quality | null;
  /** How many views show the quality: none, and nothing is asked. */
  quality_views: number;
  /** The newest contrast from the kernel; it may answer an older question. */
  contrast_told: ContrastTold | null;
  /** How many views show the contrast: none, and nothing is asked. */
  contrast_views: number;
  /** The newest word from the kernel on a unit; it may be about another one. */
  unit_told: UnitTold | null;
  compare: Compare;
  /** Open questions, by kind. */
  waiting: Readonly<Partial<Record<RequestKind, Waiting>>>;
  /** The kernel has been silent for a while: busy with a cell, or gone. */
  kernel_slow: boolean;
  /** Rises whenever pictures have arrived. */
  pictures: number;
  /** Columns of the metadata by name, those that are here. */
  columns: ReadonlyMap<string, Column>;
  /** Columns that something shown needs. */
  wanted: ReadonlySet<string>;
  /** Why a column could not be had, by its name. */
  column_errors: ReadonlyMap<string, string>;
  /** What was selected, oldest first, and which of these is selected now. */
  history: History;
  /** The item that was clicked; -1 for none. */
  focus: number;
  /** The clicked item's nearest in the latent; null until they are here. */
  near: Near | null;
}

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

const LOCAL: Local = {
  hover: -1,
  hidden: new Set(),
  dragging: false,
  kernel_gone: false,
  index: null,
  latent: null,
  layer_error: "",
  means: null,
  told: null,
  quality: null,
  quality_views: 0,
  contrast_told: null,
  contrast_views: 0,
  unit_told: null,
  compare: "nothing",
  waiting: {},
  kernel_slow: false,
  pictures: 0,
  columns: new Map(),
  wanted: new Set(),
  column_errors: new Map(),
  history: { steps: [], at: -1 },
  focus: -1,
  near: null,
};

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
