/** The map's elements, without what they do. */

import { h, s } from "../dom";
import type { Tool } from "./gestures";

const KEYS =
  "Arrow keys go from item to item, with Shift they move the map; plus and minus zoom, 0 shows " +
  "everything, brackets step through the sample, Enter selects the item shown, Escape clears the " +
  "selection. The same is in the tables below.";

const TOOLS: Record<Tool, { title: string; icon: string }> = {
  pan: {
    title: "Move: drag the map. Shift+drag draws a lasso, Ctrl+click selects an item.",
    icon: "M8 1.5v13M1.5 8h13M8 1.5 6 3.5M8 1.5l2 2M8 14.5l-2-2M8 14.5l2-2M1.5 8l2-2M1.5 8l2 2M14.5 8l-2-2M14.5 8l-2 2",
  },
  lasso: {
    title: "Lasso: draw around items. Shift or Ctrl adds, Alt takes away.",
    icon: "M8 2.5c3.6 0 6 1.8 6 4.2s-2.6 4-6 4c-.9 0-1.8-.1-2.6-.3M5.4 10.4C3.3 9.7 2 8.4 2 6.7c0-2.4 2.4-4.200 6-4.200M5.400 10.400c1 .9.6 2.300-.9 2.100-1.300-.2-1.400-1.700-.2-2.200M4.600 12.500c.2 1.200.9 1.700 1.800 1.800",
  },
  box: {
    title: "Box: drag a rectangle. Shift or Ctrl adds, Alt takes away.",
    icon: "M2.5 3.5h2m2 0h3m2 0h2v2m0 2v2m0 2v1.5h-2m-2 0h-3m-2 0h-2v-2m0-2v-2m0-2v-1",
  },
};

export interface MapFrame {
  bar: HTMLElement;
  tools: Record<Tool, HTMLButtonElement>;
  colour_by: HTMLSelectElement;
  clear: HTMLButtonElement;
  stage: HTMLElement;
  /** Takes the focus, the pointer and the keys; the canvas lies in it. */
  surface: HTMLElement;
  lasso: SVGPathElement;
  ring: SVGCircleElement;
  /** The clicked item and its nearest. */
  near: SVGPathElement;
  /** Names of classes over their items. */
  names: SVGGElement;
  across: HTMLElement;
  up: HTMLElement;
  tip: HTMLElement;
  /** What the keys have come to, said and not shown. */
  said: HTMLElement;
  hint: HTMLElement;
  moving: HTMLElement;
  doing: HTMLElement;
  bar_done: HTMLProgressElement;
  stop: HTMLButtonElement;
  empty: HTMLElement;
  legend: HTMLElement;
  foot: HTMLElement;
  notice: HTMLElement;
}

/** Makes the elements and puts them into `el`. */
export function map_frame(el: HTMLElement): MapFrame {
  const bar = toolbar();
  const stage = stage_elements();
  const legend = h("aside", { className: "ll-map-legend", aria: { label: "Legend" } });
  const foot = h("p", { className: "ll-map-foot" });
  const notice = h("p", { className: "ll-map-notice", hidden: true });
  notice.setAttribute("role", "status");
  el.classList.add("ll-map");
  el.setAttribute("role", "region");
  el.setAttribute("aria-label", "Latent map");
  el.append(bar.bar, h("div", { className: "ll-map-main" }, stage.stage, legend), foot, notice);
  return { ...bar, ...stage, legend, foot, notice };
}

function toolbar() {
  const tools = Object.fromEntries(
    Object.entries(TOOLS).map(([tool, { title, icon }]) => [tool, icon_button(tool, title, icon)]),
  ) as Record<Tool, HTMLButtonElement>;
  const colour_by = h("select", { className: "ll-map-colour", title: "What the colours mean" });
  const bar = h(
    "div",
    { className: "ll-map-bar" },
    h("h3", {}, "Latent map"),
    group("Tool", tools.pan, tools.lasso, tools.box),
    group(
      "Zoom",
      text_button("in", "+", "Zoom in (+)"),
      text_button("out", "\u2212", "Zoom out (-)"),
      text_button("whole", "fit", "Show everything (0 or double-click)"),
    ),
    h("label", { className: "ll-map-by" }, h("span", {}, "colour"), colour_by),
  );
  return { bar, tools, colour_by };
}

function group(label: string, ...buttons: HTMLButtonElement[]): HTMLElement {
  const box = h("div", { className: "ll-map-tools", aria: { label } }, ...buttons);
  box.setAttribute("role", "group");
  return box;
}

function icon_button(tool: string, title: string, path: string): HTMLButtonElement {
  const icon = s("svg", { viewBox: "0 0 16 16", "aria-hidden": "true" }, s("path", { d: path }));
  const label = title.split(":")[0]!;
  return h("button", { type: "button", title, data: { tool }, aria: { label } }, icon);
}

function text_button(zoom: string, text: string, title: string): HTMLButtonElement {
  return h("button", { type: "button", title, data: { zoom }, aria: { label: title } }, text);
}

function stage_elements() {
  const lasso = s("path", { class: "ll-map-lasso" });
  const near = s("path", { class: "ll-map-near" });
  const ring = s("circle", { class: "ll-map-ring", r: 8 });
  // The legend has the names for those who cannot see where they stand.
  const names = s("g", { class: "ll-map-names" });
  const overlay = s(
    "svg",
    { class: "ll-map-overlay", "aria-hidden": "true" },
    names,
    near,
    lasso,
    ring,
  );
  const surface = h("div", { className: "ll-map-surface", tabIndex: 0 }, overlay);
  surface.setAttribute("role", "application");
  surface.setAttribute("aria-label", `Latent map. ${KEYS}`);
  const across = h("span", { className: "ll-map-across" });
  const up = h("span", { className: "ll-map-up" });
  const tip = h("div", { className: "ll-map-tip", hidden: true });
  const said = h("p", { className: "ll-unseen", role: "status" });
  const hint = h("div", { className: "ll-map-hint", aria: { hidden: "true" } });
  const clear = h("button", {
    type: "button",
    className: "ll-map-clear",
    title: "Clear the selection (Escape)",
    hidden: true,
  });
  const empty = h("div", { className: "ll-map-empty" });
  const doing = h("span", {});
  const bar_done = h("progress", { max: 1 });
  const stop = h("button", { type: "button", title: "Keep the layout as it is now" }, "stop");
  const moving = h("div", { className: "ll-map-moving", hidden: true }, doing, bar_done, stop);
  const stage = h(
    "div",
    { className: "ll-map-stage" },
    surface,
    across,
    up,
    empty,
    moving,
    clear,
    hint,
    tip,
    said,
  );
  return {
    clear,
    stage,
    surface,
    lasso,
    ring,
    near,
    names,
    across,
    up,
    tip,
    said,
    hint,
    moving,
    doing,
    bar_done,
    stop,
    empty,
  };
}
