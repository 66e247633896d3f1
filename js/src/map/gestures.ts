/** What hands do on the map: pointer, wheel and keys, told as intents. */

import { box_polygon, type Combine, type Point } from "../geometry";

export type Tool = "pan" | "lasso" | "box";

export interface Hands {
  tool(): Tool;
  pan(by: Point): void;
  zoom(at: Point, factor: number): void;
  reset(): void;
  /** The outline being drawn, on screen; null when there is none. */
  outline(polygon: Point[] | null): void;
  pick(polygon: Point[], how: Combine): void;
  /** A click on a place; `toggle` with a modifier held. */
  tap(at: Point, toggle: boolean): void;
  hover(at: Point | null): void;
  /** Escape, with nothing being drawn. */
  clear(): void;
  /** To the next item in a direction; y upwards. */
  go(along: Point): void;
  /** To the next or the previous item of the sample. */
  step(by: 1 | -1): void;
  /** Into or out of the selection: the item under the pointer. */
  toggle(): void;
  /** The wheel was turned over a map that has not been clicked. */
  unheard_wheel(): void;
  centre(): Point;
}

/** How far a pointer may tremble within a click, in CSS pixels. */
const CLICK_PX = 4;
/** A lasso's corners are at least this far apart, in CSS pixels. */
const CORNER_PX = 2;
const KEY_ZOOM = 1.3;
const KEY_PAN_PX = 48;
/** Where arrow keys lead; y upwards. */
const ARROWS: Record<string, Point> = {
  ArrowLeft: { x: -1, y: 0 },
  ArrowRight: { x: 1, y: 0 },
  ArrowUp: { x: 0, y: 1 },
  ArrowDown: { x: 0, y: -1 },
};

interface Drag {
  kind: Tool;
  start: Point;
  last: Point;
  path: Point[];
  moved: boolean;
}

/** Listens on `surface` until the signal aborts. */
export function listen(surface: HTMLElement, hands: Hands, signal: AbortSignal): void {
  const gestures = new Gestures(surface, hands);
  const on = <K extends keyof HTMLElementEventMap>(
    name: K,
    run: (event: HTMLElementEventMap[K]) => void,
    passive = true,
  ) => surface.addEventListener(name, run, { signal, passive });
  on("pointerdown", (event) => gestures.down(event));
  on("pointermove", (event) => gestures.move(event));
  on("pointerup", (event) => gestures.up(event));
  on("pointercancel", (event) => gestures.cancel(event));
  on("pointerleave", () => gestures.leave());
  on("dblclick", () => hands.reset());
  on("wheel", (event) => gestures.wheel(event), false);
  on("keydown", (event) => gestures.key(event), false);
}

/** With Shift, Ctrl or ⌘ add, with Alt take away. */
export function combination(event: MouseEvent, shift_adds = true): Combine {
  if (event.altKey) return "remove";
  if (event.ctrlKey || event.metaKey || (shift_adds && event.shiftKey)) return "add";
  return "replace";
}

class Gestures {
  private readonly touching = new Map<number, Point>();
  private drag: Drag | null = null;

  constructor(
    private readonly surface: HTMLElement,
    private readonly hands: Hands,
  ) {}

  down(event: PointerEvent): void {
    if (event.button !== 0) return;
    this.surface.focus({ preventScroll: true });
    this.surface.setPointerCapture?.(event.pointerId);
    const at = this.place(event);
    this.touching.set(event.pointerId, at);
    if (this.touching.size > 1) {
      this.end_drag();
      return;
    }
    const tool = this.hands.tool();
    const kind = tool === "pan" && event.shiftKey ? "lasso" : tool;
    this.drag = { kind, start: at, last: at, path: [at], moved: false };
  }

  move(event: PointerEvent): void {
    const at = this.place(event);
    const before = this.touching.get(event.pointerId);
    if (before && this.touching.size === 2) this.pinch(event.pointerId, before, at);
    if (before) this.touching.set(event.pointerId, at);
    if (!this.drag) {
      if (this.touching.size === 0) this.hands.hover(at);
      return;
    }
    if (!this.drag.moved && distance(this.drag.start, at) < CLICK_PX) return;
    if (!this.drag.moved) this.hands.hover(null);
    this.drag.moved = true;
    this.pull(this.drag, at);
  }

