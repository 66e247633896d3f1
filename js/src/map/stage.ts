/** The canvas of the map: which renderer draws on it, when, and what if it fails. */

import { on_end } from "../dom";
import { webgl_context, webgl_renderer } from "../gl";
import type { Theme } from "../palette";
import { words } from "../rpc";
import { canvas_renderer } from "./canvas";
import { read_paper, theme_of, watch_paper } from "./paper";
import {
  type Frame,
  list_top,
  make_scene,
  marks_for,
  type Paper,
  type Part,
  type Renderer,
  type Scene,
  WHILE_MOVING,
} from "./scene";
import { type Size, type View, WHOLE } from "./view";

const PARTS: readonly Part[] = ["layout", "ink", "palette", "flags", "roles"];
/** How long nothing may move before all items are drawn. */
const REST_MS = 160;

const PLAIN = "The map is drawn on a plain canvas, more slowly.";
export const NO_WEBGL = `WebGL 2 is not available here. ${PLAIN}`;
export const NO_CANVAS = "This browser offers no canvas to draw the map on.";
export const LOST =
  "The graphics context was lost. " +
  "The map is drawn on a plain canvas until the browser gives it back.";

export interface Stage {
  readonly scene: Scene;
  readonly view: View;
  readonly size: Size;
  readonly theme: Theme;
  readonly kind: Renderer["kind"] | "none";
  /** The element that says to those who cannot see it what the map shows. */
  readonly canvas: HTMLCanvasElement;
  /** Begin anew with `n` items. */
  reset(n: number): Scene;
  /** Something of the scene has changed. */
  changed(...parts: Part[]): void;
  look(view: View): void;
}

export interface Audience {
  /** A sentence on how it is drawn, or an empty one. */
  notice(text: string): void;
  /** A frame is about to be drawn: what lies over the canvas may follow. */
  framed(): void;
  /** The page's colours are others now. */
  themed(): void;
}

/** Puts a canvas into `host` and keeps it drawn until the signal aborts. */
export function make_stage(host: HTMLElement, audience: Audience, signal: AbortSignal): Stage {
  return new CanvasStage(host, audience, signal);
}

class CanvasStage implements Stage {
  scene = make_scene(0);
  view = WHOLE;
  private room = { width: 0, height: 0 };
  theme: Theme = "light";
  canvas: HTMLCanvasElement;
  private renderer: Renderer | null = null;
  /** Held through a loss, for its context may come back. */
  private webgl: { canvas: HTMLCanvasElement; context: WebGL2RenderingContext } | null = null;
  private paper: Paper;
  private readonly stale = new Set<Part>();
  private frame = 0;
  private refine = 0;
  private due = false;
  /** How many items the ground of the last frame had at most. */
  private limit = WHILE_MOVING;

  constructor(
    private readonly host: HTMLElement,
    private readonly audience: Audience,
    private readonly signal: AbortSignal,
  ) {
    this.paper = read_paper(host);
    this.theme = theme_of(this.paper);
    this.canvas = this.add_canvas();
    this.start_webgl();
    if (!this.renderer) this.start_plain(NO_WEBGL);
    this.watch_size();
    watch_paper(host, (paper) => this.turn(paper), signal);
    on_end(signal, () => this.free());
  }

  get size(): Size {
    return { ...this.room, reach: this.scene.reach };
  }

  get kind(): Stage["kind"] {
    return this.renderer?.kind ?? "none";
  }

  reset(n: number): Scene {
    this.scene = make_scene(n);
    this.changed(...PARTS);
    return this.scene;
  }

  changed(...parts: Part[]): void {
    for (const part of parts) this.stale.add(part);
    if (this.due) return;
    this.due = true;
    // Most changes come within a frame and should be seen in it, once they are all made.
    queueMicrotask(() => {
      this.due = false;
      if (!this.signal.aborted) this.show();
    });
  }

  look(view: View): void {
    this.view = view;
    this.schedule();
  }

  private schedule(): void {
    if (this.frame || this.signal.aborted) return;
    this.frame = requestAnimationFrame(() => this.show());
  }

