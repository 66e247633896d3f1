// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { FakeModel } from "../play/fake_model";
import { make_up } from "../play/made_up";
import { decode_as, encode } from "../src/codec";
import { box_polygon, normalise, rows_inside } from "../src/geometry";
import { isolated, toggled } from "../src/map/legend";
import { LOST, NO_CANVAS, NO_WEBGL } from "../src/map/stage";
import { to_layout, WHOLE } from "../src/map/view";
import { map } from "../src/panes/map";
import type { Request, State } from "../src/protocol.gen";
import { LensStore } from "../src/store";

const SIZE = { width: 640, height: 480 };

/** A context that takes any call, and counts draws. */
function stub_gl() {
  const lose = { loseContext: vi.fn() };
  const order: string[] = [];
  let lost = false;
  const known: Record<string, unknown> = {
    drawElements: vi.fn(),
    bufferData: vi.fn(),
    deleteBuffer: vi.fn(),
    isContextLost: () => lost,
    getProgramParameter: () => true,
    getExtension: (name: string) => (name === "WEBGL_lose_context" ? lose : null),
  };
  const calls = (name: string) => (known[name] as ReturnType<typeof vi.fn>).mock.calls;
  const gl = new Proxy(known, {
    get: (target, name: string) => {
      if (name in target) return target[name];
      if (name === name.toUpperCase()) return name;
      return (...given: unknown[]) => {
        order.push(name === "bindFramebuffer" && !given[1] ? `${name} null` : name);
        return {};
      };
    },
  });
  const set_lost = (value: boolean) => {
    lost = value;
  };
  return { gl, lose, calls, order, set_lost };
}

const plain = {
  createImageData: (width: number, height: number) => ({
    width,
    height,
    data: new Uint8ClampedArray(4 * width * height),
  }),
  putImageData: vi.fn(),
  clearRect: () => {},
};

function stub_contexts(contexts: Record<string, unknown>): void {
  vi.spyOn(HTMLCanvasElement.prototype, "getContext").mockImplementation(function (
    this: HTMLCanvasElement,
    kind: string,
  ) {
    const context = contexts[kind];
    if (context instanceof Error) throw context;
    if (context === plain) return { ...plain, canvas: this };
    return context ?? null;
  } as never);
}

const open: AbortController[] = [];

function mount(patch: Partial<State> = {}, n = 400) {
  const made = make_up(n);
  const state = { ...made.state, fraction: 0.1, ...patch };
  const model = new FakeModel(state, (request: Request) =>
    request.kind === "pictures"
      ? { kind: "pictures", pictures: request.rows.map((row) => made.picture(row)) }
      : undefined,
  );
  const stop = new AbortController();
  open.push(stop);
  const store = new LensStore(model.model, stop.signal);
  const el = document.createElement("section");
  document.body.append(el);
  map(el, store, stop.signal);
  const find = <E extends Element>(selector: string) => el.querySelector<E>(selector)!;
  const surface = find<HTMLElement>(".ll-map-surface");
  return { el, model, store, stop, find, surface, state, made };
}

type Mounted = ReturnType<typeof mount>;

function point(surface: Element, kind: string, [x, y]: number[], keys: PointerEventInit = {}) {
  const init = { clientX: x!, clientY: y!, button: 0, pointerId: 1, bubbles: true, ...keys };
  surface.dispatchEvent(new PointerEvent(kind, init));
}

function drag(surface: Element, path: number[][], keys: PointerEventInit = {}): void {
  point(surface, "pointerdown", path[0]!, keys);
  for (const at of path.slice(1)) point(surface, "pointermove", at, keys);
  point(surface, "pointerup", path.at(-1)!, keys);
}

function layout_of(state: State) {
  return normalise(decode_as(state.points!.xy, "float32"));
}