  up(event: PointerEvent): void {
    this.touching.delete(event.pointerId);
    const drag = this.drag;
    if (!drag) return;
    this.end_drag();
    if (!drag.moved) {
      const how = combination(event);
      this.hands.hover(drag.start);
      this.hands.tap(drag.start, how !== "replace");
    } else if (drag.kind !== "pan") {
      const shift_adds = this.hands.tool() !== "pan";
      this.hands.pick(outline_of(drag), combination(event, shift_adds));
    }
  }

  cancel(event: PointerEvent): void {
    this.touching.delete(event.pointerId);
    this.end_drag();
  }

  leave(): void {
    if (!this.drag) this.hands.hover(null);
  }

  wheel(event: WheelEvent): void {
    const root = this.surface.getRootNode() as Document | ShadowRoot;
    const asked = root.activeElement === this.surface || event.ctrlKey || event.metaKey;
    if (!asked) {
      this.hands.unheard_wheel();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
    // Lines and pages in pixels, as browsers scroll them; a pinch comes as small steps with Ctrl.
    const pixels = event.deltaY * [1, 16, 400][event.deltaMode]!;
    const per_pixel = event.ctrlKey && Math.abs(pixels) < 40 ? 0.01 : 0.0016;
    this.hands.zoom(this.place(event), Math.exp(-pixels * per_pixel));
  }

  key(event: KeyboardEvent): void {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const arrow = ARROWS[event.key];
    const run = arrow ? () => this.arrow(arrow, event.shiftKey) : this.keys[event.key];
    if (!run) return;
    run();
    event.preventDefault();
    // JupyterLab would take the key for its own.
    event.stopPropagation();
  }

  private readonly keys: Record<string, () => void> = {
    "+": () => this.hands.zoom(this.hands.centre(), KEY_ZOOM),
    "=": () => this.hands.zoom(this.hands.centre(), KEY_ZOOM),
    "-": () => this.hands.zoom(this.hands.centre(), 1 / KEY_ZOOM),
    "0": () => this.hands.reset(),
    "[": () => this.hands.step(-1),
    "]": () => this.hands.step(1),
    Enter: () => this.hands.toggle(),
    Escape: () => this.escape(),
  };

  private arrow(along: Point, moves_map: boolean): void {
    if (moves_map) this.hands.pan({ x: -KEY_PAN_PX * along.x, y: KEY_PAN_PX * along.y });
    else this.hands.go(along);
  }

  private escape(): void {
    if (this.drag?.moved && this.drag.kind !== "pan") this.end_drag();
    else this.hands.clear();
  }

  private pull(drag: Drag, at: Point): void {
    if (drag.kind === "pan") {
      this.hands.pan({ x: at.x - drag.last.x, y: at.y - drag.last.y });
      drag.last = at;
      return;
    }
    drag.last = at;
    if (distance(drag.path.at(-1)!, at) >= CORNER_PX) drag.path.push(at);
    this.hands.outline(outline_of(drag));
  }

  private pinch(id: number, before: Point, at: Point): void {
    const other = [...this.touching].find(([key]) => key !== id)![1];
    const middle = { x: (at.x + other.x) / 2, y: (at.y + other.y) / 2 };
    this.hands.pan({ x: (at.x - before.x) / 2, y: (at.y - before.y) / 2 });
    this.hands.zoom(middle, distance(at, other) / Math.max(1, distance(before, other)));
  }

  private end_drag(): void {
    this.drag = null;
    this.hands.outline(null);
  }

  private place(event: MouseEvent): Point {
    const box = this.surface.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }
}

function outline_of({ kind, start, last, path }: Drag): Point[] {
  return kind === "box" ? box_polygon(start, last) : path;
}

function distance(a: Point, b: Point): number {
  return Math.hypot(a.x - b.x, a.y - b.y);
}
