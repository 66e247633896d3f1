/** Undo and redo of selections. */

import { decode_as } from "./codec";
import { on } from "./dom";
import type { NdArray } from "./protocol.gen";
import type { Store } from "./store";

const MOST_STEPS = 200;

/** Where Ctrl+Z undoes what was typed. */
const TYPED_IN = 'textarea, input:is([type="text"], [type="search"], [type="number"])';

/** Remember what was selected, on whichever side. */
export function keep_history(store: Store, signal: AbortSignal): void {
  store.watch(
    ["selection"],
    () => {
      const { steps, at } = store.get("history");
      const now = store.get("selection");
      if (at >= 0 && same_rows(now, steps[at]!)) return;
      const next = [...steps.slice(0, at + 1), now].slice(-MOST_STEPS);
      store.set({ history: { steps: next, at: next.length - 1 } });
    },
    signal,
  );
}

/** Whether there is a selection to go back to (-1) or forward to (1). */
export function can_step(store: Store, by: 1 | -1): boolean {
  const { steps, at } = store.get("history");
  return steps[at + by] !== undefined;
}

/** Go back, or forward again. */
export function step_history(store: Store, by: 1 | -1): void {
  const { steps, at } = store.get("history");
  const selection = steps[at + by];
  if (selection) store.set({ selection, history: { steps, at: at + by } });
}

function same_rows(a: NdArray, b: NdArray): boolean {
  if (a === b) return true;
  const [rows, others] = [decode_as(a, "uint32"), decode_as(b, "uint32")];
  return rows.length === others.length && rows.every((row, i) => row === others[i]);
}

/** Ctrl+Z and Ctrl+Shift+Z or Ctrl+Y, but in a field for text, where they undo typing. */
export function undo_keys(root: HTMLElement, store: Store, signal: AbortSignal): void {
  const heard = (event: KeyboardEvent): void => {
    const key = event.key.toLowerCase();
    const command = (event.ctrlKey || event.metaKey) && !event.altKey;
    const typing = (event.target as Element).matches(TYPED_IN);
    if (!command || (key !== "z" && key !== "y") || typing) return;
    event.preventDefault();
    event.stopPropagation();
    step_history(store, key === "y" || event.shiftKey ? 1 : -1);
  };
  on(root, "keydown", heard, signal);
}
