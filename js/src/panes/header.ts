import { code, copy } from "../code";
import { h, on, on_end, set_text } from "../dom";
import { percent, sample_words, whole } from "../words";
import type { Pane } from "./pane";

/** How long the page says that it copied. */
const SAID_MS = 2500;

/** What is looked at, how much of it is in the sample, and what the kernel is at. */
export const header: Pane = (el, store, signal) => {
  const model = h("b", { className: "ll-model" });
  const facts = h("span", { className: "ll-facts" });
  const sample = h("span", { className: "ll-sample-line" });
  const bar = h("progress", { max: 1, value: 0 });
  bar.setAttribute("aria-label", "Progress");
  const doing = h("span", { className: "ll-doing-text" });
  const stop = h("button", { type: "button" }, "Stop");
  const busy = h("span", { className: "ll-doing" }, doing, bar, stop);
  const copied = h("span", { className: "ll-copied", role: "status" });
  const copy_code = h(
    "button",
    { type: "button", className: "ll-copy", title: "Copy the Python that brings this view back" },
    "Copy code",
  );
  el.append(model, facts, sample, busy, h("span", { className: "ll-code" }, copied, copy_code));

  store.watch(
    ["about"],
    () => {
      const about = store.get("about");
      if (!about) return;
      set_text(model, about.model);
      const { latent_layer, latent_units, n_items, accuracy } = about;
      facts.replaceChildren(
        ...[
          `latent ${latent_layer} (${whole(latent_units)} units)`,
          `${whole(n_items)} items`,
          accuracy === null ? "" : `accuracy ${percent(accuracy)}`,
        ]
          .filter(Boolean)
          .map((text) => h("span", {}, text)),
      );
    },
    signal,
  );
  store.watch(
    ["counts", "ranked"],
    () => {
      set_text(sample, store.get("ranked") ? sample_words(store) : "");
    },
    signal,
  );
  store.watch(
    ["doing", "progress", "kernel_gone", "points", "projection"],
    () => {
      const text = store.get("doing");
      const points = store.get("points");
      // The map says of itself how far its layout is.
      const layout = points && (!points.done || points.projection !== store.get("projection"));
      busy.hidden = text === "" || layout === true || store.get("kernel_gone");
      set_text(doing, text);
      bar.value = store.get("progress");
    },
    signal,
  );
  let timer: ReturnType<typeof setTimeout> | undefined;
  on_end(signal, () => clearTimeout(timer));
  on(
    copy_code,
    "click",
    async () => {
      const done = await copy(code(store), el);
      if (signal.aborted) return;
      clearTimeout(timer);
      set_text(copied, done ? "Copied" : "This page may not copy; lens.code has it");
      timer = setTimeout(() => set_text(copied, ""), SAID_MS);
    },
    signal,
  );
  on(stop, "click", () => void store.ask({ kind: "cancel" }).catch(() => {}), signal);
};
