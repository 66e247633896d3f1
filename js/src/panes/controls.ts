import { type Child, focused, h, set_aria, set_text } from "../dom";
import type { By, Correctness, Measure, SamplerInfo } from "../protocol.gen";
import { find_questions } from "../questions";
import type { Compare, Key, Settable, Store } from "../store";
import { percent, whole } from "../words";
import type { Pane } from "./pane";

const PRESETS = [0.05, 0.1, 0.2, 0.4, 0.8];
const PROJECTIONS = { pca: "PCA", tsne: "t-SNE", umap: "UMAP" };
const CORRECTNESS: Record<Correctness, string> = {
  all: "all",
  correct: "correct",
  incorrect: "incorrect",
};
const BY: Record<By, string> = { true: "true", predicted: "predicted" };
const MEASURE: Record<Measure, string> = { max: "max", count: "count", mean: "mean" };
const COMPARE: Record<Compare, string> = {
  nothing: "nothing",
  correctness: "correct against incorrect",
  selection: "selection against the rest of its class",
};

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

interface Use {
  store: Store;
  signal: AbortSignal;
}

/** A control with its caption, which a click on the caption reaches. */
function field(caption: string, ...parts: Child[]): HTMLElement {
  return h("label", { className: "ll-field" }, h("span", {}, caption), ...parts);
}

/** Controls that read as one phrase and wrap as one. */
function together(...parts: HTMLElement[]): HTMLElement {
  return h("div", { className: "ll-together" }, ...parts);
}

/** Fill a menu, unless it says the same already: an open menu would close. */
function fill(select: HTMLSelectElement, entries: [value: string, text: string][]): void {
  const same =
    select.options.length === entries.length &&
    entries.every(([value, text], i) => {
      const option = select.options[i];
      return option?.value === value && option.text === text;
    });
  if (!same) {
    select.replaceChildren(...entries.map(([value, text]) => h("option", { value }, text)));
  }
}

function menu(
  { store, signal }: Use,
  keys: Key[],
  show: (select: HTMLSelectElement) => void,
  choose: (value: string) => void,
): HTMLSelectElement {
  const select = h("select", {});
  store.watch(keys, () => show(select), signal);
  select.addEventListener("change", () => choose(select.value), { signal });
  return select;
}

function sampler(use: Use): HTMLElement {
  const { store } = use;
  const select = menu(
    use,
    ["about", "sampler", "kernel_gone"],
    (el) => {
      fill(
        el,
        (store.get("about")?.samplers ?? []).map(({ name, title }) => [name, title]),
      );
      el.value = store.get("sampler");
      (store.get("about")?.samplers ?? []).forEach(({ absent }, i) => {
        el.options[i]!.disabled = absent !== "";
        el.options[i]!.title = absent;
      });
      need_kernel(el, store);
    },
    (value) => store.set({ sampler: value }),
  );
  return field("Sampler", select);
}

function fraction({ store, signal }: Use): HTMLElement {
  const slider = h("input", { type: "range", min: "0.01", max: "1", step: "0.01" });
  const shown = h("output", { className: "ll-value" });
  const presets = PRESETS.map((share) =>
    h("button", { type: "button", value: String(share) }, percent(share)),
  );
  store.watch(
    ["fraction"],
    () => {
      const share = store.get("fraction");
      slider.value = String(share);
      slider.setAttribute("aria-valuetext", percent(share));
      set_text(shown, percent(share));
      for (const button of presets) set_aria(button, "pressed", Number(button.value) === share);
    },
    signal,
  );
  drag(slider, store, signal, (value) => store.set({ fraction: value }));
  const whole_field = field("Fraction", slider, shown);
  store.watch(
    ["sampler_info"],
    () => {
      const info = store.get("sampler_info");
      const used = info?.uses_fraction ?? true;
      for (const control of [slider, ...presets]) control.disabled = !used;
      whole_field.title = used ? "Share of all items that the sample takes." : why_not(info);
      presets.forEach((button, i) => {
        button.title = used ? `Sample ${percent(PRESETS[i]!)}` : why_not(info);
      });
    },
    signal,
  );
  const bar = h(
    "div",
    { className: "ll-presets", role: "group", aria: { label: "Fractions" } },
    ...presets,
  );
  bar.addEventListener(
    "click",
    ({ target }) => {
      const { value } = target as HTMLButtonElement;
      if (value) store.set({ fraction: Number(value) });
    },
    { signal },
  );
  return together(whole_field, bar);
}

/** Why a control does nothing for this sampler. */
function why_not(info: SamplerInfo | null): string {
  return info?.reason || `${info?.title ?? "This sampler"} leaves no choice here.`;
}

