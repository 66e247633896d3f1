// Generated from latentlens/protocol/ by `make schema`; change it there.

export type Status = "waiting" | "running" | "ready" | "stopped" | "failed";

export type Correctness = "all" | "correct" | "incorrect";

export type By = "true" | "predicted";

export type Measure = "max" | "count" | "mean";

export type Kind = "exact" | "measured" | "estimate" | "sample";

export type SaliencyMethod = "gradient_x_input" | "integrated_gradients" | "occlusion";

export type Allocation = "proportional" | "equal" | "sqrt" | "completion" | "fixed";

/** An array as it travels: its bytes in C order, little-endian. */
export interface NdArray {
  dtype: "uint8" | "uint16" | "uint32" | "int32" | "float32" | "float64";
  shape: number[];
  data: DataView;
}

/** One watched layer, in order of execution. */
export interface LayerInfo {
  name: string;
  units: number;
  shape: number[];
  reduce: "unit" | "channel" | "token";
  /** How many units per item the index holds; `k` may not exceed it. */
  keep: number;
  /** Whether the index is small enough to be sent; if not, the kernel answers. */
  in_browser: boolean;
}

/** One entry of the sampler menu. */
export interface SamplerInfo {
  name: string;
  /** What the menu shows. */
  title: string;
  uses_j: boolean;
  uses_fraction: boolean;
  /** Why a control does not apply, in a sentence; empty where all do. */
  reason: string;
  /** Why it cannot be chosen here, in a sentence; empty where it can. */
  absent: string;
}

/** One column of the metadata; its values are asked for by name. */
export interface ColumnInfo {
  name: string;
  /** A scale, colours, or words too many to be coloured. */
  kind: "number" | "category" | "text";
  n_missing: number;
  /** How many distinct values there are; 0 for numbers. */
  n_levels: number;
}

/** What a trait is right after the lens was made. */
export interface Start {
  name: string;
  /** As Python reads it. */
  written: string;
}

/** How the lens was made, for the code that reproduces what is on screen. */
export interface Code {
  /** The call. */
  made: string;
  /** Of each trait that may get a line, in the lines' order. */
  start: Start[];
}

/** What the header and the menus say; fixed once the pass is over. */
export interface About {
  model: string;
  n_items: number;
  classes: string[];
  latent_layer: string;
  latent_units: number;
  /** Whether the latent is small enough to be sent. */
  latent_in_browser: boolean;
  /** Share of labelled items predicted correctly; None where nothing is known. */
  accuracy: number | null;
  layers: LayerInfo[];
  samplers: SamplerInfo[];
  /** What a thumbnail of an item is. */
  pictures: "image" | "text" | "series" | "none";
  /** Why there are no attributions, in a sentence; empty where they can be asked for. */
  no_saliency: string;
  /** Why no other layout can be chosen here, in a sentence; empty where one can. */
  fixed_layout: string;
  /** What the metadata have. */
  columns: ColumnInfo[];
  /** Sentences the pass has for the reader. */
  notes: string[];
  code: Code;
}

/** What is known of every item. */
export interface Items {
  /** int32, -1 unknown. */
  label: NdArray;
  /** int32, -1 unknown. */
  pred: NdArray;
  /** float32, nats, NaN unknown. */
  loss: NdArray | null;
  /** int32 positions in the dataset; None if row and position are the same. */
  ids: NdArray | null;
}

/** A layout of the items in the plane. */
export interface Points {
  projection: string;
  /** (n_items, 2) float32. */
  xy: NdArray;
  /** False while the layout is still moving. */
  done: boolean;
}