/** The rows in a box on screen, by other means than the map's own. */
function rows_in_box({ state }: Mounted, [x0, y0]: number[], [x1, y1]: number[]): number[] {
  const { xy, reach } = layout_of(state);
  const corners = [
    { x: x0!, y: y0! },
    { x: x1!, y: y1! },
  ].map((at) => to_layout(WHOLE, { ...SIZE, reach }, at));
  return [...rows_inside(box_polygon(corners[0]!, corners[1]!), xy)];
}

const picked = ({ store }: Mounted) => [...store.get("picked")];
/** Let a while pass, and whatever is due on the next frames, however busy the machine is. */
async function frames(ms = 60): Promise<void> {
  await new Promise((done) => setTimeout(done, ms));
  for (let n = 0; n < 3; n++) await new Promise((done) => requestAnimationFrame(done));
}

function press(surface: Element, key: string, init: KeyboardEventInit = {}): KeyboardEvent {
  const event = new KeyboardEvent("keydown", { key, bubbles: true, cancelable: true, ...init });
  surface.dispatchEvent(event);
  return event;
}

beforeEach(() => {
  vi.spyOn(HTMLElement.prototype, "clientWidth", "get").mockReturnValue(SIZE.width);
  vi.spyOn(HTMLElement.prototype, "clientHeight", "get").mockReturnValue(SIZE.height);
  stub_contexts({ "2d": plain });
});

afterEach(() => {
  for (const stop of open.splice(0)) stop.abort();
  document.body.replaceChildren();
  vi.restoreAllMocks();
});

describe("what it is drawn with", () => {
  it("is WebGL 2 where there is one, with nothing to say about it", async () => {
    const { gl, calls } = stub_gl();
    stub_contexts({ webgl2: gl });
    const { find } = mount();
    await frames();
    expect(calls("drawElements").length).toBeGreaterThan(0);
    expect(find<HTMLElement>(".ll-map-notice").hidden).toBe(true);
  });

  it("is a plain canvas without WebGL 2, and it says so", async () => {
    plain.putImageData.mockClear();
    const { find } = mount();
    await frames();
    expect(plain.putImageData).toHaveBeenCalled();
    expect(find(".ll-map-notice").textContent).toBe(NO_WEBGL);
  });

  it("is a plain canvas where asking for WebGL throws", () => {
    stub_contexts({ webgl2: new Error("blocked"), "2d": plain });
    expect(mount().find(".ll-map-notice").textContent).toBe(NO_WEBGL);
  });

  it("is nothing without any canvas, and the rest goes on", () => {
    stub_contexts({});
    const { find } = mount();
    expect(find(".ll-map-notice").textContent).toBe(NO_CANVAS);
    expect(find(".ll-map-foot").textContent).toContain("400 items, 40 in the sample");
  });

  it("uploads a byte per item and no layout on a tick", async () => {
    const { gl, calls } = stub_gl();
    stub_contexts({ webgl2: gl });
    const { store } = mount();
    await frames();
    calls("bufferData").length = 0;
    store.set({ fraction: 0.2 });
    await frames();
    const sizes = calls("bufferData").map(([, data]) => (data as ArrayBufferView).byteLength);
    expect(sizes).toEqual([400, 4 * 80]);
  });

  it("clears a canvas already shown before it copies the ground there", async () => {
    const { gl, order } = stub_gl();
    stub_contexts({ webgl2: gl });
    mount();
    await frames();
    const copy = order.lastIndexOf("blitFramebuffer");
    const screen = order.lastIndexOf("bindFramebuffer null", copy);
    expect(screen).toBeGreaterThanOrEqual(0);
    expect(order.slice(screen, copy)).toContain("clear");
  });
});