  /** Draws some of the items at once, and all of them when nothing moves any more. */
  private show(): void {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    // A new sample alone leaves what lies below it as it is.
    const sampled = this.stale.size > 0 && [...this.stale].every((part) => part === "roles");
    this.draw(sampled ? this.limit : WHILE_MOVING, WHILE_MOVING);
    clearTimeout(this.refine);
    const more = Math.max(this.scene.n, this.scene.n_top) > WHILE_MOVING;
    if (more) this.refine = window.setTimeout(() => this.draw(Infinity, Infinity), REST_MS);
  }

  private draw(limit: number, top_limit: number): void {
    this.limit = limit;
    this.audience.framed();
    const { renderer, scene, size, view, paper } = this;
    if (!renderer || this.lost) return;
    if (this.stale.has("roles")) list_top(scene);
    for (const part of this.stale) renderer.upload(scene, part);
    this.stale.clear();
    if (size.width === 0 || size.height === 0) return;
    const marks = marks_for(scene, view, size);
    const frame: Frame = { view, size, density: density(), paper, marks, limit, top_limit };
    renderer.draw(scene, frame);
  }

  private get lost(): boolean {
    return this.renderer?.kind === "webgl" && (this.webgl?.context.isContextLost() ?? false);
  }

  // ---- renderers ---------------------------------------------------------------------

  private add_canvas(): HTMLCanvasElement {
    const canvas = this.host.ownerDocument.createElement("canvas");
    canvas.className = "ll-map-canvas";
    canvas.setAttribute("role", "img");
    this.host.prepend(canvas);
    return canvas;
  }

  private start_webgl(): void {
    const context = webgl_context(this.canvas);
    if (!context) return;
    this.webgl = { canvas: this.canvas, context };
    const { signal } = this;
    this.canvas.addEventListener("webglcontextlost", (event) => this.lose(event), { signal });
    this.canvas.addEventListener("webglcontextrestored", () => this.restore(), { signal });
    try {
      this.take(webgl_renderer(context), "");
    } catch (error) {
      this.webgl = null;
      this.start_plain(`${words(error)} ${PLAIN}`);
    }
  }

  private start_plain(why: string): void {
    // A canvas that has had one kind of context never gives another.
    const label = this.canvas.getAttribute("aria-label");
    if (this.webgl) this.canvas.hidden = true;
    else this.canvas.remove();
    this.canvas = this.add_canvas();
    if (label) this.canvas.setAttribute("aria-label", label);
    const context = this.canvas.getContext("2d");
    this.take(context && canvas_renderer(context), context ? why : NO_CANVAS);
  }

  /** Without this the browser would not give the context back. */
  private lose(event: Event): void {
    event.preventDefault();
    if (!this.signal.aborted) this.start_plain(LOST);
  }

  private restore(): void {
    if (!this.webgl || this.signal.aborted) return;
    const label = this.canvas.getAttribute("aria-label");
    this.renderer?.free();
    this.canvas.remove();
    this.canvas = this.webgl.canvas;
    this.canvas.hidden = false;
    if (label) this.canvas.setAttribute("aria-label", label);
    this.take(webgl_renderer(this.webgl.context), "");
  }

  private take(renderer: Renderer | null, notice: string): void {
    this.renderer = renderer;
    this.audience.notice(notice);
    this.resize();
    this.changed(...PARTS);
  }

  private free(): void {
    cancelAnimationFrame(this.frame);
    clearTimeout(this.refine);
    this.renderer?.free();
    this.renderer = null;
    const context = this.webgl?.context;
    if (context && !context.isContextLost())
      context.getExtension("WEBGL_lose_context")?.loseContext();
    this.webgl = null;
  }

  // ---- surroundings ------------------------------------------------------------------

  private watch_size(): void {
    const observer = new ResizeObserver(() => this.resize());
    observer.observe(this.host);
    on_end(this.signal, () => observer.disconnect());
    this.resize();
  }

  private resize(): void {
    const { clientWidth: width, clientHeight: height } = this.host;
    this.room = { width, height };
    const [across, down] = [Math.round(width * density()), Math.round(height * density())];
    if (this.canvas.width !== across) this.canvas.width = across;
    if (this.canvas.height !== down) this.canvas.height = down;
    this.schedule();
  }

  private turn(paper: Paper): void {
    this.paper = paper;
    this.theme = theme_of(paper);
    this.audience.themed();
    this.schedule();
  }
}

function density(): number {
  return Math.min(3, window.devicePixelRatio || 1);
}
