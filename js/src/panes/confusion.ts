import { encode } from "../codec";
import {
  count_sampled,
  list_pairs,
  type Pairs,
  rows_of_pair,
  selected_pair,
  worst,
} from "../confusion";
import { h, on, set_aria, set_text } from "../dom";
import { combine } from "../geometry";
import { combination } from "../map/gestures";
import type { By } from "../protocol.gen";
import type { Store } from "../store";
import { class_name, count, whole } from "../words";
import { make_card, make_fold } from "./card";
import type { Pane } from "./pane";

/** Up to so many classes the matrix is drawn; beyond, the worst confusions are listed. */
const MOST_CLASSES = 26;
const MOST_LISTED = 60;

const NOTE =
  "Rows are true classes, columns predicted ones. Click a cell to select its items (again: none; " +
  "Shift adds, Alt takes away), a class to look at it alone.";

/** What is taken for what, each cell a button that selects its items. */
export const confusion: Pane = (el, store, signal) => {
  const card = make_card(el, "Confusion");
  let pairs: Pairs = { list: [], of: new Int32Array(0) };
  let cells = new Map<number, HTMLElement>();
  let counted: Uint32Array = new Uint32Array(0);
  const fold = make_fold(el, "confusion", (open) => open && draw(), signal);

  /** How many of each cell are in the sample, and which is selected. */
  const follow = (): void => {
    if (!fold.open()) return;
    const counts = count_sampled(pairs, store.get("roles"));
    const selected = selected_pair(pairs, store.get("picked"));
    for (const [at, button] of cells) {
      set_aria(button, "pressed", at === selected);
      // A slider's step changes few cells.
      if (counted[at] === counts[at]) continue;
      set_text(button.lastElementChild!, whole(counts[at]!));
      button.title = cell_title(store, pairs, at, counts[at]!);
      button.setAttribute("aria-label", button.title);
    }
    counted = counts;
    const [label, by] = [store.get("label"), store.get("by")];
    for (const button of card.body.querySelectorAll<HTMLElement>("[data-by]")) {
      set_aria(button, "pressed", button.dataset.by === by && button.dataset.label === label);
    }
  };
  const draw = (): void => {
    if (!fold.open()) return;
    pairs = list_pairs(store.get("truth"), store.get("pred"));
    const classes = store.get("about")?.classes ?? [];
    const known = pairs.list.reduce((n, pair) => n + pair.n, 0);
    card.instead(known > 0 ? "" : "No item has both a class and a prediction.");
    card.kind(known > 0 ? "exact" : null);
    card.n(count(known, "item"));
    if (known === 0) return;
    cells = new Map();
    counted = new Uint32Array(0);
    const small = classes.length <= MOST_CLASSES;
    card.body.replaceChildren(small ? matrix(classes, pairs, cells) : listed(store, pairs, cells));
    card.body.querySelector("button")?.setAttribute("tabindex", "0");
    card.note(small ? `${NOTE} The smaller number is of the sample.` : list_note(pairs));
    follow();
  };

  store.watch(["truth", "pred", "about"], draw, signal);
  store.watch(["roles", "picked", "label", "by"], follow, signal);
  on(card.body, "click", (event) => press(event, store, pairs), signal);
  on(card.body, "keydown", (event) => walk(card.body, event), signal);
};

function cell_title(store: Store, { list }: Pairs, at: number, sampled: number): string {
  const { truth, pred, n } = list[at]!;
  const [from, to] = [class_name(store, truth), class_name(store, pred)];
  return `true ${from}, predicted ${to}: ${count(n, "item")}, ${whole(sampled)} in the sample`;
}

function list_note(pairs: Pairs): string {
  const all = worst(pairs);
  const wrong = all.reduce((n, at) => n + pairs.list[at]!.n, 0);
  if (all.length === 0) return "No errors.";
  const some = all.length > MOST_LISTED ? `; the ${MOST_LISTED} most frequent are listed` : "";
  return `${count(wrong, "error")} in ${count(all.length, "pair")} of classes${some}. Click one to select its items.`;
}

/** A button at a place of the matrix; one of them all is a stop for Tab. */
function place(row: number, column: number, button: HTMLButtonElement): HTMLButtonElement {
  button.tabIndex = -1;
  Object.assign(button.dataset, { row: String(row), column: String(column) });
  return button;
}

