import { encode } from "../codec";
import { columns_here, vocabulary, want } from "../columns";
import { h, set_text } from "../dom";
import { combine } from "../geometry";
import { can_step, step_history } from "../history";
import { combination } from "../map/gestures";
import type { NdArray } from "../protocol.gen";
import {
  describe_search,
  find_rows,
  NotUnderstood,
  read_search,
  type Term,
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
  const input = h("input", { type: "search", placeholder: "3, 14 \u00b7 class 7 \u00b7 loss > 1" });
  input.setAttribute("aria-label", "Find items");
  const form = h("label", { className: "ll-field ll-search" }, h("span", {}, "Find"), input);
  /** What the words are about: they go when something else is selected. */
  let last: NdArray | null = null;
  let open: { terms: Term[]; how: ReturnType<typeof combination> } | null = null;

  /** Select what is asked for, as soon as the columns it takes are here. */
  const answer = (): void => {
    if (!open) return;
    const { terms, how } = open;
    const named = terms.flatMap((term) => (term.kind === "column" ? [term.column] : []));
    const columns = columns_here(store);
    const lacking = named.find((name) => !columns.has(name));
    if (lacking !== undefined) {
      const why = lacking === "kept" ? NO_KEPT : store.get("column_errors").get(lacking);
      if (why) open = null;
      set_text(found, why ?? `Fetching ${lacking}.`);
      return;
    }
    open = null;
    const [label, pred, ids] = [store.get("truth"), store.get("pred"), store.get("ids")];
    const rows = find_rows(terms, { label, pred, ids, columns });
    const words = describe_search(terms, vocabulary(store));
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
      const terms = read_search(input.value, vocabulary(store));
      open = { terms, how: combination(event as unknown as MouseEvent) };
      want(
        store,
        terms.flatMap((term) => (term.kind === "column" ? [term.column] : [])),
      );
      answer();
    } catch (error) {
      if (!(error instanceof NotUnderstood)) throw error;
      set_text(found, error.message);
    }
  };
  input.addEventListener("keydown", ask, { signal });
  const retype = (): void => {
    open = null;
    set_text(found, "");
  };
  input.addEventListener("input", retype, { signal });
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

const NO_KEPT = "What the map keeps of neighbours has not been measured yet.";

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
  back.addEventListener("click", () => step_history(store, -1), { signal });
  forward.addEventListener("click", () => step_history(store, 1), { signal });
  return h("div", { className: "ll-presets", role: "group" }, back, forward);
}

function step_button(text: string, title: string): HTMLButtonElement {
  return h("button", { type: "button", title, aria: { label: title } }, text);
}