describe("a lost context", () => {
  it("leaves the picture on a plain canvas and comes back", async () => {
    const { gl, calls, set_lost } = stub_gl();
    stub_contexts({ webgl2: gl, "2d": plain });
    const { el, find } = mount();
    const canvas = find<HTMLCanvasElement>("canvas");
    const label = canvas.getAttribute("aria-label");
    const event = new Event("webglcontextlost", { cancelable: true });
    set_lost(true);
    plain.putImageData.mockClear();
    canvas.dispatchEvent(event);
    await frames();
    expect(event.defaultPrevented).toBe(true);
    expect(find(".ll-map-notice").textContent).toBe(LOST);
    expect(plain.putImageData).toHaveBeenCalled();

    set_lost(false);
    calls("drawElements").length = 0;
    canvas.dispatchEvent(new Event("webglcontextrestored"));
    await frames();
    expect(calls("drawElements").length).toBeGreaterThan(0);
    expect(find<HTMLElement>(".ll-map-notice").hidden).toBe(true);
    expect(el.querySelectorAll(".ll-map-surface canvas")).toHaveLength(1);
    expect(find("canvas").getAttribute("aria-label")).toBe(label);
  });
});

describe("the lasso and the box", () => {
  const box = [
    [200, 120],
    [420, 300],
  ];

  it("select what lies inside, ascending", () => {
    const mounted = mount();
    mounted.find<HTMLElement>("[data-tool=box]").click();
    drag(mounted.surface, box);
    const expected = rows_in_box(mounted, box[0]!, box[1]!);
    expect(expected.length).toBeGreaterThan(5);
    expect(picked(mounted)).toEqual(expected);
  });

  it("select the same when the box is drawn by hand with Shift", () => {
    const mounted = mount();
    const path = [
      [200, 120],
      [420, 120],
      [420, 300],
      [200, 300],
    ];
    drag(mounted.surface, path, { shiftKey: true });
    expect(picked(mounted)).toEqual(rows_in_box(mounted, box[0]!, box[1]!));
  });

  it("add with Shift, Ctrl or the command key and take away with Alt", () => {
    const mounted = mount();
    mounted.find<HTMLElement>("[data-tool=box]").click();
    const left = [
      [0, 0],
      [320, 480],
    ];
    const right = [
      [320.001, 0],
      [640, 480],
    ];
    const all = rows_in_box(mounted, [0, 0], [640, 480]);
    for (const key of ["shiftKey", "ctrlKey", "metaKey"]) {
      drag(mounted.surface, left);
      drag(mounted.surface, right, { [key]: true });
      expect(picked(mounted), key).toEqual(all);
    }
    drag(mounted.surface, left, { altKey: true });
    expect(picked(mounted)).toEqual(rows_in_box(mounted, right[0]!, right[1]!));
  });

  it("leave context alone", () => {
    const mounted = mount({ label: "three" });
    drag(
      mounted.surface,
      [
        [1, 1],
        [639, 1],
        [639, 479],
        [1, 479],
      ],
      { shiftKey: true },
    );
    const { label } = mounted.made;
    expect(picked(mounted).length).toBeGreaterThan(0);
    expect(new Set(picked(mounted).map((row) => label[row]))).toEqual(new Set([3]));
  });

  it("may select anew outside the selection there is", () => {
    const mounted = mount({ selection: encode(Uint32Array.of(0)) });
    mounted.find<HTMLElement>("[data-tool=box]").click();
    drag(mounted.surface, box);
    expect(picked(mounted)).toEqual(rows_in_box(mounted, box[0]!, box[1]!));
  });

  it("are given up with Escape, which else clears the selection", () => {
    const mounted = mount({ selection: encode(Uint32Array.of(3, 5)) });
    mounted.find<HTMLElement>("[data-tool=lasso]").click();
    point(mounted.surface, "pointerdown", [100, 100]);
    point(mounted.surface, "pointermove", [300, 100]);
    press(mounted.surface, "Escape");
    expect(mounted.find(".ll-map-lasso").getAttribute("d")).toBe("");
    point(mounted.surface, "pointerup", [300, 300]);
    expect(picked(mounted)).toEqual([3, 5]);
    press(mounted.surface, "Escape");
    expect(picked(mounted)).toEqual([]);
  });

  it("are counted, and a click clears them", async () => {
    const mounted = mount({ selection: encode(Uint32Array.of(3, 5)) });
    const button = mounted.find<HTMLButtonElement>(".ll-map-clear");
    expect(button.textContent).toContain("2 selected");
    button.click();
    await frames();
    expect(picked(mounted)).toEqual([]);
    expect(button.hidden).toBe(true);
  });
});