/** The order in which a sampler takes the items of each group. */
export interface Ranked {
  sampler: string;
  /** (n_items,) uint16 or uint32. */
  group: NdArray;
  /** (n_items,) uint32, most outlying first. */
  rank: NdArray;
  /** (n_groups,) uint32. */
  group_size: NdArray;
  /** (n_items,) float64: the order of the sample must come out the same on both sides. */
  log_ratio: NdArray;
  uses_j: boolean;
  probability: boolean;
  /** Whether sampled items weigh differently; their mean is then asked of the kernel. */
  weighted: boolean;
  /** How a sample is shared among the groups. */
  allocation: Allocation;
  /** What every group gets first. */
  floor: number;
  /** Sentences the sampler has for the reader. */
  notes: string[];
}

/** How far a map can be believed: neighbours in the latent that are so on the map. */
export interface Trust {
  projection: string;
  /** Neighbours per item. */
  k: number;
  /** (n_items,) uint8: how many of them the map keeps; 255 where it was not measured. */
  kept: NdArray;
  /** Share kept, over the items measured. */
  mean: number;
  /** Standard error of `mean`; 0 where every item was measured. */
  error: number;
  /** What items strewn at random would keep. */
  random: number;
  n_measured: number;
}

/** A selection under a name. */
export interface Slice {
  name: string;
  /** uint32, ascending. */
  rows: NdArray;
}

/** The synced traits; a field's name is the trait's. */
export interface State {
  status: Status;
  /** Share done of what `doing` names, in [0, 1]. */
  progress: number;
  /** What the kernel is at, in words; empty when idle. */
  doing: string;
  /** What went wrong, in a sentence; empty if nothing did. */
  error: string;
  about: About | null;
  items: Items | null;
  points: Points | null;
  ranked: Ranked | null;
  sampler: string;
  fraction: number;
  j: number;
  layer: string;
  /** A class's name; empty for all classes. */
  label: string;
  by: By;
  correctness: Correctness;
  k: number;
  /** By what the top-k units are ranked. */
  measure: Measure;
  projection: string;
  /** "label", "pred", "correct", "loss", "margin", "unit", "kept" or a column's name. */
  color_by: string;
  /** The unit of `layer` that was picked; -1 for none. */
  unit: number;
  /** uint32 rows, ascending; empty for none. */
  selection: NdArray;
  /** uint32 rows taken into the sample besides what the sampler takes; ascending. */
  added: NdArray;
  /** Selections kept under names, in the order they were made. */
  slices: Slice[];
  /** Of the layout in `points`; None until it is measured. */
  map_trust: Trust | null;
}

/** One state of the controls, complete: traits may arrive later than messages. */
export interface Question {
  layer: string;
  sampler: string;
  fraction: number;
  j: number;
  label: string;
  by: By;
  correctness: Correctness;
  k: number;
  measure: Measure;
  /** None: the selection does not narrow the group. */
  selection: NdArray | null;
  /** uint32 rows taken into the sample besides; None for none. */
  added: NdArray | null;
}

/** A view has appeared; the work may begin. */
export interface HelloRequest {
  kind: "hello";
  id: number;
}

/** The index and the sums of one layer. */
export interface LayerRequest {
  kind: "layer";
  id: number;
  layer: string;
}

/** The latent of every item. */
export interface LatentRequest {
  kind: "latent";
  id: number;
}

/** The sample's mean activation of a layer whose raw values are not in the browser. */
export interface MeansRequest {
  kind: "means";
  id: number;
  question: Question;
}

/** Everything the panes show, for a layer whose index stays in the kernel. */
export interface AnswerRequest {
  kind: "answer";
  id: number;
  question: Question;
}

/** Thumbnails of some rows, at most 200 at a time. */
export interface PicturesRequest {
  kind: "pictures";
  id: number;
  rows: number[];
}

/** How well samples of several sizes answer, beside random ones. */
export interface QualityRequest {
  kind: "quality";
  id: number;
  sampler: string;
  fraction: number;
  j: number;
  by: By;
  k: number;
  /** uint32 rows taken into the sample of this fraction besides; None for none. */
  added: NdArray | null;
}

