import type { Store } from "../store";

/**
 * One part of the lens.
 *
 * It fills `el`, which is its own, from the store and is gone once `signal`
 * aborts: every listener and observer hangs on that signal.
 */
export type Pane = (el: HTMLElement, store: Store, signal: AbortSignal) => void;
