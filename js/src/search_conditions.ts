/**
 * One condition of a search, such as "age > 30", "class 7" or "wrong", read as a term.
 *
 * The same stands in `latentlens/core/search_conditions.py`.
 */

import {
  FIELDS,
  LEVELS,
  NotUnderstood,
  type Query,
  type Ranges,
  type Term,
  type Vocabulary,
} from "./search_terms";

const QUOTES: ReadonlyMap<string, string> = new Map([
  ['"', '"'],
  ["'", "'"],
  ["‘", "’"],
  ["“", "”"],
]);
const QUOTED = Array.from(QUOTES, ([open, close]) => `${open}[^${close}]*${close}`).join("|");
const ROW = "#?[0-9]{1,9}(?:-#?[0-9]{1,9})?";
const ROWS = new RegExp(`^(?:(?:rows?|items?)\\s+)?(${ROW}(?:[\\s,]+${ROW})*)$`, "i");
const TRUE = /^(?:class|true|label)\s+(.+)$/i;
const PRED = /^(?:pred|predicted)\s+(.+)$/i;
const BOTH = /^(.+?)\s+(?:pred|predicted)\s+(.+)$/i;
const COMPARE = new RegExp(`^(${QUOTED}|[^"]+?)\\s*(!=|<=|>=|==|=|<|>)\\s*(.+)$`);
const CONTAINS = new RegExp(`^(${QUOTED}|.+?)\\s+contains\\s+(.+)$`, "i");
const IS = new RegExp(`^(${QUOTED}|.+?)\\s+is\\s+(not\\s+)?(missing|known)$`, "i");
const NUMBER = /^[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[+-]?[0-9]+)?$/i;
const UNFINISHED = /\s*(?:[!<>=]+|\sis|\scontains)$/i;
/** Of a condition; a list of rows may be longer. What is much longer was pasted by mistake. */
const MOST_CHARACTERS = 1000;
const STATES: ReadonlyMap<string, boolean> = new Map([
  ["wrong", false],
  ["incorrect", false],
  ["right", true],
  ["correct", true],
]);
const CLASSES: ReadonlyMap<string, "true" | "pred"> = new Map([
  ["class", "true"],
  ["true", "true"],
  ["label", "true"],
  ["pred", "pred"],
  ["predicted", "pred"],
]);

/** Read what stands between "and", "or" and parentheses; throws `NotUnderstood`. */
export function read_condition(part: string, known: Vocabulary): Query {
  const named = match(part, known.classes);
  if (named >= 0) return { kind: "true", label_class: named };
  const right = STATES.get(part.toLowerCase());
  if (right !== undefined) return { kind: "state", right };
  if (part.toLowerCase() === "in_sample" && known.columns.has("in_sample")) {
    return { kind: "column", column: "in_sample", compare: "=", value: "True" };
  }
  const rows = ROWS.exec(part);
  if (rows) return read_rows(rows[1]!, known);
  const { length } = [...part];
  if (length > MOST_CHARACTERS) {
    const got = `a condition has at most ${MOST_CHARACTERS} characters, this one has ${length}`;
    throw new NotUnderstood(`Not understood: ${got}. ${what_can_be_typed(known)}`, part);
  }
  const condition = read_column(part, known);
  if (condition) return condition;
  const truth = TRUE.exec(part);
  if (truth) return read_true(truth[1]!, known);
  const pred = PRED.exec(part);
  if (pred) return { kind: "pred", label_class: need_class(pred[1]!, known) };
  check_whole(part, known);
  const near = nearest(part, [...known.classes, ...STATES.keys(), ...known.columns.keys()]);
  throw new NotUnderstood(`Not understood: "${part}"${near}. ${what_can_be_typed(known)}`, part);
}

/** Say of a column's name alone what is lacking. */
function check_whole(part: string, { classes, columns }: Vocabulary): void {
  const named = part.replace(UNFINISHED, "");
  const of_classes = CLASSES.get(named.toLowerCase());
  const at = match(of_classes ?? named, [...columns.keys()]);
  if (at < 0 && !of_classes) return;
  const name = of_classes ? named : [...columns.keys()][at]!;
  const example = columns.get(name) ? "> 1" : "contains a";
  const such = of_classes ? `${name} = ${classes[0]}` : `${name} ${example}`;
  const message = `Expected a condition on "${name}", such as ${such}; got "${part}".`;
  throw new NotUnderstood(message, part);
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
      const message = `There is no row ${range[1]}: rows go from 0 to ${n_items - 1}.`;
      throw new NotUnderstood(message, word);
    }
  }
  return { kind: "rows", rows, positions };
}

function read_true(text: string, known: Vocabulary): Query {
  const both = match(text, known.classes) < 0 ? BOTH.exec(text) : null;
  if (!both) return { kind: "true", label_class: need_class(text, known) };
  const parts: Query[] = [
    { kind: "true", label_class: need_class(both[1]!, known) },
    { kind: "pred", label_class: need_class(both[2]!, known) },
  ];
  return { kind: "joined", join: "and", parts };
}

function read_column(part: string, known: Vocabulary): Term | null {
  const is = IS.exec(part);
  if (is) {
    const column = need_column(is[1]!, known);
    const is_missing = (is[3]!.toLowerCase() === "missing") !== Boolean(is[2]);
    return { kind: "column", column, compare: is_missing ? "missing" : "known", value: "" };
  }
  const contains = CONTAINS.exec(part);
  if (contains) {
    const column = need_column(contains[1]!, known);
    if (known.columns.get(column)) {
      const message = `"${column}" holds numbers, which contain nothing: ask such as ${column} > 1.`;
      throw new NotUnderstood(message, contains[1]);
    }
    return { kind: "column", column, compare: "contains", value: unquote(contains[2]!) };
  }
  const found = COMPARE.exec(part);
  if (!found) return null;
  const compare = found[2] === "==" ? "=" : found[2]!;
  const by = CLASSES.get(found[1]!.toLowerCase());
  if (by && /^!?=$/.test(compare)) return read_class(by, compare, found[3]!, known);
  return comparison(need_column(found[1]!, known), compare, found[3]!, known);
}

