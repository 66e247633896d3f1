/**
 * Find items by a line of text: rows, classes, right or wrong, conditions on columns.
 *
 * The same grammar stands in `latentlens/core/search.py`; `tests/golden/search.json` holds
 * the two equal, rows and words alike.
 */

/** A column's values: numbers, NaN where missing; or positions in `levels`, -1 where missing. */
export interface Column {
  values: Float64Array | Float32Array | Int32Array;
  levels: readonly string[] | null;
}

/** What a search may speak of: columns by name, and whether each holds numbers. */
export interface Vocabulary {
  n_items: number;
  classes: readonly string[];
  columns: ReadonlyMap<string, boolean>;
}

type Ranges = (readonly [number, number])[];

/** One condition of a search. */
export type Term =
  | { kind: "rows"; rows: Ranges; positions: Ranges }
  | { kind: "true"; label_class: number }
  | { kind: "pred"; label_class: number }
  | { kind: "state"; right: boolean }
  | { kind: "column"; column: string; compare: string; value: string };

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
}

const ROW = "#?[0-9]{1,9}(?:-#?[0-9]{1,9})?";
const ROWS = new RegExp(`^(?:(?:rows?|items?)\\s+)?(${ROW}(?:[\\s,]+${ROW})*)$`, "i");
const TRUE = /^(?:class|true|label)\s+(.+)$/i;
const PRED = /^(?:pred|predicted)\s+(.+)$/i;
const BOTH = /^(.+?)\s+(?:pred|predicted)\s+(.+)$/i;
const COMPARE = /^("[^"]*"|[^"]+?)\s*(!=|<=|>=|==|=|<|>)\s*(.+)$/;
const CONTAINS = /^("[^"]*"|.+?)\s+contains\s+(.+)$/i;
const IS = /^("[^"]*"|.+?)\s+is\s+(missing|known)$/i;
const NUMBER = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?$/i;
const STATES: Record<string, boolean> = {
  wrong: false,
  incorrect: false,
  right: true,
  correct: true,
};
const CLASSES: Record<string, "true" | "pred"> = {
  class: "true",
  true: "true",
  label: "true",
  pred: "pred",
  predicted: "pred",
};

/** Read a line of text as conditions that must all hold; throws `NotUnderstood`. */
export function read_search(text: string, known: Vocabulary): Term[] {
  return parts_of(text).flatMap((part) => read_part(part, known));
}

function parts_of(text: string): string[] {
  const parts: string[] = [];
  let start = 0;
  for (const found of text.matchAll(/"[^"]*"|\s+(?:and|&)\s+/gi)) {
    if (found[0].startsWith('"')) continue;
    parts.push(text.slice(start, found.index).trim());
    start = found.index + found[0].length;
  }
  return [...parts, text.slice(start).trim()];
}

function read_part(part: string, known: Vocabulary): Term[] {
  const named = match(part, known.classes);
  if (named >= 0) return [{ kind: "true", label_class: named }];
  const right = own(STATES, part.toLowerCase());
  if (right !== undefined) return [{ kind: "state", right }];
  const rows = ROWS.exec(part);
  if (rows) return [read_rows(rows[1]!, known)];
  const condition = read_condition(part, known);
  if (condition) return [condition];
  const truth = TRUE.exec(part);
  if (truth) return read_true(truth[1]!, known);
  const pred = PRED.exec(part);
  if (pred) return [{ kind: "pred", label_class: need_class(pred[1]!, known) }];
  throw new NotUnderstood(`Not understood: "${part}". ${what_can_be_typed(known)}`);
}

function own<V>(record: Record<string, V>, key: string): V | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function read_rows(text: string, { n_items }: Vocabulary): Term {
  const rows: Ranges = [];
  const positions: Ranges = [];
  for (const word of text.split(/[\s,]+/)) {
    const ends = word.split("-").map((end) => Number(end.replace("#", "")));
    const range = [Math.min(...ends), Math.max(...ends)] as const;
    if (word.startsWith("#")) positions.push(range);
    else if (range[1] < n_items) rows.push(range);
    else {
      throw new NotUnderstood(`There is no row ${range[1]}: rows go from 0 to ${n_items - 1}.`);
    }
  }
  return { kind: "rows", rows, positions };
}

function read_true(text: string, known: Vocabulary): Term[] {
  const both = match(text, known.classes) < 0 ? BOTH.exec(text) : null;
  if (!both) return [{ kind: "true", label_class: need_class(text, known) }];
  return [
    { kind: "true", label_class: need_class(both[1]!, known) },
    { kind: "pred", label_class: need_class(both[2]!, known) },
  ];
}

function read_condition(part: string, known: Vocabulary): Term | null {
  const is = IS.exec(part);
  if (is) {
    const column = need_column(is[1]!, known);
    return { kind: "column", column, compare: is[2]!.toLowerCase(), value: "" };
  }
  const contains = CONTAINS.exec(part);
  if (contains) {
    const column = need_column(contains[1]!, known);
    if (known.columns.get(column)) {
      throw new NotUnderstood(
        `"${column}" holds numbers, which contain nothing: ask such as ${column} > 1.`,
      );
    }
    return { kind: "column", column, compare: "contains", value: unquote(contains[2]!) };
  }
  const found = COMPARE.exec(part);
  if (!found) return null;
  const compare = found[2] === "==" ? "=" : found[2]!;
  const by = own(CLASSES, found[1]!.toLowerCase());
  if (by && compare === "=") return { kind: by, label_class: need_class(found[3]!, known) };
  return comparison(need_column(found[1]!, known), compare, unquote(found[3]!), known);
}

