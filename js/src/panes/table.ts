import { h, on_end } from "../dom";
import { has_row } from "../query";
import type { Store } from "../store";
import { class_name, count, ROLE_WORDS, short, whole } from "../words";
import { make_card, make_fold } from "./card";
import type { Pane } from "./pane";

/** Items written out at most; the others are counted. */
const MOST_ROWS = 100;
/** How long nothing may change before the tables are written anew. */
const REST_MS = 300;

/** What the map shows, to be read: its classes, and the selected or sampled items. */
export const table: Pane = (el, store, signal) => {
  const card = make_card(el, "As tables");
  let timer: ReturnType<typeof setTimeout> | undefined;
  const write = (): void => {
    if (!fold.open()) return;
    card.body.replaceChildren(
      scrolling("Classes", class_table(store)),
      scrolling("Items", item_table(store)),
    );
  };
  const fold = make_fold(el, "table", write, signal, false);
  store.watch(
    ["class_counts", "class_errors", "sample_order", "picked", "by", "about", "items"],
    () => {
      clearTimeout(timer);
      if (fold.open()) timer = setTimeout(write, REST_MS);
    },
    signal,
  );
  on_end(signal, () => clearTimeout(timer));
  write();
};

/** A box that keys can scroll. */
function scrolling(name: string, child: HTMLElement): HTMLElement {
  const box = h("div", { className: "ll-table", tabIndex: 0, aria: { label: name } }, child);
  box.setAttribute("role", "region");
  return box;
}

function make_table(caption: string, heads: string[], rows: string[][]): HTMLElement {
  const head = h("tr", {}, ...heads.map((text) => h("th", { scope: "col" }, text)));
  const lines = rows.map(([first = "", ...rest]) =>
    h("tr", {}, h("th", { scope: "row" }, first), ...rest.map((text) => h("td", {}, text))),
  );
  return h("table", {}, h("caption", {}, caption), h("thead", {}, head), h("tbody", {}, ...lines));
}

function class_table(store: Store): HTMLElement {
  const by = store.get("by");
  const { items, sample } = store.get("class_counts")[by];
  const errors = store.get("class_errors");
  const rows = [...items.keys()].map((c) => [
    class_name(store, c),
    whole(items[c]!),
    whole(sample[c]!),
    whole(errors[c] ?? 0),
  ]);
  const heads = [`${by} class`, "items", "in the sample", "wrong"];
  return make_table(`${whole(rows.length)} classes`, heads, rows);
}

function item_table(store: Store): HTMLElement {
  const picked = store.get("picked");
  const rows = picked.length > 0 ? picked : store.get("sample_order");
  const what = picked.length > 0 ? "selected" : "in the sample";
  const more = rows.length > MOST_ROWS ? `, the first ${MOST_ROWS} of them here` : "";
  const heads = ["row", "true", "predicted", "sample", "selected", "loss", "log ratio"];
  const lines = Array.from(rows.subarray(0, MOST_ROWS), (row) => item_line(store, row));
  return make_table(`${count(rows.length, "item")} ${what}${more}`, heads, lines);
}

function item_line(store: Store, row: number): string[] {
  const name = (c = -1): string => (c < 0 ? "unknown" : class_name(store, c));
  const number = (value?: number): string => (value === undefined ? "" : short(value));
  return [
    String(row),
    name(store.get("truth")[row]),
    name(store.get("pred")[row]),
    ROLE_WORDS[store.get("roles")[row] ?? 0] || "not in it",
    has_row(store.get("picked"), row) ? "yes" : "no",
    number(store.get("loss")?.[row]),
    number(store.get("ranking")?.log_ratio[row]),
  ];
}
