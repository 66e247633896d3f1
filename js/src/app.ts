/** The lens's layout: which panes there are and where. */

import { h, on, on_end } from "./dom";
import { undo_keys } from "./history";
import { closeup } from "./panes/closeup";
import { confusion } from "./panes/confusion";
import { contrast } from "./panes/contrast";
import { controls } from "./panes/controls";
import { header } from "./panes/header";
import { map } from "./panes/map";
import { margin } from "./panes/margin";
import { max_neurons } from "./panes/max_neurons";
import { mean_activation } from "./panes/mean_activation";
import { missing } from "./panes/missing";
import { notices } from "./panes/notices";
import type { Pane } from "./panes/pane";
import { quality } from "./panes/quality";
import { selecting } from "./panes/selecting";
import { spoken } from "./panes/spoken";
import { strip } from "./panes/strip";
import { table } from "./panes/table";
import { top_k } from "./panes/top_k";
import { unit } from "./panes/unit";
import { working } from "./panes/working";
import { words } from "./rpc";
import type { Store } from "./store";

/** A pane's name, which is also its place in the grid of `style.css`. */
const PANES: readonly (readonly [string, Pane])[] = [
  ["header", header],
  ["controls", controls],
  ["selecting", selecting],
  ["map", map],
  ["top-k", top_k],
  ["max-neurons", max_neurons],
  ["mean", mean_activation],
  ["contrast", contrast],
  ["unit", unit],
  ["missing", missing],
  ["strip", strip],
  ["closeup", closeup],
  ["quality", quality],
  ["confusion", confusion],
  ["margin", margin],
  ["tables", table],
  ["spoken", spoken],
];

/** Fill `el` with the lens until `signal` aborts. */
export function mount(el: HTMLElement, store: Store, signal: AbortSignal): void {
  const root = h("div", { className: "ll" });
  const waiting = place("working");
  const body = h("div", { className: "ll-panes", hidden: true });
  const sides = h("div", { className: "ll-sides" });
  root.append(place("notices"), waiting, body);
  el.classList.add("ll-host");
  el.append(root);
  on_end(signal, () => root.remove());
  keep_keys(root, signal);
  undo_keys(root, store, signal);
  open(notices, root.firstElementChild as HTMLElement, store, signal);
  open(working, waiting, store, signal);

  let filled = false;
  store.watch(
    ["about", "items"],
    () => {
      const ready = store.get("about") !== null && store.get("items") !== null;
      body.hidden = !ready;
      waiting.hidden = ready;
      if (!ready || filled) return;
      filled = true;
      for (const [name, pane] of PANES) {
        const slot = place(name);
        (SIDES.has(name) ? sides : body).append(slot);
        if (name === "map") body.append(sides);
        open(pane, slot, store, signal);
      }
    },
    signal,
  );
}

/** Panes that share the column beside the map. */
const SIDES = new Set(["top-k", "max-neurons", "mean"]);

function place(name: string): HTMLElement {
  return h("section", { className: `ll-${name}`, data: { pane: name } });
}

/** Run a pane such that its failure stays its own. */
function open(pane: Pane, slot: HTMLElement, store: Store, signal: AbortSignal): void {
  const own = new AbortController();
  const either = AbortSignal.any([signal, own.signal]);
  const fail = (error: unknown): void => {
    own.abort();
    slot.replaceChildren(
      h(
        "div",
        { className: "ll-notice", data: { tone: "error" }, role: "alert" },
        h("b", {}, "This pane failed"),
        h("span", {}, `${words(error)} The others go on; run the cell again to bring it back.`),
      ),
    );
    reportError(error);
  };
  try {
    pane(slot, guarded(store, fail), either);
  } catch (error) {
    fail(error);
  }
}

/** A store whose watchers' errors are caught. */
function guarded(store: Store, fail: (error: unknown) => void): Store {
  return {
    get: (key) => store.get(key),
    set: (patch) => store.set(patch),
    ask: (request, progress, partly) => store.ask(request, progress, partly),
    picture: (row) => store.picture(row),
    watch: (keys, run, signal) =>
      store.watch(
        keys,
        () => {
          try {
            run();
          } catch (error) {
            fail(error);
          }
        },
        signal,
      ),
  };
}

/**
 * Keep plain keys from JupyterLab, whose command mode would take arrows for moving
 * between cells and letters for cutting them.
 */
function keep_keys(root: HTMLElement, signal: AbortSignal): void {
  const keep = (event: KeyboardEvent): void => {
    const { key, ctrlKey, metaKey, altKey, shiftKey } = event;
    const command = ctrlKey || metaKey || altKey || key === "Escape";
    const runs_cell = key === "Enter" && shiftKey;
    if (!command && !runs_cell) event.stopPropagation();
  };
  on(root, "keydown", keep, signal);
}