function comparison(column: string, compare: string, value: string, known: Vocabulary): Term {
  const is_number = known.columns.get(column);
  if (!is_number && compare !== "=" && compare !== "!=") {
    throw new NotUnderstood(
      `"${column}" holds text, which has no order: ask with =, != or contains.`,
    );
  }
  if (is_number && !NUMBER.test(value)) {
    throw new NotUnderstood(
      `"${column}" holds numbers: compare it with one, such as ${column} > 1; got "${value}".`,
    );
  }
  return { kind: "column", column, compare, value };
}

function unquote(text: string): string {
  const trimmed = text.trim();
  return /^".*"$/.test(trimmed) && trimmed.length > 1 ? trimmed.slice(1, -1) : trimmed;
}

/** Find a name as it is written, or else with other capitals; -1 if there is none. */
function match(text: string, names: readonly string[]): number {
  const wanted = unquote(text);
  const exact = names.indexOf(wanted);
  const low = wanted.toLowerCase();
  return exact >= 0 ? exact : names.findIndex((name) => name.toLowerCase() === low);
}

function need_class(text: string, { classes }: Vocabulary): number {
  const at = match(text, classes);
  if (at >= 0) return at;
  throw new NotUnderstood(`There is no class "${unquote(text)}"; the classes are ${few(classes)}.`);
}

function need_column(text: string, { columns }: Vocabulary): string {
  const names = [...columns.keys()];
  const found = names[match(text, names)];
  if (found !== undefined) return found;
  throw new NotUnderstood(`There is no column "${unquote(text)}"; there is ${few(names)}.`);
}

function few(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : "";
  return names.length ? names.slice(0, 5).join(", ") + more : "none";
}

/** Say it by examples of these data. */
export function what_can_be_typed({ classes, columns }: Vocabulary): string {
  const first = (holds_numbers: boolean) =>
    [...columns].find(([, is_number]) => is_number === holds_numbers)?.[0];
  const [number, text] = [first(true), first(false)];
  const conditions = [number && `${number} > 1`, text && `${text} contains a`]
    .filter(Boolean)
    .join(", ");
  const end = conditions ? `wrong or right, or a condition (${conditions})` : "wrong, or right";
  return (
    `Type rows (3, 14, 15 or #12), a class (class ${classes[0]}, ` +
    `true ${classes[0]} pred ${classes.at(-1)}), ${end}; "and" joins them.`
  );
}

/** Say how a search was read, such as "true class 4, predicted 9". */
export function describe_search(terms: readonly Term[], { classes }: Vocabulary): string {
  const describe = (term: Term): string => {
    if (term.kind === "true" || term.kind === "pred") {
      const of = term.kind === "true" ? "true class" : "predicted";
      return `${of} ${classes[term.label_class]}`;
    }
    if (term.kind === "state") return term.right ? "right" : "wrong";
    if (term.kind === "rows") return "rows";
    const is = term.compare === "missing" || term.compare === "known";
    return `${term.column} ${is ? "is " : ""}${term.compare}${is ? "" : ` ${term.value}`}`;
  };
  return terms.map(describe).join(", ");
}

/** The rows for which all conditions hold, ascending; a missing value meets only "is missing". */
export function find_rows(terms: readonly Term[], items: Searched): Uint32Array {
  const tests = terms.map((term) => test_of(term, items));
  const found = new Uint32Array(items.label.length);
  let n = 0;
  for (let row = 0; row < found.length; row++) {
    if (tests.every((test) => test(row))) found[n++] = row;
  }
  return found.slice(0, n);
}

type Test = (row: number) => boolean;

function test_of(term: Term, { label, pred, ids, columns }: Searched): Test {
  if (term.kind === "true" || term.kind === "pred") {
    const known = term.kind === "true" ? label : pred;
    return (row) => known[row] === term.label_class;
  }
  if (term.kind === "state") {
    return (row) =>
      label[row]! >= 0 && pred[row]! >= 0 && (label[row] === pred[row]) === term.right;
  }
  if (term.kind === "column") return column_test(columns.get(term.column)!, term);
  const within = (ranges: Ranges, at: number) =>
    ranges.some(([first, last]) => at >= first && at <= last);
  return (row) => within(term.rows, row) || within(term.positions, ids?.[row] ?? row);
}

function column_test(
  { values, levels }: Column,
  { compare, value }: Extract<Term, { kind: "column" }>,
): Test {
  const missing: Test = (row) => (levels ? values[row]! < 0 : Number.isNaN(values[row]));
  if (compare === "missing") return missing;
  if (compare === "known") return (row) => !missing(row);
  if (levels) {
    const accepted = accepted_levels(levels, compare, value);
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
function accepted_levels(levels: readonly string[], compare: string, value: string): boolean[] {
  const low = value.toLowerCase();
  if (compare === "contains") return levels.map((level) => level.toLowerCase().includes(low));
  const exact = levels.includes(value);
  return levels.map(
    (level) => (exact ? level === value : level.toLowerCase() === low) === (compare === "="),
  );
}
