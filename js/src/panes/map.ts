/** The latent map: every item in the plane, the sample on top. */

import { encode } from "../codec";
import { want_for_tips } from "../columns";
import { h, set_text } from "../dom";
import { type Combine, combine, type Point, rows_inside } from "../geometry";
import { choices } from "../map/colouring";
import { type MapFrame, map_frame } from "../map/frame";
import { type Hands, listen, type Tool } from "../map/gestures";
import { build_grid, type Grid, nearest } from "../map/grid";
import { follow_items } from "../map/items";
import { make_legend } from "../map/legend";
import { level_of, OUTSIDE, REST, TOP } from "../map/scene";
import { make_stage, type Stage } from "../map/stage";
import { facts, show_tip } from "../map/tip";
import * as view from "../map/view";
import { nearest_item, next_item } from "../map/walk";
import { CORRECT } from "../palette";
import { draw_picture } from "../pictures";
import type { Store } from "../store";
import { count, short, whole } from "../words";
import type { Pane } from "./pane";

/** How near the pointer must be to an item, in CSS pixels; items on top are preferred. */
const REACH_PX = 8;
const REACH_TOP_PX = 6;
/** The grid waits this long for a layout to be drawn first. */
const GRID_MS = 30;
const HINT_MS = 1600;
const PICTURE_PX = 72;
/** A step by keys leads at least so far ahead, in CSS pixels. */
const KEY_STEP_PX = 6;
const BUTTON_ZOOM = 1.5;

const CAVEATS: Record<string, { name: string; caveat: string; across?: string; up?: string }> = {
  pca: { name: "PCA", caveat: "the two directions of largest spread", across: "PC 1", up: "PC 2" },
  tsne: { name: "t-SNE", caveat: "near means alike; distances between far groups mean little" },
  umap: { name: "UMAP", caveat: "near means alike; distances between far groups mean little" },
};

export const map: Pane = (el, store, signal) => {
  const frame = map_frame(el);
  const stage = make_stage(
    frame.surface,
    {
      notice: (text) => say(frame, text),
      framed: () => pointer.follow(),
      themed: () => items.recolour(),
    },
    signal,
  );
  const legend = make_legend(frame.legend, store, signal);
  const pointer = new Pointer(frame, stage, store, signal);
  const items = follow_items(
    store,
    stage,
    { settled: () => pointer.settle(), coloured: (colouring) => legend.show(colouring) },
    signal,
  );
  use_toolbar(frame, stage, store, pointer, signal);
  show_state(frame, stage, store, signal);
};

function say(frame: MapFrame, text: string): void {
  set_text(frame.notice, text);
  frame.notice.hidden = text === "";
}

/** Hover, selection and movement. */
class Pointer implements Hands {
  kind: Tool = "pan";
  private grid: Grid | null = null;
  private row = -1;
  /** Whether the tip belongs to what the pointer or the keys are on, not to another pane. */
  private own = false;
  private grid_timer: ReturnType<typeof setTimeout> | undefined;
  private hint_timer: ReturnType<typeof setTimeout> | undefined;

  constructor(
    private readonly frame: MapFrame,
    private readonly stage: Stage,
    private readonly store: Store,
    signal: AbortSignal,
  ) {
    listen(frame.surface, this, signal);
    store.watch(["focus", "near"], () => this.show_near(), signal);
    store.watch(["hover"], () => this.show_hover(), signal);
    store.watch(["pictures", "columns"], () => this.show_hover(), signal);
    signal.addEventListener("abort", () => {
      clearTimeout(this.grid_timer);
      clearTimeout(this.hint_timer);
    });
  }

  /** A layout has come to rest: index it once it is drawn. */
  settle(): void {
    this.grid = null;
    clearTimeout(this.grid_timer);
    this.grid_timer = setTimeout(() => {
      this.grid = build_grid(this.stage.scene.to);
    }, GRID_MS);
  }

  /** Keeps the ring and the tip on their item. */
  follow(): void {
    if (this.row >= 0) this.show_hover();
    if (this.store.get("focus") >= 0) this.show_near();
  }

  tool(): Tool {
    return this.kind;
  }

  pan(by: Point): void {
    this.stage.look(view.pan(this.stage.view, this.stage.size, by));
  }

  zoom(at: Point, factor: number): void {
    this.stage.look(view.zoom_at(this.stage.view, this.stage.size, at, factor));
  }

  reset(): void {
    this.stage.look(view.WHOLE);
  }

  centre(): Point {
    return { x: this.stage.size.width / 2, y: this.stage.size.height / 2 };
  }

