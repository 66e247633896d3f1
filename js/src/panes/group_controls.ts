/** The controls of what is asked: the layer, the group, what it is compared with. */

import { focused, h, on, set_text } from "../dom";
import type { Compare } from "../local";
import { find_questions } from "../questions";
import type { Settable, Store } from "../store";
import { whole } from "../words";
import { field, fill, menu, no_rows, type Use } from "./fields";

const COMPARE: Record<Compare, string> = {
  nothing: "nothing",
  correctness: "correct against incorrect",
  selection: "selection against the rest of its class",
};

export function layer(use: Use): HTMLElement {
  const { store } = use;
  const select = menu(
    use,
    ["about", "layer"],
    (el) => {
      const layers = store.get("about")?.layers ?? [];
      fill(
        el,
        layers.map(({ name, units }) => [name, `${name} · ${whole(units)}`]),
      );
      el.value = store.get("layer");
    },
    (value) => store.set({ layer: value, unit: -1, ...leave_unit(store) }),
  );
  return field("Layer", select);
}

/** A unit means another thing in another layer, so the map must not go on showing it. */
function leave_unit(store: Store): Partial<Settable> {
  return store.get("color_by") === "unit" ? { color_by: "label" } : {};
}

export function label(use: Use): HTMLElement {
  const { store } = use;
  const select = menu(
    use,
    ["about", "label", "by", "class_counts"],
    (el) => {
      const counts = store.get("class_counts")[store.get("by")].items;
      const classes = store.get("about")?.classes ?? [];
      fill(el, [
        ["", "all classes"],
        ...classes.map((name, i): [string, string] => [name, `${name} (${whole(counts[i] ?? 0)})`]),
      ]);
      el.value = store.get("label");
    },
    (value) => store.set({ label: value }),
  );
  return field("Class", select);
}

export function k_input({ store, signal }: Use): HTMLElement {
  const input = h("input", { type: "number", min: "1", step: "1" });
  store.watch(
    ["k", "layer_info"],
    () => {
      const info = store.get("layer_info");
      const most = info ? Math.min(info.keep, info.units) : 100;
      input.max = String(most);
      input.title = info ? `1 to ${most}: the index holds ${info.keep} units per item.` : "";
      if (focused(input) !== input) input.value = String(store.get("k"));
    },
    signal,
  );
  const take = (): void => {
    const k = Math.round(Number(input.value));
    if (k >= 1 && k <= Number(input.max)) store.set({ k });
  };
  on(input, "input", take, signal);
  // What is out of range is put right when one leaves the field.
  const put_right = (): void => {
    input.value = String(store.get("k"));
  };
  on(input, "blur", put_right, signal);
  return field("Top k", input);
}

export function chosen({ store, signal }: Use): HTMLElement {
  const clear = h("button", { type: "button", className: "ll-chip" });
  clear.title = "The panes show these items alone. Click to let go of them.";
  store.watch(
    ["picked"],
    () => {
      const n = store.get("picked").length;
      clear.hidden = n === 0;
      set_text(clear, `${whole(n)} selected ×`);
    },
    signal,
  );
  on(clear, "click", () => store.set({ selection: no_rows() }), signal);
  return clear;
}

/** Against what the group is set beside it in the figures. */
export function compare(use: Use): HTMLElement {
  const { store } = use;
  const select = menu(
    use,
    ["compare", "correctness", "picked"],
    (el) => {
      if (el.options.length === 0) fill(el, Object.entries(COMPARE));
      const none = store.get("picked").length === 0;
      el.options[2]!.disabled = none;
      el.title = none ? "For a selection, choose items on the map first." : "";
      el.value = store.get("rival_member") ? store.get("compare") : "nothing";
    },
    (value) => {
      // The first group must be one of the two.
      const either = value === "correctness" && store.get("correctness") === "all";
      store.set({ compare: value as Compare, ...(either && { correctness: "correct" }) });
    },
  );
  return field("Compare", select);
}

/** Questions by name, each of which sets the controls. */
export function questions(use: Use): HTMLElement {
  const { store, signal } = use;
  const select = h("select", { className: "ll-questions" });
  store.watch(
    ["about", "class_errors", "label", "by", "layer"],
    () => {
      const found = find_questions(store);
      fill(select, [
        ["", "choose…"],
        ...found.map(({ title }, i): [string, string] => [String(i), title]),
      ]);
      select.disabled = found.length === 0;
    },
    signal,
  );
  select.title = "Questions by name: each sets the controls that answer it.";
  const ask = (): void => {
    const question = select.value === "" ? undefined : find_questions(store)[Number(select.value)];
    select.value = "";
    if (question) store.set({ unit: -1, ...leave_unit(store), ...question.set() });
  };
  on(select, "change", ask, signal);
  return field("Ask", select);
}
