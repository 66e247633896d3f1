/** The controls of the sample: which sampler, how much, and what was added. */

import { h, on, set_aria, set_text } from "../dom";
import type { SamplerInfo } from "../protocol.gen";
import { percent, whole } from "../words";
import { drag, field, fill, menu, need_kernel, no_rows, together, type Use } from "./fields";

const PRESETS = [0.05, 0.1, 0.2, 0.4, 0.8];

export function sampler(use: Use): HTMLElement {
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

export function fraction({ store, signal }: Use): HTMLElement {
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
  on(
    bar,
    "click",
    ({ target }) => {
      const { value } = target as HTMLButtonElement;
      if (value) store.set({ fraction: Number(value) });
    },
    signal,
  );
  return together(whole_field, bar);
}

/** Why a control does nothing for this sampler. */
function why_not(info: SamplerInfo | null): string {
  return info?.reason || `${info?.title ?? "This sampler"} leaves no choice here.`;
}

export function j_slider({ store, signal }: Use): HTMLElement {
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

export function taken({ store, signal }: Use): HTMLElement {
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
  on(clear, "click", () => store.set({ added: no_rows() }), signal);
  return clear;
}