  outline(polygon: Point[] | null): void {
    const path = polygon?.map(({ x, y }) => `${x.toFixed(1)} ${y.toFixed(1)}`).join("L");
    this.frame.lasso.setAttribute("d", path ? `M${path}Z` : "");
  }

  pick(polygon: Point[], how: Combine): void {
    const { view: now, size, scene } = this.stage;
    const outline = polygon.map((point) => view.to_layout(now, size, point));
    this.choose(
      rows_inside(outline, scene.to, (row) => this.open(row)),
      how,
    );
  }

  tap(at: Point, toggle: boolean): void {
    const row = this.find(at);
    if (row < 0) return;
    if (toggle) this.toggle_row(row);
    else if (this.kind === "pan")
      this.store.set({ focus: this.store.get("focus") === row ? -1 : row });
    else this.choose(Uint32Array.of(row), "replace");
  }

  hover(at: Point | null): void {
    const row = at ? this.find(at) : -1;
    if (row === this.store.get("hover")) return;
    this.own = row >= 0;
    this.store.set({ hover: row });
  }

  clear(): void {
    this.store.set({ hover: -1, focus: -1 });
    this.choose(new Uint32Array(), "replace");
  }

  step(by: 1 | -1): void {
    const rows = this.store.get("sample_order");
    if (rows.length === 0) return;
    const now = rows.indexOf(this.store.get("hover"));
    const next = now < 0 ? (by > 0 ? 0 : rows.length - 1) : (now + by + rows.length) % rows.length;
    this.come_to(rows[next]!);
  }

  go(along: Point): void {
    const { scene, view: now, size } = this.stage;
    const may = (row: number) => this.open(row);
    const least = KEY_STEP_PX / view.pixels_per_unit(now, size);
    const row = this.store.get("hover");
    const from = { x: scene.to[2 * row]!, y: scene.to[2 * row + 1]! };
    const next =
      row < 0
        ? nearest_item(scene.to, view.to_layout(now, size, this.centre()), may)
        : next_item(scene.to, { from, along, least }, may);
    if (next >= 0) this.come_to(next);
  }

  /** Be on an item by keys: see it, and say what it is. */
  private come_to(row: number): void {
    this.own = true;
    this.bring_into_view(row);
    this.store.set({ hover: row });
    const lines = facts(this.store, row).map(([name, value]) => `${name} ${value}`);
    set_text(this.frame.said, lines.join(", "));
  }

  toggle(): void {
    const row = this.store.get("hover");
    if (row < 0) return;
    const picked = this.toggle_row(row);
    set_text(this.frame.said, `row ${row} ${picked ? "selected" : "no longer selected"}`);
  }

  unheard_wheel(): void {
    this.frame.hint.textContent = "Click the map to zoom with the wheel, or hold Ctrl";
    this.frame.hint.classList.add("ll-shown");
    clearTimeout(this.hint_timer);
    this.hint_timer = setTimeout(() => this.frame.hint.classList.remove("ll-shown"), HINT_MS);
  }

  /** Gives whether the row is selected now. */
  private toggle_row(row: number): boolean {
    const has = this.store.get("picked").includes(row);
    this.choose(Uint32Array.of(row), has ? "remove" : "add");
    return !has;
  }

  private choose(rows: Uint32Array, how: Combine): void {
    this.store.set({ selection: encode(combine(this.store.get("picked"), rows, how)) });
  }

  /** Whether an item is more than context. */
  private open(row: number): boolean {
    const { flags, muted, ink } = this.stage.scene;
    return (flags[row]! & OUTSIDE) === 0 && muted[ink[row]!] !== 1;
  }

  private find(at: Point): number {
    const { scene, view: now, size } = this.stage;
    if (!this.grid || scene.mix < 1) return -1;
    const place = view.to_layout(now, size, at);
    const scale = view.pixels_per_unit(now, size);
    const level = (row: number) => level_of(scene.flags[row]!, scene.muted[scene.ink[row]!] === 1);
    const top = nearest(this.grid, place, REACH_TOP_PX / scale, (row) => level(row) === TOP);
    if (top >= 0) return top;
    return nearest(this.grid, place, REACH_PX / scale, (row) => level(row) !== REST);
  }

  private place_of(row: number): Point {
    const { scene, view: now, size } = this.stage;
    const along = (i: number) => scene.from[i]! + (scene.to[i]! - scene.from[i]!) * scene.mix;
    return view.to_screen(now, size, { x: along(2 * row), y: along(2 * row + 1) });
  }

