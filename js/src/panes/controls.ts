import { h } from "../dom";
import type { By, Correctness, Measure } from "../protocol.gen";
import type { Settable } from "../store";
import { field, fill, menu, need_kernel, no_rows, segments, together, type Use } from "./fields";
import { chosen, compare, k_input, label, layer, questions } from "./group_controls";
import type { Pane } from "./pane";
import { fraction, j_slider, sampler, taken } from "./sample_controls";

const PROJECTIONS = { pca: "PCA", tsne: "t-SNE", umap: "UMAP" };

const CORRECTNESS: Record<Correctness, string> = {
  all: "all",
  correct: "correct",
  incorrect: "incorrect",
};
const BY: Record<By, string> = { true: "true", predicted: "predicted" };
const MEASURE: Record<Measure, string> = { max: "max", count: "count", mean: "mean" };

/** Where "Reset" returns to. Layer, sampler and projection stay: changing them costs time. */
const START = {
  fraction: 0.05,
  j: 0.7,
  label: "",
  by: "true",
  correctness: "all",
  k: 10,
  measure: "max",
  unit: -1,
  color_by: "label",
  compare: "nothing",
} as const satisfies Partial<Settable>;

/** The questions one can ask, as native controls. */
export const controls: Pane = (el, store, signal) => {
  const use = { store, signal };
  el.setAttribute("role", "group");
  el.setAttribute("aria-label", "Controls");
  el.append(
    sampler(use),
    fraction(use),
    j_slider(use),
    layer(use),
    together(label(use), segments(use, "by", "Class by", BY)),
    segments(use, "correctness", "Items", CORRECTNESS),
    together(k_input(use), segments(use, "measure", "Rank by", MEASURE)),
    together(compare(use), questions(use)),
    chosen(use),
    taken(use),
    h("div", { className: "ll-far" }, projection(use), reset(use)),
  );
};

function projection(use: Use): HTMLElement {
  const { store } = use;
  const select = menu(
    use,
    ["about", "projection", "kernel_gone"],
    (el) => {
      const now = store.get("projection");
      const names: Record<string, string> = { ...PROJECTIONS };
      // A layout of one's own has a name of its own.
      if (now && !(now in names)) names[now] = now;
      fill(el, Object.entries(names));
      el.value = now;
      need_kernel(el, store, store.get("about")?.fixed_layout);
    },
    (value) => store.set({ projection: value }),
  );
  return field("Map", select);
}

function reset({ store, signal }: Use): HTMLElement {
  const button = h("button", { type: "button" }, "Reset");
  button.title =
    "Back to 5 %, j 0.7, all items, k 10; the selection, what was added and the picked unit are let go.";
  const back = (): void => {
    const keep = store.get("layer_info")?.keep ?? START.k;
    store.set({
      ...START,
      k: Math.min(START.k, keep),
      selection: no_rows(),
      added: no_rows(),
      hidden: new Set(),
    });
  };
  button.addEventListener("click", back, { signal });
  return button;
}