/** Which units separate a group of items from another. */
export interface ContrastRequest {
  kind: "contrast";
  id: number;
  layer: string;
  label: string;
  by: By;
  correctness: Correctness;
  selection: NdArray | null;
  /** The rest of the group's class, or the same group with the other correctness. */
  against: "rest" | "opposite";
}

/** The values of one column of the metadata. */
export interface ColumnRequest {
  kind: "column";
  id: number;
  column: string;
}

/** The items nearest to one in the latent. */
export interface NeighborsRequest {
  kind: "neighbors";
  id: number;
  row: number;
  n: number;
}

/** One unit's activation on every item, as far as it can be known, and its means. */
export interface UnitRequest {
  kind: "unit";
  id: number;
  /** Names the layer, the sample and what is meant by class. */
  question: Question;
  unit: number;
}

/** What is known of one item. */
export interface ItemRequest {
  kind: "item";
  id: number;
  row: number;
}

/** What of an item's input speaks for a class, or excites a unit. */
export interface SaliencyRequest {
  kind: "saliency";
  id: number;
  row: number;
  method: SaliencyMethod;
  /** "pred", "label" or a class's name; of no account where a unit is given. */
  target: string;
  layer: string;
  /** -1 for none. */
  unit: number;
}

/** Stop what is running: the pass, the contrast or the layout, or what is named. */
export interface CancelRequest {
  kind: "cancel";
  id: number;
  what?: "saliency";
}

export type Request = HelloRequest | LayerRequest | LatentRequest | MeansRequest | AnswerRequest | PicturesRequest | QualityRequest | ContrastRequest | ColumnRequest | NeighborsRequest | UnitRequest | ItemRequest | SaliencyRequest | CancelRequest;

/** One item as people see it; `kind` says which field is filled. */
export interface Picture {
  row: number;
  kind: "image" | "text" | "series" | "none";
  /** (H, W) or (H, W, 3) uint8. */
  image?: NdArray;
  text?: string;
  /** (T,) or (T, channels) float32. */
  series?: NdArray;
}

/** The thumbnails asked for, in the order of the rows. */
export interface PicturesReply {
  kind: "pictures";
  id: number;
  pictures: Picture[];
}

/** What is known of one item. */
export interface ItemReply {
  kind: "item";
  id: number;
  row: number;
  /** The likeliest classes by number, the first leading; none without logits. */
  classes: number[];
  /** Of each of them, by softmax. */
  probability: number[];
  /** Larger than a thumbnail. */
  picture: Picture;
  /** [column, value] of each column. */
  metadata: string[][];
}

/** Attributions of one item, and what they should add up to. */
export interface SaliencyReply {
  kind: "saliency";
  id: number;
  row: number;
  method: SaliencyMethod;
  /** The class, or the layer and its unit. */
  of: string;
  /** float32: (H, W) of an image, else (length,). */
  map: NdArray;
  /** The target's value at the item. */
  score: number;
  /** And at the baseline, which is zeros. */
  baseline_score: number;
  /** Sum of the attributions. */
  total: number;
  /** `total` less (`score` less `baseline_score`). */
  error: number;
}

/** One column of the metadata. */
export interface ColumnReply {
  kind: "column";
  id: number;
  column: string;
  /**
   * (n_items,): numbers as float64, NaN where missing; else int32 positions in
   * `levels`, -1 where missing.
   */
  values: NdArray;
  levels: string[];
}

/** The items nearest to one, the nearest first. */
export interface NeighborsReply {
  kind: "neighbors";
  id: number;
  row: number;
  /** uint32. */
  rows: NdArray;
  /** float32, Euclidean. */
  distance: NdArray;
}

/** The mean activation over the group's items in the sample. */
export interface MeansReply {
  kind: "means";
  id: number;
  /** (units,) float64; NaN throughout for an empty group. */
  mean: NdArray;
  n_used: number;
  /** As many equally weighted items tell as much. */
  effective_n: number;
  /** (units,) float64 mean over the whole group, where it is known. */
  exact: NdArray | null;
  /** (units,) float64, the interval's lower ends; None where none may be given. */
  low: NdArray | null;
  high: NdArray | null;
  /** What the mean is worth, in one line; empty where nothing can be said. */
  worth: string;
  /** What it took, such as "ran the model on 212 items; 3.1 of 256 MB held". */
  note: string;
}

