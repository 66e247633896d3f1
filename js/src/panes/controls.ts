import { start_of } from "../code";
import { h, on } from "../dom";
import type { By, Correctness, Measure, State } from "../protocol.gen";
import type { Store } from "../store";
import { percent } from "../words";
import { field, fill, menu, need_kernel, segments, together, type Use } from "./fields";
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

/** What "Reset" brings back. Layer, sampler and projection stay: changing them costs time. */
const RESET = [
  "fraction",
  "j",
  "label",
  "by",
  "correctness",
  "k",
  "measure",
  "unit",
  "color_by",
  "selection",
  "added",
] as const satisfies (keyof State)[];

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

/** Back to what the call that made the lens gave; a loaded lens, to what was saved. */
function reset({ store, signal }: Use): HTMLElement {
  const button = h("button", { type: "button" }, "Reset");
  const say = (): void => {
    const { fraction = 0, j = 0, k, unit } = start_here(store);
    const first = `${percent(fraction)}, j ${j}, k ${k}`;
    const same = unit === start_of(store).unit;
    const rest = same ? "class, unit, selection and added rows" : "class, selection and added rows";
    const without = same ? "" : " No unit: its unit is of another layer.";
    button.title = `Back to how the lens was made: ${first}, and its ${rest}.${without}`;
  };
  const back = (): void =>
    store.set({ ...start_here(store), compare: "nothing", hidden: new Set() });
  store.watch(["about", "layer", "layer_info"], say, signal);
  on(button, "click", back, signal);
  return button;
}

/** What the layer on show can have of the start: its index may hold fewer units, and other ones. */
function start_here(store: Store): Partial<State> {
  const start = start_of(store);
  const kept = Object.fromEntries(RESET.map((key) => [key, start[key]])) as Partial<State>;
  const { k = 1, color_by = "label" } = kept;
  const here = { ...kept, k: Math.min(k, store.get("layer_info")?.keep ?? k) };
  if (start.layer === store.get("layer")) return here;
  return { ...here, unit: -1, color_by: color_by === "unit" ? "label" : color_by };
}
