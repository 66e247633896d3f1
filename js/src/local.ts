/** State that is the browser's own: what is pointed at, what is open, what the kernel last said. */

import type { ContrastTold, UnitTold } from "./neurons";
import type { NdArray, QualityReply, QualityRequest, Question } from "./protocol.gen";
import type { Figures } from "./query";
import type { LayerIndex } from "./record";
import type { RequestKind } from "./rpc";
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

/** What it is at first. */
export const LOCAL: Local = {
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
