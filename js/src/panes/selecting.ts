import { encode } from "../codec";
import { column_here, vocabulary, want, why_not_here } from "../columns";
import { h, on, set_text } from "../dom";
import { combine } from "../geometry";
import { can_step, step_history } from "../history";
import { combination } from "../map/gestures";
import type { NdArray } from "../protocol.gen";
import {
  type Column,
  describe_search,
  find_rows,
  NotUnderstood,
  named_columns,
  type Query,
  read_search,
  what_can_be_typed,
} from "../search";
import type { Store } from "../store";
import { count } from "../words";
import type { Pane } from "./pane";
import { named } from "./slices";

/** Choosing items by words, going back, and keeping what was chosen under a name. */
export const selecting: Pane = (el, store, signal) => {
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", "Selecting items");
  const found = h("span", { className: "ll-found", role: "status" });
  el.append(search(store, found, signal), steps(store, signal), found, named(store, signal));
};

/** One line of text to find items by; Enter selects them. */
function search(store: Store, found: HTMLElement, signal: AbortSignal): HTMLElement {
  const input = h("input", { type: "search", placeholder: "3, 14 \u00b7 class 7 and not wrong" });
  input.setAttribute("aria-label", "Find items");
  const form = h("label", { className: "ll-field ll-search" }, h("span", {}, "Find"), input);
  /** What the words are about: they go when something else is selected. */
  let last: NdArray | null = null;
  let open: { query: Query; how: ReturnType<typeof combination> } | null = null;

  const lack = (name: string): void => {
    const why = why_not_here(store, name);
    if (why) open = null;
    set_text(found, why || `Fetching ${name}.`);
  };
  /** Select what is asked for, as soon as the columns it takes are here. */
  const answer = (): void => {
    if (!open) return;
    const { query, how } = open;
    const columns = new Map<string, Column>();
    for (const name of named_columns(query)) {
      const column = column_here(store, name);
      if (!column) {
        lack(name);
        return;
      }
      columns.set(name, column);
    }
    open = null;
    const [label, pred, ids] = [store.get("truth"), store.get("pred"), store.get("ids")];
    const rows = find_rows(query, { label, pred, ids, columns });
    const words = describe_search(query, vocabulary(store));
    set_text(found, rows.length ? `${count(rows.length, "item")}: ${words}` : `No items: ${words}`);
    if (rows.length === 0) return;
    last = encode(combine(store.get("picked"), rows, how));
    store.set({ selection: last });
  };
  const ask = (event: KeyboardEvent): void => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    open = null;
    try {
      const query = read_search(input.value, vocabulary(store));
      open = { query, how: combination(event as unknown as MouseEvent) };
      want(store, named_columns(query));
      answer();
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      set_text(found, error.message);
    }
  };
  on(input, "keydown", ask, signal);
  const retype = (): void => {
    open = null;
    set_text(found, "");
  };
  on(input, "input", retype, signal);
  store.watch(["columns", "column_errors"], answer, signal);
  store.watch(
    ["selection"],
    () => {
      if (last && store.get("selection") !== last) set_text(found, "");
      if (store.get("selection") !== last) last = null;
    },
    signal,
  );
  store.watch(
    ["about", "loss"],
    () => {
      if (store.get("about"))
        input.title = `${what_can_be_typed(vocabulary(store))} Enter selects; with Shift it adds, with Alt it takes away.`;
    },
    signal,
  );
  return form;
}

/** Back to what was selected before, and forward again. */
function steps(store: Store, signal: AbortSignal): HTMLElement {
  const back = step_button("\u21b6", "Undo selection (Ctrl+Z)");
  const forward = step_button("\u21b7", "Redo selection (Ctrl+Shift+Z)");
  store.watch(
    ["history"],
    () => {
      back.disabled = !can_step(store, -1);
      forward.disabled = !can_step(store, 1);
    },
    signal,
  );
  on(back, "click", () => step_history(store, -1), signal);
  on(forward, "click", () => step_history(store, 1), signal);
  return h("div", { className: "ll-presets", role: "group" }, back, forward);
}

function step_button(text: string, title: string): HTMLButtonElement {
  return h("button", { type: "button", title, aria: { label: title } }, text);
}
