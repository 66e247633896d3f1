import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { rows as selection } from "../play/fake_model";
import { encode } from "../src/codec";
import { margin } from "../src/panes/margin";
import { lanes_of } from "../src/panes/margin_lanes";
import type { Ranked } from "../src/protocol.gen";
import { count_taken, cut_at, group_rows } from "../src/ranks";
import { ADDED, EXEMPLAR, OUTLIER, type Ranking } from "../src/sample";
import { type Scene, scene } from "./scene";

const all = (el: Element, selector: string) => [...el.querySelectorAll<SVGElement>(selector)];
const text = (el: Element, selector: string) => el.querySelector(selector)?.textContent ?? "";
const press = (el: Element, key: string) =>
  el.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
const point = (el: Element, type: string, clientX: number) =>
  el.dispatchEvent(new MouseEvent(type, { clientX, bubbles: true }));

beforeEach(() => localStorage.setItem("latentlens:fold:margin", "open"));
afterEach(() => vi.useRealTimers());

async function show(state = {}): Promise<Scene> {
  const shown = scene({ pane: margin, state });
  await shown.settle();
  return shown;
}

/** How many of a group's items the sample takes at each end, counted from the roles. */
function taken(shown: Scene, group: number): [number, number] {
  const [roles, ranking] = [shown.store.get("roles"), shown.store.get("ranking")!];
  const of = (role: number) =>
    [...roles.keys()].filter((i) => roles[i] === role && ranking.group[i] === group).length;
  return [of(OUTLIER), of(EXEMPLAR)];
}

const grip = ({ el }: Scene, group: number, end: string) =>
  el.querySelector<SVGElement>(`[data-lane="${group}"][data-end="${end}"]`)!;

const RANKING: Ranking = {
  group: Uint16Array.of(0, 1, 0, 0, 1, 0, 0, 0),
  rank: Uint32Array.of(2, 1, 0, 1, 0, 5, 4, 3),
  group_size: Uint32Array.of(6, 2),
  log_ratio: new Float64Array(8),
  uses_j: true,
  probability: false,
  weighted: false,
  allocation: "proportional",
  floor: 0,
};

describe("a ranking group by group", () => {
  it("lists each group's rows in its order", () => {
    expect(group_rows(RANKING).map((rows) => Array.from(rows))).toEqual([
      [2, 3, 0, 7, 6, 5],
      [4, 1],
    ]);
  });

  it("counts both ends, and not what was added by hand", () => {
    const roles = Uint8Array.of(0, EXEMPLAR, OUTLIER, OUTLIER, 0, EXEMPLAR, ADDED, 0);
    expect(count_taken(RANKING, roles)).toEqual([
      { head: 2, tail: 1 },
      { head: 0, tail: 1 },
    ]);
  });

  it.each([
    "proportional",
    "equal",
    "sqrt",
    "completion",
  ] as const)("finds the fraction and j of any cut where shares are %s", async (allocation) => {
    const shown = scene();
    shown.store.set({ ranked: { ...shown.store.get("ranked")!, allocation } });
    const ranking = shown.store.get("ranking")!;
    const size = ranking.group_size[3]!;
    for (const cut of [
      { head: 1, tail: 0 },
      { head: 4, tail: 3 },
      { head: 0, tail: 5 },
      { head: size, tail: 0 },
    ]) {
      shown.store.set(cut_at(ranking, 200, 3, cut)!);
      expect(taken(shown, 3), JSON.stringify(cut)).toEqual([cut.head, cut.tail]);
    }
  });

  it("has no fraction for nothing at all", () => {
    expect(cut_at(RANKING, 8, 0, { head: 0, tail: 0 })).toBeNull();
  });
});