describe("moving", () => {
  it("pans without selecting", () => {
    const mounted = mount();
    drag(mounted.surface, [
      [200, 120],
      [420, 300],
    ]);
    expect(picked(mounted)).toEqual([]);
  });

  it("leaves the wheel to the page until the map has the focus", () => {
    const { surface, find } = mount();
    const turn = (init: WheelEventInit = {}) => {
      const event = new WheelEvent("wheel", { deltaY: 50, cancelable: true });
      Object.assign(event, init);
      surface.dispatchEvent(event);
      return event.defaultPrevented;
    };
    expect(turn()).toBe(false);
    expect(find(".ll-map-hint").textContent).toContain("Click the map");
    expect(turn({ ctrlKey: true })).toBe(true);
    surface.focus();
    expect(turn()).toBe(true);
  });

  it("works by keys, which go no further", () => {
    const { el, surface } = mount();
    const heard = vi.fn();
    el.addEventListener("keydown", heard);
    for (const key of ["+", "-", "0", "ArrowLeft", "ArrowUp", "]", "Escape"]) {
      expect(press(surface, key).defaultPrevented, key).toBe(true);
    }
    expect(heard).not.toHaveBeenCalled();
    expect(press(surface, "Tab").defaultPrevented).toBe(false);
    expect(heard).toHaveBeenCalledOnce();
  });
});

describe("an item under the eye", () => {
  it("is gone to by arrows, which with Shift move the map", async () => {
    const mounted = mount();
    const { surface, store, find } = mounted;
    press(surface, "ArrowRight");
    const first = store.get("hover");
    expect(first).toBeGreaterThanOrEqual(0);
    press(surface, "ArrowRight");
    const second = store.get("hover");
    expect(second).not.toBe(first);
    expect(on_screen(mounted, second)[0]).toBeGreaterThan(on_screen(mounted, first)[0]!);
    expect(find(".ll-map-stage > [role=status]").textContent).toContain(`row ${second}, `);
    press(surface, "Enter");
    expect(picked(mounted)).toEqual([second]);
    expect(find(".ll-map-stage > [role=status]").textContent).toBe(`row ${second} selected`);
    press(surface, "ArrowLeft", { shiftKey: true });
    expect(store.get("hover")).toBe(second);
  });

  it("is stepped to in the sample's order and told in words", async () => {
    const { surface, store, find } = mount();
    press(surface, "]");
    const row = store.get("sample_order")[0]!;
    expect(store.get("hover")).toBe(row);
    const tip = find<HTMLElement>(".ll-map-tip");
    await vi.waitFor(() => expect(tip.hidden).toBe(false));
    expect(tip.textContent).toContain(`row${row}`);
    expect(tip.textContent).toContain("outlier");
    press(surface, "]");
    press(surface, "[");
    expect(store.get("hover")).toBe(row);
  });

  it("is selected and let go of with Enter", () => {
    const mounted = mount();
    press(mounted.surface, "]");
    return frames().then(() => {
      press(mounted.surface, "Enter");
      expect(picked(mounted)).toEqual([mounted.store.get("hover")]);
      press(mounted.surface, "Enter");
      expect(picked(mounted)).toEqual([]);
    });
  });

  it("is found by the pointer, and its picture asked for once", async () => {
    const mounted = mount();
    await frames(120);
    const [row] = rows_in_box(mounted, [0, 0], [640, 480]);
    mounted.store.set({ color_by: "label" });
    const place = on_screen(mounted, row!);
    point(mounted.surface, "pointermove", place);
    await frames(150);
    point(mounted.surface, "pointermove", [place[0]! + 1, place[1]!]);
    await frames(150);
    expect(mounted.store.get("hover")).toBeGreaterThanOrEqual(0);
    const asked = mounted.model.sent.filter(({ kind }) => kind === "pictures");
    expect(asked).toHaveLength(1);
    point(mounted.surface, "pointerleave", [0, 0]);
    await frames();
    expect(mounted.store.get("hover")).toBe(-1);
    expect(mounted.find<HTMLElement>(".ll-map-tip").hidden).toBe(true);
  });

  it("of another pane is ringed without a tip", async () => {
    const { store, find } = mount();
    store.set({ hover: 7 });
    await frames();
    expect(find(".ll-map-ring").classList.contains("ll-shown")).toBe(true);
    expect(find<HTMLElement>(".ll-map-tip").hidden).toBe(true);
  });

  it("shows a class's name as text, never as markup", async () => {
    const { el, surface } = mount({ label: "<b>nine</b>" });
    press(surface, "]");
    await frames();
    expect(el.querySelector("b")).toBeNull();
    expect(el.textContent).toContain("<b>nine</b>");
  });
});