function j_slider({ store, signal }: Use): HTMLElement {
  const slider = h("input", { type: "range", min: "0", max: "1", step: "0.05" });
  const shown = h("output", { className: "ll-value" });
  slider.setAttribute("aria-label", "Outliers j");
  const whole_field = field("Outliers", slider, shown);
  store.watch(
    ["j", "ranked", "sampler_info"],
    () => {
      const info = store.get("sampler_info");
      const used = info?.uses_j ?? store.get("ranked")?.uses_j ?? true;
      slider.value = String(store.get("j"));
      slider.disabled = !used;
      whole_field.title = used
        ? "Share of each group's sample taken from its outlying end; the rest are exemplars."
        : why_not(info);
      set_text(shown, used ? store.get("j").toFixed(2) : "–");
    },
    signal,
  );
  drag(slider, store, signal, (value) => store.set({ j: value }));
  return whole_field;
}

/** Follow a slider at every step, and know whether it is held. */
function drag(
  slider: HTMLInputElement,
  store: Store,
  signal: AbortSignal,
  moved: (value: number) => void,
): void {
  // Taking hold of one slider takes the focus from another, which is not held then.
  let held = false;
  const hold = (now: boolean): void => {
    if (held !== now) store.set({ dragging: now });
    held = now;
  };
  slider.addEventListener("input", () => moved(Number(slider.value)), { signal });
  slider.addEventListener("pointerdown", () => hold(true), { signal });
  for (const end of ["pointerup", "pointercancel", "blur"]) {
    slider.addEventListener(end, () => hold(false), { signal });
  }
  signal.addEventListener("abort", () => hold(false), { once: true });
}

function layer(use: Use): HTMLElement {
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

function label(use: Use): HTMLElement {
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

function need_kernel(select: HTMLSelectElement, store: Store, otherwise = ""): void {
  const gone = store.get("kernel_gone") ? "This needs the kernel, which has gone." : "";
  select.title = gone || otherwise;
  select.disabled = select.title !== "";
}

let groups = 0;

/** A few choices side by side: radio buttons, so that arrow keys walk along them. */
function segments<K extends "correctness" | "by" | "measure">(
  { store, signal }: Use,
  key: K,
  caption: string,
  names: Record<Settable[K], string>,
): HTMLElement {
  groups += 1;
  const name = `ll-${key}-${groups}`;
  const inputs = Object.keys(names).map((value) => h("input", { type: "radio", name, value }));
  const set = h(
    "fieldset",
    { className: "ll-segments", aria: { label: caption } },
    // Beside the control it follows, the last word of the name is enough to see.
    h("legend", {}, caption.split(" ").pop()),
    h(
      "div",
      {},
      ...inputs.map((input) =>
        h("label", {}, input, h("span", {}, names[input.value as Settable[K]])),
      ),
    ),
  );
  store.watch(
    [key],
    () => {
      for (const input of inputs) input.checked = input.value === store.get(key);
    },
    signal,
  );
  set.addEventListener(
    "change",
    ({ target }) => store.set({ [key]: (target as HTMLInputElement).value }),
    { signal },
  );
  return set;
}

function k_input({ store, signal }: Use): HTMLElement {
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
  input.addEventListener("input", take, { signal });
  // What is out of range is put right when one leaves the field.
  const put_right = (): void => {
    input.value = String(store.get("k"));
  };
  input.addEventListener("blur", put_right, { signal });
  return field("Top k", input);
}

function chosen({ store, signal }: Use): HTMLElement {
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
  clear.addEventListener("click", () => store.set({ selection: no_rows() }), { signal });
  return clear;
}

/** Against what the group is set beside it in the figures. */
function compare(use: Use): HTMLElement {
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
function questions(use: Use): HTMLElement {
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
  select.addEventListener("change", ask, { signal });
  return field("Ask", select);
}

function taken({ store, signal }: Use): HTMLElement {
  const clear = h("button", { type: "button", className: "ll-chip" });
  clear.title = "Rows taken into the sample by hand. Click to take them back.";
  store.watch(
    ["extra"],
    () => {
      const n = store.get("extra").length;
      clear.hidden = n === 0;
      set_text(clear, `${whole(n)} added ×`);
    },
    signal,
  );
  clear.addEventListener("click", () => store.set({ added: no_rows() }), { signal });
  return clear;
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

function no_rows(): Settable["selection"] {
  return { dtype: "uint32", shape: [0], data: new DataView(new ArrayBuffer(0)) };
}
