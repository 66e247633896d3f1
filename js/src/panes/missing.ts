import { type Cell, cell_of, fill_count, fill_rows } from "../cells";
import { encode } from "../codec";
import { focused, h, on } from "../dom";
import { ADDED } from "../sample";
import type { Store } from "../store";
import { cell_words, count, whole } from "../words";
import type { Pane } from "./pane";

/** Cells named one by one; further ones are counted. */
const NAMED = 8;

/** Which cells the sample has no item of, to be filled by a click, and what was added so far. */
export const missing: Pane = (el, store, signal) => {
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", "Cells that are missing in the sample");

  const draw = (): void => {
    const cells = store.get("cells");
    const lacking = cells.filter(({ n, n_used }) => n > 0 && n_used === 0);
    const filled = cells.filter(({ n_added }) => n_added > 0);
    const known = cells.some(({ n }) => n > 0);
    el.hidden = !store.get("ranked") || (!known && store.get("extra").length === 0);
    if (el.hidden) return;
    const held = focused(el);
    const focus = el.contains(held) ? (held as HTMLElement).dataset.cell : undefined;
    el.replaceChildren(
      ...(lacking.length > 0 ? [h("span", {}, "In this sample:")] : []),
      ...lacking.slice(0, NAMED).map((cell) => fill_chip(store, cell)),
      ...(lacking.length > 1 ? [all_chip(lacking.length)] : []),
      ...(lacking.length === 0 ? [h("span", {}, COMPLETE)] : []),
      ...filled.map((cell) => added_chip(store, cell)),
      ...unsorted_chip(store, filled),
    );
    if (focus !== undefined) el.querySelector<HTMLElement>(`[data-cell="${focus}"]`)?.focus();
  };

  store.watch(["cells", "ranked", "extra", "fraction", "orders"], draw, signal);
  on(
    el,
    "click",
    ({ target }) => {
      const button = (target as Element).closest("button");
      if (button) press(store, button);
    },
    signal,
  );
};

const COMPLETE = "Every class is in this sample, right and wrong alike, as far as the data has it.";

function fill_chip(store: Store, cell: Cell): HTMLElement {
  const words = cell_words(store, cell);
  const n = fill_count(cell.n, store.get("fraction"));
  return h(
    "button",
    {
      type: "button",
      className: "ll-chip ll-lacking",
      title:
        `No ${words} in this sample (${whole(cell.n)} in the data). ` +
        `Click to add the ${n === 1 ? "most outlying one" : `${n} most outlying`}.`,
      data: { fill: key_of(cell), cell: key_of(cell) },
    },
    `no ${words} (${whole(cell.n)} in the data) `,
    h("b", {}, "+"),
  );
}

function all_chip(n: number): HTMLElement {
  const more = n > NAMED ? `and ${count(n - NAMED, "more cell")}; ` : "";
  return h(
    "button",
    {
      type: "button",
      className: "ll-chip ll-lacking",
      title: `Add the most outlying items of all ${n} cells.`,
      data: { fill: "all", cell: "all" },
    },
    `${more}add to all ${n} `,
    h("b", {}, "+"),
  );
}

function added_chip(store: Store, cell: Cell): HTMLElement {
  const words = cell_words(store, cell, cell.n_added);
  return h(
    "button",
    {
      type: "button",
      className: "ll-chip",
      title: `Added by hand: ${whole(cell.n_added)} ${words}. Click to take back.`,
      data: { back: key_of(cell), cell: key_of(cell) },
    },
    h("i", { className: "ll-role", data: { role: "added" } }),
    `${whole(cell.n_added)} ${words} added ×`,
  );
}

/** Added rows that are in no cell, or which the sampler takes by now itself. */
function unsorted_chip(store: Store, filled: Cell[]): HTMLElement[] {
  const n = store.get("extra").length - filled.reduce((total, { n_added }) => total + n_added, 0);
  if (n === 0) return [];
  return [
    h(
      "button",
      {
        type: "button",
        className: "ll-chip",
        title:
          "Added by hand, and taken by the sampler too or of unknown class. Click to take them back.",
        data: { back: "rest", cell: "rest" },
      },
      `${whole(n)} more added ×`,
    ),
  ];
}

function key_of({ label_class, right }: Cell): string {
  return String(2 * label_class + (right ? 0 : 1));
}

function press(store: Store, { dataset }: HTMLElement): void {
  if (dataset.fill === "all")
    fill(
      store,
      store.get("cells").filter(({ n, n_used }) => n > 0 && !n_used),
    );
  else if (dataset.fill) fill(store, [store.get("cells")[Number(dataset.fill)]!]);
  else if (dataset.back) take_back(store, dataset.back);
}

/** Take the most outlying items of some cells into the sample. */
function fill(store: Store, cells: Cell[]): void {
  const orders = store.get("orders");
  if (!orders) return;
  const [truth, pred, by] = [store.get("truth"), store.get("pred"), store.get("by")];
  const wanted = new Map(
    cells.map((cell) => [Number(key_of(cell)), fill_count(cell.n, store.get("fraction"))]),
  );
  const more = fill_rows(orders.outlying, (row) => cell_of(truth, pred, by, row), wanted);
  const rows = new Set([...store.get("extra"), ...more]);
  store.set({ added: encode(Uint32Array.from(rows).sort()) });
}

function take_back(store: Store, key: string): void {
  const [truth, pred, by] = [store.get("truth"), store.get("pred"), store.get("by")];
  const [roles, extra] = [store.get("roles"), store.get("extra")];
  const cell = (row: number): number => cell_of(truth, pred, by, row);
  const goes = (row: number): boolean =>
    key === "rest"
      ? roles[row] !== ADDED || cell(row) < 0
      : roles[row] === ADDED && cell(row) === Number(key);
  store.set({ added: encode(extra.filter((row) => !goes(row))) });
}