  private bring_into_view(row: number): void {
    const { x, y } = this.place_of(row);
    const { width, height } = this.stage.size;
    if (x < 0 || y < 0 || x > width || y > height) {
      this.pan({ x: width / 2 - x, y: height / 2 - y });
    }
  }

  /** Lines from the clicked item to its nearest in the latent, wherever they lie. */
  private show_near(): void {
    const near = this.store.get("near");
    const row = this.store.get("focus");
    const shown = row >= 0 && row < this.stage.scene.n ? [row, ...(near?.rows ?? [])] : [];
    const [from, ...others] = shown.map((each) => this.place_of(each));
    const ring = ({ x, y }: Point, r: number) =>
      `M${(x - r).toFixed(1)} ${y.toFixed(1)}a${r} ${r} 0 1 0 ${2 * r} 0a${r} ${r} 0 1 0 ${-2 * r} 0`;
    const line = ({ x, y }: Point) =>
      `M${from!.x.toFixed(1)} ${from!.y.toFixed(1)}L${x.toFixed(1)} ${y.toFixed(1)}`;
    const parts = others.flatMap((to) => [line(to), ring(to, 5)]);
    this.frame.near.setAttribute("d", from ? [ring(from, 9), ...parts].join("") : "");
  }

  private show_hover(): void {
    const { frame, stage, store } = this;
    const row = store.get("hover");
    this.row = row;
    const shown = row >= 0 && row < stage.scene.n;
    frame.ring.classList.toggle("ll-shown", shown);
    frame.surface.classList.toggle("ll-over", shown && this.own);
    if (!shown || !this.own) frame.tip.hidden = true;
    if (!shown) {
      this.own = false;
      return;
    }
    const at = this.place_of(row);
    frame.ring.setAttribute("cx", at.x.toFixed(1));
    frame.ring.setAttribute("cy", at.y.toFixed(1));
    if (!this.own) return;
    want_for_tips(store);
    const { size, scene } = stage;
    const pictured = store.get("about")?.pictures !== "none";
    const picture = pictured ? draw_picture(store.picture(row), PICTURE_PX) : null;
    const colour = scene.palette[scene.ink[row]!] ?? CORRECT;
    show_tip(frame.tip, store, { row, at, size, colour, picture });
  }
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
  frame.bar.addEventListener(
    "click",
    (event) => {
      const button = (event.target as Element).closest("button");
      if (button?.dataset.tool) take(button.dataset.tool as Tool);
      if (button?.dataset.zoom) zooms[button.dataset.zoom]?.();
    },
    { signal },
  );
  frame.clear.addEventListener("click", () => pointer.clear(), { signal });
  frame.stop.addEventListener("click", () => void store.ask({ kind: "cancel" }).catch(() => {}), {
    signal,
  });
  const { colour_by } = frame;
  colour_by.addEventListener("change", () => store.set({ color_by: colour_by.value }), { signal });
  // JupyterLab would take the keys for its own.
  colour_by.addEventListener("keydown", (event) => event.stopPropagation(), { signal });
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

/** How many items there are, in the sample and selected. */
function in_numbers(store: Store): string {
  const { n_items, n_sample } = store.get("counts");
  const n_picked = store.get("picked").length;
  const parts = [count(n_items, "item"), `${whole(n_sample)} in the sample`];
  if (n_picked > 0) parts.push(`${whole(n_picked)} selected`);
  return parts.join(", ");
}

/** How many neighbours the map keeps, of all and of the selection. */
function trust_words(store: Store): string {
  const trust = store.get("map_trust");
  if (!trust) return "";
  const all = trust.n_measured === store.get("counts").n_items;
  const how = all
    ? "exact"
    : `\u00b1 ${(1.96 * trust.error).toFixed(3)}, estimate from ${whole(trust.n_measured)} items`;
  const kept = store.get("kept");
  const own = [...store.get("picked")]
    .map((row) => kept?.[row] ?? NaN)
    .filter((x) => !Number.isNaN(x));
  const mean = own.reduce((sum, x) => sum + x, 0) / own.length;
  const selected = own.length > 0 ? `; of the selection ${mean.toFixed(2)}` : "";
  return `neighbours kept ${trust.mean.toFixed(2)} (${how}; at random ${short(trust.random)})${selected}`;
}

/** The layout's name, and what it may be read for. */
function in_words(store: Store): string {
  const points = store.get("points");
  if (!points) return "";
  const known = CAVEATS[points.projection];
  return known ? `${known.name}: ${known.caveat}` : points.projection;
}