/** The k most activated units of a group. */
export interface TopUnits {
  unit: number[];
  /** By `measure`: the maximum, the count, or the mean. */
  value: number[];
  /** Whether the unit is among the group's exact top k, ties included. */
  hit: boolean[];
  /** The same unit's exact value, where it is known. */
  exact_value: (number | null)[];
}

/** What the panes show for one question. */
export interface Answer {
  n_group: number;
  /** Items of the group that are in the sample. */
  n_used: number;
  /** k after the layer's width is taken into account. */
  k: number;
  /** None where the measure is the mean and the sample's mean is not known here. */
  top: TopUnits | null;
  /** The exact top k; None where only a sample can tell. */
  exact_top: TopUnits | null;
  /** precision@k; None where there is nothing to compare or k covers the layer. */
  precision: number | null;
  /** precision@k of k units picked blindly. */
  chance: number;
  /** (units,) uint32: of how many sampled items the unit is the maximum. */
  counts: NdArray;
  /** (units,) uint32: the same over the whole group. */
  exact_counts: NdArray;
  /** Sampled items with no maximal unit, every unit being zero. */
  none: number;
  exact_none: number;
  /** Jensen-Shannon distance of the two histograms, base 2; 1 for an empty sample. */
  js_distance: number | null;
  /** (units,) float64 over the sampled items, where their raw values are here. */
  mean: NdArray | null;
  /** (units,) float64 over the group, where it is known. */
  exact_mean: NdArray | null;
  /** Between the two means; 1 for an empty sample. */
  cosine_distance: number | null;
}

/** What the panes show for one question. */
export interface AnswerReply {
  kind: "answer";
  id: number;
  answer: Answer;
}

/** One sampler's scores by fraction, each a mean over all cells that have items. */
export interface QualityCurve {
  sampler: string;
  title: string;
  /** How many samples each score is the mean of. */
  draws: number;
  /** precision@k of the top units by maximum. */
  s1: (number | null)[];
  /** Cosine distance of the means; None until the model has run for it. */
  s2: (number | null)[];
  /** Jensen-Shannon distance of the maximally activated units. */
  s3: (number | null)[];
  /** Standard deviation over the draws; None for a single one. */
  s1_spread: (number | null)[];
  s2_spread: (number | null)[];
  s3_spread: (number | null)[];
}

/** Curves of the sample asked about, which comes first, of random and of coreset samples. */
export interface QualityReply {
  kind: "quality";
  id: number;
  /** Ascending; the fraction asked about is among them. */
  fractions: number[];
  curves: QualityCurve[];
  /** Cells (layer x class x correctness) averaged over. */
  n_cells: number;
  /** Layers left out because k covers all their units. */
  skipped: string[];
  /** Which draws are averaged, in words. */
  seeds: string;
  /** False for a first reply whose s2 are still to come. */
  done: boolean;
}

/** Which units separate two groups, the largest effect first; arrays of shape (n_units,). */
export interface ContrastReply {
  kind: "contrast";
  id: number;
  /** uint32; of a very wide layer those of largest effect alone. */
  unit: NdArray;
  /** float64: Hedges' g, positive where the first group's mean is larger; NaN where undefined. */
  effect: NdArray;
  /** float64: its interval for all units at once; NaN where none may be given. */
  low: NdArray;
  high: NdArray;
  /** float64: of equal means, corrected for the number of units. */
  p: NdArray;
  mean: NdArray;
  other_mean: NdArray;
  /** Items of the two groups that were read. */
  n: number[];
  n_group: number[];
  /** Units whose difference stands after the correction. */
  n_stand: number;
  known: Kind;
  /** What all of it is worth, in one line. */
  read_out: string;
  note: string;
}

