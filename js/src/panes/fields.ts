/** What controls are made of: fields with a caption, menus, sliders and segments. */

import { type Child, h, on, on_end } from "../dom";
import type { Key, Settable, Store } from "../store";

export interface Use {
  store: Store;
  signal: AbortSignal;
}

/** A control with its caption, which a click on the caption reaches. */
export function field(caption: string, ...parts: Child[]): HTMLElement {
  return h("label", { className: "ll-field" }, h("span", {}, caption), ...parts);
}

/** Controls that read as one phrase and wrap as one. */
export function together(...parts: HTMLElement[]): HTMLElement {
  return h("div", { className: "ll-together" }, ...parts);
}

/** Fill a menu, unless it says the same already: an open menu would close. */
export function fill(select: HTMLSelectElement, entries: [value: string, text: string][]): void {
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

export function menu(
  { store, signal }: Use,
  keys: Key[],
  show: (select: HTMLSelectElement) => void,
  choose: (value: string) => void,
): HTMLSelectElement {
  const select = h("select", {});
  store.watch(keys, () => show(select), signal);
  on(select, "change", () => choose(select.value), signal);
  return select;
}

/** Follow a slider at every step, and know whether it is held. */
export function drag(
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
  on(slider, "input", () => moved(Number(slider.value)), signal);
  on(slider, "pointerdown", () => hold(true), signal);
  for (const end of ["pointerup", "pointercancel", "blur"] as const) {
    on(slider, end, () => hold(false), signal);
  }
  on_end(signal, () => hold(false));
}

export function need_kernel(select: HTMLSelectElement, store: Store, otherwise = ""): void {
  const gone = store.get("kernel_gone") ? "This needs the kernel, which has gone." : "";
  select.title = gone || otherwise;
  select.disabled = select.title !== "";
}

let groups = 0;

/** A few choices side by side: radio buttons, so that arrow keys walk along them. */
export function segments<K extends "correctness" | "by" | "measure">(
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
  on(
    set,
    "change",
    ({ target }) => store.set({ [key]: (target as HTMLInputElement).value }),
    signal,
  );
  return set;
}

export function no_rows(): Settable["selection"] {
  return { dtype: "uint32", shape: [0], data: new DataView(new ArrayBuffer(0)) };
}