function matrix(classes: string[], pairs: Pairs, cells: Map<number, HTMLElement>): HTMLElement {
  const at = new Map(pairs.list.map(({ truth, pred }, i) => [truth * classes.length + pred, i]));
  const totals = new Float64Array(classes.length);
  for (const { truth, n } of pairs.list) totals[truth]! += n;
  const head = (label: string, by: By, row: number, column: number) =>
    h(
      "th",
      { scope: by === "true" ? "row" : "col" },
      place(
        row,
        column,
        h("button", { type: "button", data: { by, label }, title: `${by} ${label}` }, label),
      ),
    );
  const cell = (truth: number, pred: number): HTMLElement => {
    const i = at.get(truth * classes.length + pred);
    if (i === undefined) return h("td", {}, "\u00b7");
    const { n } = pairs.list[i]!;
    const button = h(
      "button",
      { type: "button", data: { pair: String(i) } },
      whole(n),
      h("small", {}),
    );
    cells.set(i, button);
    button.classList.toggle("ll-right", truth === pred);
    button.style.setProperty("--ll-share", (n / totals[truth]!).toFixed(3));
    return h("td", {}, place(truth, pred, button));
  };
  const corner = h("th", { className: "ll-corner" }, "true \\ pred");
  return h(
    "div",
    { className: "ll-matrix" },
    h(
      "table",
      {},
      h(
        "thead",
        {},
        h("tr", {}, corner, ...classes.map((name, c) => head(name, "predicted", -1, c))),
      ),
      h(
        "tbody",
        {},
        ...classes.map((name, t) =>
          h("tr", {}, head(name, "true", t, -1), ...classes.map((_, p) => cell(t, p))),
        ),
      ),
    ),
  );
}

/** The worst confusions, one below the other. */
function listed(store: Store, pairs: Pairs, cells: Map<number, HTMLElement>): HTMLElement {
  const all = worst(pairs).slice(0, MOST_LISTED);
  const most = pairs.list[all[0] ?? 0]?.n ?? 1;
  const lines = all.map((i, row) => {
    const { truth, pred, n } = pairs.list[i]!;
    const text = h("span", {}, `${class_name(store, truth)} → ${class_name(store, pred)}`);
    const button = h(
      "button",
      { type: "button", data: { pair: String(i) } },
      text,
      whole(n),
      h("small", {}),
    );
    cells.set(i, button);
    button.style.setProperty("--ll-share", (n / most).toFixed(3));
    return h("li", {}, place(row, 0, button));
  });
  return h("ol", { className: "ll-worst" }, ...lines);
}

/** A cell selects its items, or lets go of them; a class's name looks at the class alone. */
function press(event: MouseEvent, store: Store, pairs: Pairs): void {
  const button = (event.target as Element).closest("button");
  const { pair, by, label } = button?.dataset ?? {};
  const pressed = button?.getAttribute("aria-pressed") === "true";
  if (by !== undefined && label !== undefined) {
    store.set(pressed ? { label: "" } : { label, by: by as By });
  }
  if (pair === undefined) return;
  const how = combination(event);
  const rows =
    pressed && how === "replace" ? new Uint32Array(0) : rows_of_pair(pairs, Number(pair));
  store.set({ selection: encode(combine(store.get("picked"), rows, how)) });
}

const STEPS: Record<string, [number, number]> = {
  ArrowDown: [1, 0],
  ArrowUp: [-1, 0],
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
};

/** To the next button in a direction, over cells without items. */
function walk(body: Element, event: KeyboardEvent): void {
  const from = (event.target as Element).closest<HTMLElement>("[data-row]");
  const step = STEPS[event.key];
  if (!from || !step) return;
  event.preventDefault();
  const [down, across] = step;
  const at = ({ dataset }: HTMLElement) => [Number(dataset.row), Number(dataset.column)] as const;
  const [row, column] = at(from);
  const ahead = [...body.querySelectorAll<HTMLElement>("[data-row]")].filter((other) => {
    const [r, c] = at(other);
    return down ? c === column && (r - row) * down > 0 : r === row && (c - column) * across > 0;
  });
  const to = down + across > 0 ? ahead[0] : ahead.at(-1);
  if (!to) return;
  from.tabIndex = -1;
  to.tabIndex = 0;
  to.focus();
}
