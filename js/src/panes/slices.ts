/** Named selections as chips: click to select, rename, delete; and a field to name the one there is. */

import { decode_as, encode } from "../codec";
import { h, on, set_aria, set_text } from "../dom";
import { combine } from "../geometry";
import { combination } from "../map/gestures";
import type { Slice } from "../protocol.gen";
import type { Store } from "../store";
import { whole } from "../words";

const LONGEST_NAME = 60;

/** The chips, and the field that saves the selection under a name. */
export function named(store: Store, signal: AbortSignal): HTMLElement {
  const chips = h("span", { className: "ll-slices" });
  const why = h("span", { className: "ll-found", role: "status" });
  const save = name_field("Save as", "name the selection", "");
  const button = h("button", { type: "button" }, "Save");
  const form = h("span", { className: "ll-save" }, save, button);
  let renaming = "";

  const draw = (): void => {
    const slices = store.get("slices");
    form.hidden = store.get("picked").length === 0;
    chips.replaceChildren(
      ...slices.map((slice) =>
        slice.name === renaming ? rename_field(slice) : chip(slice, is_selected(store, slice)),
      ),
    );
    chips.querySelector("input")?.focus();
  };
  const rename = (name: string): void => {
    renaming = name;
    draw();
  };
  /** Put a name right, or say why it cannot be; null then. */
  const checked = (text: string, own = ""): string | null => {
    const name = text.trim();
    const taken = name !== own && store.get("slices").some((slice) => slice.name === name);
    set_text(why, taken ? `There is a "${name}" already: take another name, or delete it.` : "");
    return name && !taken ? name : null;
  };
  const keep = (): void => {
    const name = checked(save.value);
    if (name === null) return;
    save.value = "";
    store.set({ slices: [...store.get("slices"), { name, rows: store.get("selection") }] });
  };

  store.watch(["slices", "picked"], draw, signal);
  on(button, "click", keep, signal);
  on(save, "keydown", (event) => event.key === "Enter" && keep(), signal);
  on(
    chips,
    "click",
    (event) => {
      const { take, edit, drop } = (event.target as Element).closest("button")?.dataset ?? {};
      if (take !== undefined) select(store, take, event);
      if (edit !== undefined) rename(edit);
      if (drop !== undefined) {
        store.set({ slices: store.get("slices").filter(({ name }) => name !== drop) });
      }
    },
    signal,
  );
  on(
    chips,
    "keydown",
    (event) => {
      const field = event.target as HTMLInputElement;
      if (field.tagName !== "INPUT" || !["Enter", "Escape"].includes(event.key)) return;
      event.stopPropagation();
      const name = event.key === "Enter" ? checked(field.value, renaming) : renaming;
      if (name === null) return;
      const old = renaming;
      renaming = "";
      store.set({
        slices: store
          .get("slices")
          .map((slice) => (slice.name === old ? { ...slice, name } : slice)),
      });
      draw();
    },
    signal,
  );
  return h("span", { className: "ll-named" }, chips, form, why);
}

function name_field(label: string, placeholder: string, value: string): HTMLInputElement {
  const input = h("input", { type: "text", placeholder, value, maxLength: LONGEST_NAME });
  input.setAttribute("aria-label", label);
  return input;
}

function rename_field({ name }: Slice): HTMLElement {
  return name_field(`New name of ${name}`, "", name);
}

function chip({ name, rows }: Slice, selected: boolean): HTMLElement {
  const n = rows.shape[0] ?? 0;
  const mini = (data: Record<string, string>, text: string, title: string) =>
    h(
      "button",
      { type: "button", className: "ll-mini", title, data, aria: { label: title } },
      text,
    );
  const title = "Select these items; Shift or Ctrl adds them, Alt takes them away.";
  const take = h(
    "button",
    { type: "button", className: "ll-chip", title, data: { take: name } },
    h("span", {}, name),
    ` ${whole(n)}`,
  );
  set_aria(take, "pressed", selected);
  return h(
    "span",
    { className: "ll-slice" },
    take,
    mini({ edit: name }, "\u270e", `Rename ${name}`),
    mini({ drop: name }, "\u00d7", `Delete ${name}`),
  );
}

function rows_of(slice: Slice): Uint32Array {
  return decode_as(slice.rows, "uint32");
}

function is_selected(store: Store, slice: Slice): boolean {
  const [picked, rows] = [store.get("picked"), rows_of(slice)];
  return picked.length === rows.length && rows.every((row, i) => row === picked[i]);
}

function select(store: Store, wanted: string, event: MouseEvent): void {
  const slice = store.get("slices").find(({ name }) => name === wanted);
  if (!slice) return;
  const rows = combine(store.get("picked"), rows_of(slice), combination(event));
  store.set({ selection: encode(rows) });
}
