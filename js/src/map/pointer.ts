/** Hover, selection and movement on the map, by pointer and by keys. */

import { encode } from "../codec";
import { want_for_tips } from "../columns";
import { set_text } from "../dom";
import { type Combine, combine, type Point, rows_inside } from "../geometry";
import { CORRECT } from "../palette";
import { draw_picture } from "../pictures";
import type { Store } from "../store";
import type { MapFrame } from "./frame";
import { type Hands, listen, type Tool } from "./gestures";
import { build_grid, type Grid, nearest } from "./grid";
import { level_of, OUTSIDE, REST, TOP } from "./scene";
import type { Stage } from "./stage";
import { facts, show_tip } from "./tip";
import * as view from "./view";
import { nearest_item, next_item } from "./walk";

/** How near the pointer must be to an item, in CSS pixels; items on top are preferred. */
const REACH_PX = 8;
const REACH_TOP_PX = 6;
/** The grid waits this long for a layout to be drawn first. */
const GRID_MS = 30;
const HINT_MS = 1600;
const PICTURE_PX = 72;
/** A step by keys leads at least so far ahead, in CSS pixels. */
const KEY_STEP_PX = 6;

/** What hands do on the map. */
export class Pointer implements Hands {
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
