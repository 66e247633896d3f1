/** The key to the map: classes with counts that switch on and off, or a scale, and the shapes. */

import { h, on, s, set_text } from "../dom";
import { css } from "../palette";
import type { Store } from "../store";
import { whole } from "../words";
import { type ClassList, make_class_list } from "./class_list";
import type { Colouring, ColourKey } from "./colouring";
import { swatch, unknown_line } from "./swatch";

export interface Legend {
  show(colouring: Colouring): void;
}

/** Fills `el`; it follows the store's counts by itself and colours as it is told. */
export function make_legend(el: HTMLElement, store: Store, signal: AbortSignal): Legend {
  const title = h("div", { className: "ll-legend-title" });
  const body = h("div", { className: "ll-legend-body" });
  el.append(title, body, shapes());
  const sought = { text: "" };
  let classes: ClassList | null = null;

  const dim = () => {
    classes?.dim();
    el.classList.toggle("ll-some-hidden", store.get("hidden").size > 0);
  };
  store.watch(["class_counts"], () => classes?.count(), signal);
  store.watch(["hidden"], dim, signal);
  on(body, "click", (event) => press(event, store), signal);
  on(body, "dblclick", (event) => event.stopPropagation(), signal);

  return {
    show(next) {
      const { key } = next;
      set_text(title, key.title);
      classes = null;
      if (key.kind === "classes") classes = make_class_list(body, store, next, key, sought);
      else if (key.kind === "states") state_rows(body, next, key.names);
      else scale(body, next, key);
    },
  };
}

function state_rows(
  body: HTMLElement,
  { palette, ink, unknown }: Colouring,
  names: string[],
): void {
  const counts = new Uint32Array(palette.length);
  for (const entry of ink) counts[entry]!++;
  const lines = names.map((name, i) =>
    h(
      "li",
      { className: "ll-legend-state" },
      swatch(css(palette[i + 1]!)),
      h("span", { className: "ll-legend-name", title: name }, name),
      h("span", { className: "ll-legend-count" }, whole(counts[i + 1]!)),
    ),
  );
  body.replaceChildren(h("ul", {}, ...lines), ...present(unknown_line(palette[0]!, unknown)));
}

function scale(
  body: HTMLElement,
  { palette, unknown }: Colouring,
  key: Extract<ColourKey, { kind: "ramp" }>,
): void {
  const colours = [0, 0.2, 0.4, 0.6, 0.8, 1].map((t) =>
    css(palette[1 + Math.round(t * (palette.length - 2))]!),
  );
  const bar = h("div", { className: "ll-legend-bar" });
  bar.style.background = `linear-gradient(to right, ${colours.join(", ")})`;
  // Long numbers leave every other tick out, and those at the ends stay inside.
  const long = key.ticks.some(({ text }) => text.length > 4);
  const ticks = key.ticks
    .filter((_, i) => !long || i % 2 === 0)
    .map(({ at, text }) => {
      const side = at < 0.1 ? "first" : at > 0.9 ? "last" : "";
      return h("span", { style: { left: `${(100 * at).toFixed(2)}%` }, data: { side } }, text);
    });
  const known = key.known < key.n && `known for ${whole(key.known)} of ${whole(key.n)} items`;
  const note = [known, key.note].filter(Boolean).join("; ");
  body.replaceChildren(
    ...present(
      key.known > 0 &&
        h(
          "div",
          { className: "ll-legend-scale" },
          bar,
          h("div", { className: "ll-legend-ticks" }, ...ticks),
        ),
      note !== "" && h("div", { className: "ll-legend-note" }, note),
      unknown_line(palette[0]!, unknown),
    ),
  );
}

function present(...children: (Node | false | null)[]): Node[] {
  return children.filter((child) => child instanceof Node);
}

/** A click switches a class, "only" leaves it alone on, or brings all back. */
function press(event: Event, store: Store): void {
  const button = (event.target as Element).closest("button");
  if (!button) return;
  const hidden = store.get("hidden");
  const { class: one, only } = button.dataset;
  if (one !== undefined) store.set({ hidden: toggled(hidden, Number(one)) });
  else if (only !== undefined)
    store.set({ hidden: isolated(hidden, Number(only), n_classes(store)) });
  else store.set({ hidden: new Set() });
}

function n_classes(store: Store): number {
  return store.get("about")?.classes.length ?? 0;
}

/** With one class more or less hidden. */
export function toggled(hidden: ReadonlySet<number>, c: number): ReadonlySet<number> {
  const next = new Set(hidden);
  if (!next.delete(c)) next.add(c);
  return next;
}

/** All but one class hidden; none, if that is so already. */
export function isolated(hidden: ReadonlySet<number>, c: number, n: number): ReadonlySet<number> {
  if (!hidden.has(c) && hidden.size === n - 1) return new Set();
  return new Set(Array.from({ length: n }, (_, i) => i).filter((i) => i !== c));
}

/** What the shapes mean. */
function shapes(): HTMLElement {
  const key = (name: string, ...marks: SVGElement[]) =>
    h("span", {}, s("svg", { viewBox: "-8 -8 16 16", "aria-hidden": "true" }, ...marks), name);
  const cross = () => s("path", { d: "M-3.5-3.5 3.5 3.5M-3.5 3.5 3.5-3.5", class: "ll-key-cross" });
  return h(
    "div",
    { className: "ll-legend-shapes" },
    key("outlier", s("circle", { r: 4, class: "ll-key-ring" })),
    key("exemplar", s("circle", { r: 4.5, class: "ll-key-dot" })),
    key("added", s("rect", { x: -4, y: -4, width: 8, height: 8, class: "ll-key-dot" })),
    key("wrong", cross()),
    key(
      "selected",
      s("circle", { r: 3, class: "ll-key-dot" }),
      s("circle", { r: 6, class: "ll-key-select" }),
    ),
  );
}
