/** The latent map: every item in the plane, the sample on top. */

import { h, on, set_text } from "../dom";
import { make_class_names } from "../map/class_names";
import { choices } from "../map/colouring";
import { type MapFrame, map_frame } from "../map/frame";
import type { Tool } from "../map/gestures";
import { follow_items } from "../map/items";
import { make_legend } from "../map/legend";
import { Pointer } from "../map/pointer";
import { CAVEATS, in_numbers, in_words, trust_words } from "../map/said";
import { make_stage, type Stage } from "../map/stage";
import * as view from "../map/view";
import type { Store } from "../store";
import { whole } from "../words";
import type { Pane } from "./pane";

const BUTTON_ZOOM = 1.5;

export const map: Pane = (el, store, signal) => {
  const frame = map_frame(el);
  const stage = make_stage(
    frame.surface,
    {
      notice: (text) => say(frame, text),
      framed: () => {
        pointer.follow();
        names.follow();
      },
      themed: () => items.recolour(),
    },
    signal,
  );
  const legend = make_legend(frame.legend, store, signal);
  const names = make_class_names(frame.names, stage, signal);
  const pointer = new Pointer(frame, stage, store, signal);
  const items = follow_items(
    store,
    stage,
    {
      settled: () => pointer.settle(),
      coloured: (colouring) => {
        legend.show(colouring);
        names.take(colouring);
      },
    },
    signal,
  );
  use_toolbar(frame, stage, store, pointer, signal);
  show_state(frame, stage, store, signal);
};

function say(frame: MapFrame, text: string): void {
  set_text(frame.notice, text);
  frame.notice.hidden = text === "";
}

/** Tools, zoom buttons, what the colours mean, and the selection. */
function use_toolbar(
  frame: MapFrame,
  stage: Stage,
  store: Store,
  pointer: Pointer,
  signal: AbortSignal,
): void {
  const take = (tool: Tool) => {
    pointer.kind = tool;
    frame.surface.dataset.tool = tool;
    for (const [name, button] of Object.entries(frame.tools)) {
      button.setAttribute("aria-pressed", String(name === tool));
    }
  };
  const zooms: Record<string, () => void> = {
    in: () => pointer.zoom(pointer.centre(), BUTTON_ZOOM),
    out: () => pointer.zoom(pointer.centre(), 1 / BUTTON_ZOOM),
    whole: () => stage.look(view.WHOLE),
  };
  take("pan");
  on(
    frame.bar,
    "click",
    (event) => {
      const button = (event.target as Element).closest("button");
      if (button?.dataset.tool) take(button.dataset.tool as Tool);
      if (button?.dataset.zoom) zooms[button.dataset.zoom]?.();
    },
    signal,
  );
  on(frame.clear, "click", () => pointer.clear(), signal);
  on(frame.stop, "click", () => void store.ask({ kind: "cancel" }).catch(() => {}), signal);
  const { colour_by } = frame;
  on(colour_by, "change", () => store.set({ color_by: colour_by.value }), signal);
  // JupyterLab would take the keys for its own.
  on(colour_by, "keydown", (event) => event.stopPropagation(), signal);
  store.watch(
    ["color_by", "pred", "loss", "ranking", "unit", "layer", "about", "map_trust"],
    () => {
      const options = choices(store).map(({ by, title, missing }) =>
        h(
          "option",
          { value: by, disabled: missing !== "" },
          missing ? `${title} (${missing})` : title,
        ),
      );
      colour_by.replaceChildren(...options);
      colour_by.value = store.get("color_by");
    },
    signal,
  );
}

/** What the map says in words: how many, of what, and what is still to come. */
function show_state(frame: MapFrame, stage: Stage, store: Store, signal: AbortSignal): void {
  store.watch(
    ["points", "counts", "picked", "map_trust"],
    () => {
      const n_picked = store.get("picked").length;
      frame.clear.hidden = n_picked === 0;
      frame.clear.replaceChildren(`${whole(n_picked)} selected`, h("span", {}, "clear"));
      const words = in_numbers(store);
      stage.canvas.setAttribute("aria-label", words);
      set_text(
        frame.foot,
        [words, in_words(store), trust_words(store)].filter(Boolean).join(" \u00b7 "),
      );
      const points = store.get("points");
      const known = points ? CAVEATS[points.projection] : undefined;
      set_text(frame.across, known?.across ?? "");
      set_text(frame.up, known?.up ?? "");
      frame.foot.title = known ? `${known.name}: ${known.caveat}` : "";
    },
    signal,
  );
  store.watch(
    ["points", "status", "doing", "progress", "projection", "kernel_gone"],
    () => {
      const points = store.get("points");
      const doing = store.get("doing");
      const due = points && (!points.done || points.projection !== store.get("projection"));
      frame.moving.hidden = !(due && doing) || store.get("kernel_gone");
      set_text(frame.doing, doing);
      frame.bar_done.value = store.get("progress");
      frame.empty.hidden = points !== null;
      set_text(
        frame.empty,
        points ? "" : doing || "The map appears once the model has seen the data.",
      );
    },
    signal,
  );
}