describe("the margin strip", () => {
  it("has a lane for each group with what is taken of how many", async () => {
    const shown = await show({ fraction: 0.3 });
    const { el, store } = shown;
    const sizes = store.get("ranking")!.group_size;
    expect(all(el, ".ll-lane").length).toBe(10);
    all(el, ".ll-lane").forEach((lane, group) => {
      const [head, tail] = taken(shown, group);
      expect(text(lane, ".ll-faint")).toBe(`${head + tail} / ${sizes[group]}`);
      const said = all(lane, ".ll-grip").map((g) => g.getAttribute("aria-valuenow"));
      expect(said).toEqual([String(head), String(tail)]);
    });
  });

  it("cuts off as much of a lane as is taken", async () => {
    const shown = await show({ fraction: 0.5, j: 0.5 });
    const size = shown.store.get("ranking")!.group_size[0]!;
    const [head, tail] = taken(shown, 0);
    const room = 480 - 76 - 74;
    const bands = all(shown.el, ".ll-lane")[0]!.querySelectorAll(".ll-band");
    const widths = [...bands].map((band) => Number(band.getAttribute("width")));
    expect(widths[0]).toBeCloseTo((head / size) * room, 0);
    expect(widths[1]).toBeCloseTo((tail / size) * room, 0);
  });

  it("marks each error where it stands in the ranking", async () => {
    const { el, made, store } = await show();
    const ranking = store.get("ranking")!;
    const room = 480 - 76 - 74;
    all(el, ".ll-lane").forEach((lane, group) => {
      const own = [...made.label.keys()].filter((i) => ranking.group[i] === group);
      const wrong = own.filter((i) => made.label[i] !== made.pred[i]);
      const places = wrong.map(
        (i) => 76 + Math.round(((ranking.rank[i]! + 0.5) / own.length) * room),
      );
      const drawn = [
        ...lane
          .querySelector(".ll-errors")!
          .getAttribute("d")!
          .matchAll(/M(\d+)/g),
      ];
      expect(drawn.map(([, x]) => Number(x)).sort()).toEqual([...new Set(places)].sort());
    });
  });

  it("shows names as text, never as markup", async () => {
    const { el } = await show();
    expect(el.querySelector("b")).toBeNull();
    expect(all(el, ".ll-lane title").at(-1)!.textContent).toContain("<b>nine</b>");
  });

  it("sets fraction and j as a bracket is dragged, the other end staying", async () => {
    const shown = await show({ fraction: 0.3, j: 0.5 });
    const { el, store, frame } = shown;
    const [, tail] = taken(shown, 2);
    const size = store.get("ranking")!.group_size[2]!;
    const chart = el.querySelector(".ll-lanes")!;
    const at = (items: number) => 76 + (items / size) * (480 - 76 - 74);
    point(grip(shown, 2, "outlier"), "pointerdown", at(3));
    expect(store.get("dragging")).toBe(true);
    point(chart, "pointermove", at(7));
    frame();
    expect(taken(shown, 2)).toEqual([7, tail]);
    point(chart, "pointermove", at(size * 2));
    frame();
    expect(taken(shown, 2)).toEqual([size - tail, tail]);
    point(chart, "pointerup", 0);
    expect(store.get("dragging")).toBe(false);
    point(chart, "pointermove", at(1));
    frame();
    expect(taken(shown, 2)).toEqual([size - tail, tail]);
  });

  it("measures the exemplars' bracket from the other end", async () => {
    const shown = await show({ fraction: 0.3, j: 0.5 });
    const [head] = taken(shown, 2);
    const size = shown.store.get("ranking")!.group_size[2]!;
    point(grip(shown, 2, "exemplar"), "pointerdown", 0);
    const x = 76 + ((size - 5) / size) * (480 - 76 - 74);
    point(shown.el.querySelector(".ll-lanes")!, "pointermove", x);
    shown.frame();
    expect(taken(shown, 2)).toEqual([head, 5]);
  });

  it("moves brackets by keys, one item or more, and goes from lane to lane", async () => {
    const shown = await show({ fraction: 0.3, j: 0.5 });
    const { store, frame } = shown;
    const [head, tail] = taken(shown, 0);
    const size = store.get("ranking")!.group_size[0]!;
    const outlier = grip(shown, 0, "outlier");
    press(outlier, "ArrowRight");
    frame();
    expect(taken(shown, 0)).toEqual([head + 1, tail]);
    press(outlier, "Home");
    frame();
    expect(taken(shown, 0)).toEqual([0, tail]);
    press(outlier, "End");
    frame();
    expect(taken(shown, 0)).toEqual([size - tail, tail]);
    press(grip(shown, 0, "exemplar"), "ArrowRight");
    frame();
    expect(taken(shown, 0)).toEqual([size - tail, tail - 1]);
    outlier.focus();
    press(outlier, "ArrowDown");
    expect(document.activeElement).toBe(grip(shown, 1, "outlier"));
    expect(all(shown.el, '[tabindex="0"]')).toEqual(
      ["outlier", "exemplar"].map((end) => grip(shown, 1, end)),
    );
  });

  it("has one bracket for a sampler without j, which leaves j alone", async () => {
    const shown = await show({ j: 0.7 });
    const { store, frame } = shown;
    store.set({ ranked: { ...store.get("ranked")!, uses_j: false } });
    frame();
    expect(all(shown.el, ".ll-lane")[0]!.querySelectorAll(".ll-grip").length).toBe(1);
    const before = Number(grip(shown, 0, "outlier").getAttribute("aria-valuenow"));
    press(grip(shown, 0, "outlier"), "ArrowRight");
    frame();
    expect(grip(shown, 0, "outlier").getAttribute("aria-valuenow")).toBe(String(before + 1));
    expect(store.get("j")).toBe(0.7);
  });

  it("says that there is no ranking where there is none", async () => {
    const { el, store, frame } = await show();
    const n = store.get("truth").length;
    const ranked = { ...store.get("ranked")!, log_ratio: encode(new Float64Array(n)) } as Ranked;
    store.set({ ranked });
    frame();
    expect(text(el, ".ll-instead")).toContain("no ranking to show");
  });

  it("cannot be dragged where the sample has one size", async () => {
    const shown = await show();
    const { store, frame } = shown;
    store.set({ ranked: { ...store.get("ranked")!, uses_j: false, allocation: "fixed" } });
    frame();
    const before = store.get("fraction");
    expect(grip(shown, 0, "outlier").getAttribute("aria-disabled")).toBe("true");
    point(grip(shown, 0, "outlier"), "pointerdown", 100);
    press(grip(shown, 0, "outlier"), "ArrowRight");
    expect([store.get("fraction"), store.get("dragging")]).toEqual([before, false]);
  });

  it("leaves no watcher and no listener behind, and lets go of what it held", async () => {
    const shown = await show();
    const { el, stop, fake, store, frame } = shown;
    point(grip(shown, 0, "outlier"), "pointerdown", 100);
    stop.abort();
    expect([fake.listeners, store.get("dragging")]).toEqual([0, false]);
    const before = el.outerHTML;
    store.set({ fraction: 0.8, added: selection(1) });
    frame();
    press(el.querySelector(".ll-grip")!, "ArrowRight");
    expect(el.outerHTML).toBe(before);
    expect(store.get("fraction")).toBe(0.8);
  });
});

describe("very many groups", () => {
  const ranking = { ...RANKING, group_size: Uint32Array.from({ length: 500 }, (_, g) => g % 97) };
  const names = Array.from({ length: 500 }, (_, g) => `species ${g}`);

  it("are drawn only as far as they are the largest, none of them empty", () => {
    const lanes = lanes_of(ranking, names, "");
    expect(lanes.length).toBe(40);
    const least = Math.min(...lanes.map((g) => ranking.group_size[g]!));
    const others = [...names.keys()].filter((g) => !lanes.includes(g));
    expect(Math.max(...others.map((g) => ranking.group_size[g]!))).toBeLessThanOrEqual(least);
  });

  it("begin with the chosen class's, however small", () => {
    expect(lanes_of(ranking, names, "species 1")[0]).toBe(1);
    expect(lanes_of(ranking, names, "species 98")[0]).toBe(98);
  });

  it("are all drawn in their order where they are few", () => {
    const few = { ...RANKING, group_size: Uint32Array.of(3, 0, 9) };
    expect(lanes_of(few, ["a", "b", "c"], "c")).toEqual([0, 2]);
  });
});
