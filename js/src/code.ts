/**
 * The Python that reproduces what is on screen.
 *
 * `latentlens/widget/code.py` writes the same lines from the same traits;
 * `tests/golden/code.json` holds the two equal.
 */

import { decode_as, encode } from "./codec";
import type { NdArray, Slice, State } from "./protocol.gen";
import type { Store } from "./store";

/** Traits that are floats in Python also where they are whole. */
const FLOATS = new Set(["fraction", "j"]);

/** The call that made the lens, and a line for every trait that is not as the call leaves it. */
export function code(store: Store): string {
  const about = store.get("about");
  if (!about) return "";
  const lines = about.code.start.flatMap(({ name, written }) => {
    const now = literal(name, store.get(name as keyof State));
    return now === written ? [] : [`lens.${name} = ${now}`];
  });
  return [`lens = ${about.code.made}`, ...lines].join("\n");
}

/** What the call that made the lens left the traits at; what Python wrote of them is JSON too. */
export function start_of(store: Store): Partial<State> {
  const lines = store.get("about")?.code.start ?? [];
  const values = lines.map(({ name, written }) => {
    const value = JSON.parse(written);
    return [name, Array.isArray(value) ? encode(Uint32Array.from(value)) : value];
  });
  return Object.fromEntries(values);
}

/** A trait's value as Python reads it. */
function literal(name: string, value: unknown): string {
  if (typeof value === "number") return FLOATS.has(name) ? plain_float(value) : String(value);
  if (name === "slices") {
    const parts = (value as Slice[]).map((each) => `${text(each.name)}: ${list(each.rows)}`);
    return `{${parts.join(", ")}}`;
  }
  return typeof value === "string" ? text(value) : list(value as NdArray);
}

/** JSON's way of writing a text is Python's too. */
function text(value: string): string {
  return JSON.stringify(value);
}

function list(rows: NdArray): string {
  return `[${Array.from(decode_as(rows, "uint32")).join(", ")}]`;
}

/** The shortest decimal that gives the same number, without an exponent. */
function plain_float(value: number): string {
  const [digits, exponent] = String(value).split("e-") as [string, string?];
  if (exponent) return `0.${"0".repeat(Number(exponent) - 1)}${digits.replace(".", "")}`;
  return Number.isInteger(value) ? value.toFixed(1) : digits;
}

/**
 * Put a text into the clipboard; false where the page may not.
 *
 * Where the browser has no clipboard for this page, which is so without HTTPS, the text
 * is selected and copied as a person would.
 */
export async function copy(words: string, beside: HTMLElement): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(words);
    return true;
  } catch {
    return copy_by_hand(words, beside);
  }
}

function copy_by_hand(words: string, beside: HTMLElement): boolean {
  const focused = beside.ownerDocument.activeElement as HTMLElement | null;
  const field = beside.ownerDocument.createElement("textarea");
  field.className = "ll-unseen";
  field.value = words;
  beside.append(field);
  field.select();
  let copied = false;
  try {
    copied = beside.ownerDocument.execCommand("copy");
  } catch {
    // A browser that knows no such command copies nothing.
  }
  field.remove();
  focused?.focus({ preventScroll: true });
  return copied;
}