/** What one unit does. */
export interface UnitReply {
  kind: "unit";
  id: number;
  /** (n_items,) float32, exact where it is known and NaN elsewhere. */
  value: NdArray;
  /** Items whose value the index has. */
  n_listed: number;
  /** Further items of the sample, on which the model was run. */
  n_run: number;
  /** What the values of the others are at most; None where all are known. */
  limit: number | null;
  /** (3, n_classes) float64: over the correct, incorrect and undecided items of each class. */
  mean: NdArray;
  /** (3, n_classes) float64: how many those are. */
  n: NdArray;
}

/** Heard. */
export interface OkReply {
  kind: "ok";
  id: number;
}

/** One layer's index and sums. */
export interface LayerReply {
  kind: "layer";
  id: number;
  layer: string;
  /** (n_items, K) uint16 or uint32. */
  top_unit: NdArray;
  /** (n_items, K) float32, descending. */
  top_value: NdArray;
  /** (n_items,) uint8. */
  silent: NdArray;
  /**
   * (4, n_classes, units) float64: correct, wrong by true class, wrong by
   * predicted class, undecided.
   */
  cell_sum: NdArray;
  /** (4, n_classes) float64. */
  cell_count: NdArray;
}

/** The latent of every item. */
export interface LatentReply {
  kind: "latent";
  id: number;
  /** (n_items, d) float32. */
  latent: NdArray;
}

/** How far an answer is; the answer itself follows. */
export interface ProgressReply {
  kind: "progress";
  id: number;
  done: number;
  total: number;
}

/** Why there is no answer, in a sentence. */
export interface ErrorReply {
  kind: "error";
  id: number;
  message: string;
}

/** A newer question of the same kind took this one's place. */
export interface DroppedReply {
  kind: "dropped";
  id: number;
}

export type Reply = OkReply | LayerReply | LatentReply | MeansReply | AnswerReply | PicturesReply | QualityReply | ItemReply | SaliencyReply | ContrastReply | ColumnReply | NeighborsReply | UnitReply | ProgressReply | ErrorReply | DroppedReply;

/** One array of an exported page, whose text stands in an element of its own. */
export interface Block {
  /** What its numbers are read as. */
  dtype: "uint8" | "uint16" | "uint32" | "int32" | "float32" | "float64";
  /** What they are written as. */
  stored: "uint8" | "uint16" | "uint32" | "int32" | "float32" | "float64";
  coding: "plain" | "descending" | "sparse";
  /** The length of the last axis, or 1 where there is one axis only. */
  columns: number;
  count: number;
  /** Length of what was deflated. */
  bytes: number;
}

/** One layer of an exported page; arrays as in `LayerReply`. */
export interface PageLayer {
  layer: string;
  keep: number;
  /** None: the index follows from the latent. */
  top_unit: NdArray | null;
  top_value: NdArray | null;
  silent: NdArray | null;
  cell_sum: NdArray;
  cell_count: NdArray;
}

/** The pictures of some rows, one after the other. */
export interface PagePictures {
  kind: "image" | "text" | "series" | "none";
  rows: number[];
  /** Of images or series; one entry where all are alike. */
  shapes: number[][];
  values: NdArray | null;
  texts: string[];
}

/** What was known of samples' quality, and by what it was asked. */
export interface PageQuality {
  sampler: string;
  j: number;
  by: By;
  k: number;
  /** Rows that were taken into the sample besides. */
  added: number[];
  reply: QualityReply;
}

/** One column of the metadata; arrays as in `ColumnReply`. */
export interface PageColumn {
  column: string;
  values: NdArray;
  levels: string[];
}

/** All that an exported page holds. */
export interface PageContents {
  state: State;
  layers: PageLayer[];
  latent: NdArray | null;
  rankings: Ranked[];
  pictures: PagePictures;
  quality: PageQuality[];
  columns: PageColumn[];
  blocks: Block[];
}