function on_screen({ state }: Mounted, row: number): number[] {
  const { xy, reach } = layout_of(state);
  const low = to_layout(WHOLE, { ...SIZE, reach }, { x: 0, y: 0 });
  const high = to_layout(WHOLE, { ...SIZE, reach }, { x: SIZE.width, y: SIZE.height });
  return [
    ((xy[2 * row]! - low.x) / (high.x - low.x)) * SIZE.width,
    ((xy[2 * row + 1]! - low.y) / (high.y - low.y)) * SIZE.height,
  ];
}

describe("the legend", () => {
  it("counts each class in the sample and in the data", () => {
    const { el, made, store } = mount();
    const counts = [...el.querySelectorAll(".ll-legend-class .ll-legend-count")].map(
      (count) => count.textContent,
    );
    const roles = store.get("roles");
    const expected = Array.from({ length: 10 }, (_, c) => {
      const rows = [...made.label.keys()].filter((row) => made.label[row] === c);
      return `${rows.filter((row) => roles[row]).length} / ${rows.length}`;
    });
    expect(counts).toEqual(expected);
  });

  it("dims a class on a click and shows it alone with its second button", async () => {
    const { store, find } = mount();
    find<HTMLElement>("[data-class='3']").click();
    await frames();
    expect([...store.get("hidden")]).toEqual([3]);
    expect(find("[data-class='3']").getAttribute("aria-pressed")).toBe("false");
    find<HTMLElement>("[data-only='3']").click();
    expect(store.get("hidden").size).toBe(9);
    expect(store.get("hidden").has(3)).toBe(false);
    find<HTMLElement>("[data-all]").click();
    expect(store.get("hidden").size).toBe(0);
  });

  it("gives a set anew, so that a change is seen", () => {
    const hidden = new Set([1]);
    expect([...toggled(hidden, 2)]).toEqual([1, 2]);
    expect([...toggled(hidden, 1)]).toEqual([]);
    expect([...hidden]).toEqual([1]);
    expect([...isolated(new Set(), 1, 3)]).toEqual([0, 2]);
    expect(isolated(new Set([0, 2]), 1, 3).size).toBe(0);
  });

  it("becomes a scale for a loss, and says of how many a neuron's value is known", async () => {
    const { store, find } = mount();
    store.set({ color_by: "loss" });
    await frames();
    expect(find(".ll-legend-title").textContent).toContain("Loss");
    expect(find(".ll-legend-bar")).not.toBeNull();
    const { layer, units } = store.get("layer_info")
      ? { layer: store.get("layer"), units: store.get("layer_info")!.units }
      : { layer: "", units: 0 };
    expect(units).toBeGreaterThan(0);
    store.set({ color_by: "unit", unit: 3 });
    await frames();
    expect(find(".ll-legend-title").textContent).toContain(`3 of ${layer}`);
    expect(find(".ll-legend-note").textContent).toBe("known for 0 of 400 items");
  });
});

