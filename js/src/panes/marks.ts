/** Marks in a figure that stand for units: each picks its unit, by pointer and by keys. */

import { type Child, focused, on, s } from "../dom";
import type { Store } from "../store";

/** Take a unit under the eye, or let go of it: the map and the strip follow. */
export function toggle_unit(store: Store, unit: number): void {
  if (store.get("unit") !== unit) store.set({ unit, color_by: "unit" });
  else store.set({ unit: -1, ...(store.get("color_by") === "unit" && { color_by: "label" }) });
}

/** A mark that says what it is; one of a unit, which is not negative, is a button. */
export function draw_mark(
  store: Store,
  unit: number,
  { name, said }: { name: string; said: string },
  ...parts: Child[]
): SVGElement {
  const button = unit >= 0 && {
    "data-unit": unit,
    tabindex: -1,
    role: "button",
    "aria-pressed": String(store.get("unit") === unit),
  };
  const attributes = { class: name, "aria-label": said, ...button };
  return s("g", attributes, s("title", {}, said), ...parts);
}

/** Make marks with `data-unit` act as buttons: one stop for Tab, arrows between them. */
export function make_marks(el: Element, store: Store, signal: AbortSignal): void {
  const unit_of = (target: EventTarget | null): SVGElement | HTMLElement | null =>
    (target as Element).closest<SVGElement | HTMLElement>("[data-unit]");
  on(
    el,
    "click",
    ({ target }) => {
      const mark = unit_of(target);
      if (mark) toggle_unit(store, Number(mark.dataset.unit));
    },
    signal,
  );
  on(
    el,
    "keydown",
    (event) => {
      const mark = unit_of(event.target);
      const { key } = event;
      if (!mark) return;
      const step = STEPS[key];
      if (key === "Enter" || key === " ") toggle_unit(store, Number(mark.dataset.unit));
      else if (step) step_to(el, mark, step);
      else return;
      event.preventDefault();
    },
    signal,
  );
}

const STEPS: Record<string, number> = { ArrowDown: 1, ArrowRight: 1, ArrowUp: -1, ArrowLeft: -1 };

function step_to(el: Element, from: SVGElement | HTMLElement, step: number): void {
  const marks = [...el.querySelectorAll<SVGElement | HTMLElement>("[data-unit]")];
  const to = marks[marks.indexOf(from) + step];
  if (!to) return;
  from.setAttribute("tabindex", "-1");
  to.setAttribute("tabindex", "0");
  to.focus();
}

/** Put new marks in place of the old ones, keeping the focus on the same unit. */
export function replace_marks(parent: Element, marks: Element[]): void {
  const held = focused(parent);
  const unit = parent.contains(held) ? (held as SVGElement).dataset.unit : undefined;
  const find = () => marks.find((mark) => (mark as SVGElement).dataset.unit === unit);
  const stop = unit === undefined ? undefined : find();
  const first = stop ?? marks.find((mark) => mark.hasAttribute("data-unit"));
  first?.setAttribute("tabindex", "0");
  parent.replaceChildren(...marks);
  if (stop) (stop as SVGElement).focus();
}
