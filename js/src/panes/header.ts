import { h, set_text } from "../dom";
import { percent, sample_words, whole } from "../words";
import type { Pane } from "./pane";

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
  el.append(model, facts, sample, busy);

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
  stop.addEventListener("click", () => void store.ask({ kind: "cancel" }).catch(() => {}), {
    signal,
  });
};