describe("what it says", () => {
  it("tells those who cannot see it how many items there are", async () => {
    const { find, store } = mount();
    store.set({ selection: encode(Uint32Array.of(1, 2, 3)) });
    await frames();
    const label = find("canvas").getAttribute("aria-label");
    expect(find("canvas").getAttribute("role")).toBe("img");
    expect(label).toBe("400 items, 40 in the sample, 3 selected");
  });

  it("shows a layout's progress, and stops it", async () => {
    const { model, find, state } = mount();
    expect(find<HTMLElement>(".ll-map-moving").hidden).toBe(true);
    model.set("points", { ...state.points!, projection: "tsne", done: false });
    model.set("doing", "t-SNE: round 100 of 750");
    model.set("progress", 0.25);
    await frames();
    expect(find<HTMLElement>(".ll-map-moving").hidden).toBe(false);
    expect(find(".ll-map-moving").textContent).toContain("round 100");
    expect(find<HTMLProgressElement>("progress").value).toBe(0.25);
    find<HTMLElement>(".ll-map-moving button").click();
    expect(model.sent.map(({ kind }) => kind)).toContain("cancel");
  });

  it("names the projection and what may not be read from it", async () => {
    const { model, find, state } = mount({
      points: { ...make_up(400).state.points!, projection: "pca" },
    });
    expect(find(".ll-map-across").textContent).toBe("PC 1");
    model.set("points", { ...state.points!, projection: "umap" });
    await frames();
    expect(find(".ll-map-across").textContent).toBe("");
    expect(find(".ll-map-foot").textContent).toContain("distances between far groups mean little");
  });

  it("waits in words before there is a layout", () => {
    const { find } = mount({ points: null, doing: "reading batch 3 of 40" });
    expect(find(".ll-map-empty").textContent).toBe("reading batch 3 of 40");
  });
});

describe("a new layout", () => {
  it("keeps selection and zoom", async () => {
    const mounted = mount({ selection: encode(Uint32Array.of(3, 5)) });
    press(mounted.surface, "+");
    const xy = new Float32Array(800).map((_, i) => Math.cos(i * i));
    mounted.model.set("points", { projection: "tsne", xy: encode(xy, [400, 2]), done: true });
    await frames(600);
    expect(picked(mounted)).toEqual([3, 5]);
  });

  it("of other items starts anew", async () => {
    const { model, find } = mount();
    const other = make_up(120).state;
    model.set("items", other.items);
    model.set("ranked", other.ranked);
    model.set("points", other.points);
    await frames();
    expect(find(".ll-map-foot").textContent).toContain("120 items");
  });
});

describe("the end", () => {
  it("gives the context back and frees what it held", () => {
    const { gl, lose, calls } = stub_gl();
    stub_contexts({ webgl2: gl });
    const { stop } = mount();
    stop.abort();
    expect(lose.loseContext).toHaveBeenCalled();
    expect(calls("deleteBuffer")).toHaveLength(6);
  });

  it("leaves no listener behind", () => {
    const kept: string[] = [];
    const add = EventTarget.prototype.addEventListener;
    vi.spyOn(EventTarget.prototype, "addEventListener").mockImplementation(function (
      this: EventTarget,
      name: string,
      run: unknown,
      options?: unknown,
    ) {
      const { signal, once } = (options ?? {}) as AddEventListenerOptions;
      if (!(this instanceof AbortSignal) && !signal && !once) kept.push(name);
      return add.call(this, name, run as EventListener, options as AddEventListenerOptions);
    });
    const { model, stop } = mount();
    stop.abort();
    expect(kept).toEqual([]);
    expect(model.listeners).toBe(0);
  });

  it("draws and asks nothing afterwards", async () => {
    plain.putImageData.mockClear();
    const { stop, surface, store, model } = mount();
    stop.abort();
    press(surface, "]");
    store.set({ fraction: 0.5 });
    await frames(120);
    expect(plain.putImageData).not.toHaveBeenCalled();
    expect(model.sent).toEqual([]);
  });
});
