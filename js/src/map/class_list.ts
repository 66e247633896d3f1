/** The legend's classes: each with its counts, switched on and off; many are found by name. */

import { h, set_aria, set_text } from "../dom";
import { css } from "../palette";
import type { Store } from "../store";
import { whole } from "../words";
import type { Colouring } from "./colouring";
import { swatch, unknown_line } from "./swatch";

/** More classes than this are shown in part: the largest, and those one looks for. */
export const MANY = 24;
/** Of many classes, how many are shown at once. */
export const SHOWN = 40;

export interface ClassList {
  /** Write the counts anew. */
  count(): void;
  /** Show which classes are switched off. */
  dim(): void;
}

interface Row {
  c: number;
  line: HTMLElement;
  toggle: HTMLButtonElement;
  count: HTMLElement;
}

/** Fills `body` with the classes of a colouring; `sought` outlives it. */
export function make_class_list(
  body: HTMLElement,
  store: Store,
  colouring: Colouring,
  { names, by }: { names: string[]; by: "true" | "predicted" },
  sought: { text: string },
): ClassList {
  const list = h("ul", {});
  const note = h("div", { className: "ll-legend-many", role: "status" });
  const many = names.length > MANY;
  let rows: Row[] = [];

  const counts = () => store.get("class_counts")[by];
  const count = (): void => {
    const { items, sample } = counts();
    for (const { c, count: el } of rows) {
      set_text(el, `${whole(sample[c] ?? 0)} / ${whole(items[c] ?? 0)}`);
    }
  };
  const dim = (): void => {
    const hidden = store.get("hidden");
    for (const { c, toggle } of rows) set_aria(toggle, "pressed", !hidden.has(c));
  };
  const fill = (): void => {
    const found = many ? find(names, counts().items, sought.text) : [...names.keys()];
    const shown = many ? found.slice(0, SHOWN) : found;
    rows = shown.map((c) => make_row(c, names[c]!, css(colouring.palette[c + 1]!)));
    list.replaceChildren(...rows.map(({ line }) => line));
    set_text(note, many ? note_words(shown.length, found.length, names.length) : "");
    count();
    dim();
  };
  const search = many && make_search(sought, fill);
  const unknown = unknown_line(colouring.palette[0]!, colouring.unknown);
  body.replaceChildren(
    ...[search, many && note, list, unknown, all_button()].filter((el) => el instanceof Node),
  );
  fill();
  return { count, dim };
}

/** The classes whose names have all the words, the largest first. */
export function find(names: string[], items: ArrayLike<number>, text: string): number[] {
  const words = text.toLowerCase().split(/\s+/);
  const has_all = (name: string): boolean => {
    const lower = name.toLowerCase();
    return words.every((word) => lower.includes(word));
  };
  const found = [...names.keys()].filter((c) => has_all(names[c]!));
  return found.sort((a, b) => (items[b] ?? 0) - (items[a] ?? 0) || a - b);
}

function note_words(shown: number, found: number, all: number): string {
  if (found === 0) return `none of ${whole(all)} classes`;
  if (shown < found) return `the ${shown} largest of ${whole(found)}`;
  return `${whole(found)} of ${whole(all)} classes`;
}

function make_search(sought: { text: string }, fill: () => void): HTMLElement {
  const search = h("input", {
    type: "search",
    className: "ll-legend-search",
    placeholder: "find a class",
    value: sought.text,
    aria: { label: "Find a class by its name" },
  });
  search.addEventListener("input", () => {
    sought.text = search.value;
    fill();
  });
  return search;
}

function make_row(c: number, name: string, colour: string): Row {
  const count = h("span", { className: "ll-legend-count", title: "in the sample / in the data" });
  const toggle = h(
    "button",
    {
      type: "button",
      className: "ll-legend-class",
      title: `Show or dim ${name}`,
      data: { class: String(c) },
    },
    swatch(colour),
    h("span", { className: "ll-legend-name" }, name),
    count,
  );
  const only = h(
    "button",
    {
      type: "button",
      className: "ll-legend-only",
      title: `Show ${name} only`,
      data: { only: String(c) },
      aria: { label: `Show ${name} only` },
    },
    "only",
  );
  return { c, toggle, count, line: h("li", {}, toggle, only) };
}

function all_button(): HTMLElement {
  return h("button", { type: "button", className: "ll-legend-all", data: { all: "" } }, "show all");
}
