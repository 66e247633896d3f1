/** The widget as anywidget loads it. */

import type { InitializeProps, RenderProps } from "@anywidget/types";
import { mount } from "./app";
import { h } from "./dom";
import { start_effects } from "./effects";
import type { State } from "./protocol.gen";
import { words } from "./rpc";
import { LensStore } from "./store";

/** How long a page that gets no frames, being hidden, is waited for. */
const UNSEEN_MS = 500;

/** Run when the next frame is on the screen. */
function once_painted(run: () => void, signal: AbortSignal): void {
  let ran = false;
  const once = (): void => {
    if (!ran && !signal.aborted) run();
    ran = true;
  };
  requestAnimationFrame(() => setTimeout(once));
  setTimeout(once, UNSEEN_MS);
}

/**
 * Make the widget for one model.
 *
 * anywidget calls this once per model and hands `initialize` and `render` model
 * proxies of their own, so what its views share is held here.
 */
export default () => {
  let store: LensStore | undefined;

  function initialize({ model, signal }: InitializeProps<State>): void {
    store = new LensStore(model, signal);
    start_effects(store, signal);
  }

  function render({ el, signal }: RenderProps<State>): void {
    try {
      if (!store) throw new Error("The lens was shown before it was made.");
      mount(el, store, signal);
      const shown = store;
      // The kernel has work to begin, which would take the processor from the first frame.
      once_painted(() => void shown.ask({ kind: "hello" }).catch(() => {}), signal);
    } catch (error) {
      const title = h("b", {}, "The lens could not be shown");
      const card = h(
        "div",
        { className: "ll-notice", data: { tone: "error" } },
        title,
        words(error),
      );
      el.append(h("div", { className: "ll" }, card));
    }
  }

  return { initialize, render };
};
