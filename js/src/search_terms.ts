/**
 * What a search is once it is read: conditions joined by "and", "or" and "not".
 *
 * The same stands in `latentlens/core/search_terms.py`.
 */

/** A column's values: numbers, NaN where missing; or positions in `levels`, -1 where missing. */
export interface Column {
  values: Float64Array | Float32Array | Int32Array | Uint32Array | Uint16Array | Uint8Array;
  levels: readonly string[] | null;
}

/** What a search may speak of: columns by name, and whether each holds numbers. */
export interface Vocabulary {
  n_items: number;
  classes: readonly string[];
  columns: ReadonlyMap<string, boolean>;
}

export type Ranges = (readonly [number, number])[];

/** One condition of a search. */
export type Term =
  | { kind: "rows"; rows: Ranges; positions: Ranges }
  | { kind: "true"; label_class: number }
  | { kind: "pred"; label_class: number }
  | { kind: "state"; right: boolean }
  | {
      kind: "column";
      column: string;
      compare: string;
      value: string;
      /** The value with the quotes it was written in, which may be the level's own. */
      written?: string;
    };

/** Searches joined: all must hold, or one, or the only one must not. */
export interface Joined {
  kind: "joined";
  join: "and" | "or" | "not";
  parts: Query[];
}

export type Query = Term | Joined;

/** What is searched. */
export interface Searched {
  label: Int32Array;
  pred: Int32Array;
  /** Positions in the dataset; null where they are the rows. */
  ids: Int32Array | null;
  columns: ReadonlyMap<string, Column>;
}

/** A search that means nothing here; its message says what can be typed. */
export class NotUnderstood extends Error {
  override name = "NotUnderstood";
  constructor(
    message: string,
    /** The words that it is about, as they were typed. */
    readonly got = "",
  ) {
    super(message);
  }
}

/** Columns that every lens has, and whether each holds numbers: those of its frame, and `kept`. */
export const FIELDS: ReadonlyMap<string, boolean> = new Map([
  ["margin", true],
  ["rank", true],
  ["group", true],
  ["role", false],
  ["in_sample", false],
  ["true", false],
  ["pred", false],
  ["correct", false],
  ["row", true],
  ["position", true],
  ["x", true],
  ["y", true],
  ["kept", true],
]);
const TRUTH = ["False", "True"];
/** All that those without numbers can say; classes apart. */
export const LEVELS: ReadonlyMap<string, readonly string[]> = new Map([
  ["role", ["", "outlier", "exemplar", "drawn", "added"]],
  ["in_sample", TRUTH],
  ["correct", TRUTH],
]);

/** The columns that a search names, each once, in the order they are named. */
export function named_columns(query: Query): string[] {
  if (query.kind === "joined") return [...new Set(query.parts.flatMap(named_columns))];
  return query.kind === "column" ? [query.column] : [];
}

/** Say how a search was read, such as "true class 4 and predicted 9". */
export function describe_search(query: Query, known: Vocabulary): string {
  if (query.kind !== "joined") return describe(query, known);
  const { join } = query;
  const parts = query.parts.map((part) => inside(join, part, known));
  return join === "not" ? `not ${parts[0]}` : parts.join(` ${join} `);
}

/** Describe a part, in parentheses where it would be read otherwise without them. */
function inside(join: string, part: Query, known: Vocabulary): string {
  const words = describe_search(part, known);
  const looser =
    part.kind === "joined" && (part.join === "or" || (join === "not" && part.join === "and"));
  return looser && join !== "or" ? `(${words})` : words;
}

function describe(term: Term, { classes }: Vocabulary): string {
  if (term.kind === "true" || term.kind === "pred") {
    const of = term.kind === "true" ? "true class" : "predicted";
    return `${of} ${classes[term.label_class]}`;
  }
  if (term.kind === "state") return term.right ? "right" : "wrong";
  if (term.kind === "rows") return "rows";
  const is = term.compare === "missing" || term.compare === "known";
  return `${term.column} ${is ? "is " : ""}${term.compare}${is ? "" : ` ${term.value || '""'}`}`;
}

/**
 * The rows for which a search holds, ascending.
 *
 * A missing value meets only "is missing"; "not" gives all items that what follows it does
 * not find.
 */
export function find_rows(query: Query, items: Searched): Uint32Array {
  const test = test_of(query, items);
  const found = new Uint32Array(items.label.length);
  let n = 0;
  for (let row = 0; row < found.length; row++) {
    if (test(row)) found[n++] = row;
  }
  return found.slice(0, n);
}

type Test = (row: number) => boolean;

function test_of(query: Query, items: Searched): Test {
  const { label, pred, ids, columns } = items;
  if (query.kind === "joined") return joined_test(query, items);
  if (query.kind === "true" || query.kind === "pred") {
    const known = query.kind === "true" ? label : pred;
    return (row) => known[row] === query.label_class;
  }
  if (query.kind === "state") {
    return (row) =>
      label[row]! >= 0 && pred[row]! >= 0 && (label[row] === pred[row]) === query.right;
  }
  if (query.kind === "column") return column_test(columns.get(query.column)!, query);
  const within = (ranges: Ranges, at: number) =>
    ranges.some(([first, last]) => at >= first && at <= last);
  return (row) => within(query.rows, row) || within(query.positions, ids?.[row] ?? row);
}

function joined_test({ join, parts }: Joined, items: Searched): Test {
  const tests = parts.map((part) => test_of(part, items));
  if (join === "not") return (row) => !tests[0]!(row);
  if (join === "or") return (row) => tests.some((test) => test(row));
  return (row) => tests.every((test) => test(row));
}

function column_test(
  { values, levels }: Column,
  { compare, value, written }: Extract<Term, { kind: "column" }>,
): Test {
  const missing: Test = (row) => (levels ? values[row]! < 0 : Number.isNaN(values[row]));
  if (compare === "missing") return missing;
  if (compare === "known") return (row) => !missing(row);
  if (levels) {
    const exact = [written, value].find((each) => each !== undefined && levels.includes(each));
    const accepted = accepted_levels(levels, compare, value, exact);
    return (row) => accepted[values[row]!] === true;
  }
  const meets = COMPARISONS[compare]!;
  const number = Number(value);
  return (row) => !missing(row) && meets(values[row]!, number);
}

const COMPARISONS: Record<string, (a: number, b: number) => boolean> = {
  "=": (a, b) => a === b,
  "!=": (a, b) => a !== b,
  "<": (a, b) => a < b,
  "<=": (a, b) => a <= b,
  ">": (a, b) => a > b,
  ">=": (a, b) => a >= b,
};

/** Say which of a column's distinct values a condition accepts. */
function accepted_levels(
  levels: readonly string[],
  compare: string,
  value: string,
  exact: string | undefined,
): boolean[] {
  const low = value.toLowerCase();
  if (compare === "contains") return levels.map((level) => level.toLowerCase().includes(low));
  const same = (level: string) =>
    exact === undefined ? level.toLowerCase() === low : level === exact;
  return levels.map((level) => same(level) === (compare === "="));
}