/** Read "pred != 4", or "pred != true", which is wrong. */
function read_class(by: "true" | "pred", compare: string, text: string, known: Vocabulary): Term {
  const other = CLASSES.get(text.toLowerCase()) ?? by;
  if (other !== by && match(text, known.classes) < 0) {
    return { kind: "state", right: compare === "=" };
  }
  const label_class = need_class(text, known);
  if (compare === "=") return { kind: by, label_class };
  return { kind: "column", column: by, compare, value: known.classes[label_class]! };
}

function comparison(column: string, compare: string, written: string, known: Vocabulary): Term {
  const value = unquote(written);
  const is_number = known.columns.get(column);
  if (!is_number && !/^!?=$/.test(compare)) {
    const message = `"${column}" holds text, which has no order: ask with =, != or contains.`;
    throw new NotUnderstood(message, compare);
  }
  if (!is_number) check_level(column, value);
  if (is_number && !NUMBER.test(value)) {
    const message = `"${column}" holds numbers: compare it with one, such as ${column} > 1; got "${value}".`;
    throw new NotUnderstood(message, value);
  }
  return { kind: "column", column, compare, value, written };
}

function check_level(column: string, value: string): void {
  const levels = LEVELS.get(column);
  if (!levels || match(value, levels) >= 0) return;
  const said = levels.map((level) => level || '""').join(", ");
  const near = nearest(value, levels);
  throw new NotUnderstood(`"${column}" is one of ${said}; got "${value}"${near}.`, value);
}

function unquote(text: string): string {
  const trimmed = text.trim();
  const quoted = trimmed.length > 1 && QUOTES.get(trimmed[0]!) === trimmed.at(-1);
  return quoted ? trimmed.slice(1, -1) : trimmed;
}

/** Find a name as it is written, or with other capitals, or in quotes; -1 if there is none. */
function match(text: string, names: readonly string[]): number {
  for (const wanted of [text.trim(), unquote(text)]) {
    const exact = names.indexOf(wanted);
    if (exact >= 0) return exact;
    const low = wanted.toLowerCase();
    const other = names.findIndex((name) => name.toLowerCase() === low);
    if (other >= 0) return other;
  }
  return -1;
}

function need_class(text: string, { classes }: Vocabulary): number {
  const at = match(text, classes);
  if (at >= 0) return at;
  const near = nearest(text, classes);
  const message = `There is no class "${unquote(text)}"${near}; the classes are ${few(classes)}.`;
  throw new NotUnderstood(message, text);
}

function need_column(text: string, { columns }: Vocabulary): string {
  const names = [...columns.keys()];
  const found = names[match(CLASSES.get(text.toLowerCase()) ?? text, names)];
  if (found !== undefined) return found;
  const near = nearest(text, names);
  const message = `There is no column "${unquote(text)}"${near}; there is ${few(names)}.`;
  throw new NotUnderstood(message, text);
}

function few(names: readonly string[]): string {
  const more = names.length > 5 ? ` and ${names.length - 5} more` : "";
  return names.length ? names.slice(0, 5).join(", ") + more : "none";
}

/** Say which name may have been meant; nothing where all are far. */
function nearest(text: string, names: readonly string[]): string {
  const word = [...unquote(text).toLowerCase()];
  let [best, least] = ["", Math.floor((word.length + 1) / 3) + 1];
  for (const name of names) {
    const other = [...name.toLowerCase()];
    // As many letters at least are to be put in or taken out.
    if (Math.abs(other.length - word.length) >= least) continue;
    const steps = distance(word, other);
    if (steps < least) [best, least] = [name, steps];
  }
  return best && `, the nearest is ${best}`;
}

/** Count the letters to put in, take out, change or swap with the next (Damerau 1964). */
function distance(one: readonly string[], other: readonly string[]): number {
  let before: number[] = [];
  let last = [0, ...other.map((_, j) => j + 1)];
  one.forEach((letter, i) => {
    const row = [i + 1];
    other.forEach((wanted, j) => {
      const changed = last[j]! + Number(letter !== wanted);
      let steps = Math.min(last[j + 1]! + 1, row[j]! + 1, changed);
      if (i && j && letter === other[j - 1] && one[i - 1] === wanted) {
        steps = Math.min(steps, before[j - 1]! + 1);
      }
      row.push(steps);
    });
    [before, last] = [last, row];
  });
  return last.at(-1)!;
}

/** Say it by examples of these data. */
export function what_can_be_typed({ classes, columns }: Vocabulary): string {
  const first = (wanted: (name: string, is_number: boolean) => boolean) =>
    [...columns].find(([name, is_number]) => wanted(name, is_number))?.[0];
  const number = first((_, is_number) => is_number);
  const text = first((name, is_number) => !is_number && !FIELDS.has(name));
  const role = columns.has("role") && "role = outlier";
  const conditions = [number && `${number} > 1`, text && `${text} contains a`, role]
    .filter(Boolean)
    .join(", ");
  const end = conditions ? `wrong or right, or a condition (${conditions})` : "wrong, or right";
  return (
    `Type rows (3, 14, 15 or #12), a class (class ${classes[0]}, true ${classes[0]} ` +
    `pred ${classes.at(-1)}), ${end}; "and", "or", "not" and parentheses join them.`
  );
}
