import { afterEach, describe, expect, it, vi } from "vitest";
import { encode } from "../src/codec";
import { colour_items } from "../src/map/colouring";
import { facts } from "../src/map/tip";
import { map } from "../src/panes/map";
import type { Pane } from "../src/panes/pane";
import { selecting } from "../src/panes/selecting";
import { strip } from "../src/panes/strip";
import type { State, Trust } from "../src/protocol.gen";
import { answer_from, type Scene, scene } from "./scene";

const N = 200;
const NEAR = [7, 3, 12];
const KEPT = Uint8Array.from({ length: N }, (_, i) => (i === 9 ? 255 : i % 16));
const TRUST: Trust = {
  projection: "pca",
  k: 15,
  kept: encode(KEPT),
  mean: 0.4321,
  error: 0.0125,
  random: 0.0754,
  n_measured: N - 1,
};

function show(pane: Pane, state: Partial<State> = {}, refuse = ""): Scene {
  return scene({
    n: N,
    pane,
    state,
    answer: (made) => (request) => {
      if (request.kind !== "neighbors") return answer_from(made)(request);
      if (refuse) return { kind: "error", message: refuse };
      const distance = encode(Float32Array.of(0.5, 1.25, 2));
      return {
        kind: "neighbors",
        row: request.row,
        rows: encode(Uint32Array.from(NEAR)),
        distance,
      };
    },
  });
}

const tab = (el: Element) => el.querySelector<HTMLButtonElement>('[value="near"]')!;
const cards = (el: Element) => [...el.querySelectorAll<HTMLElement>("[data-row]")];

afterEach(() => void vi.useRealTimers());

describe("an item's neighbours", () => {
  it("stand in the strip, the item first, with their distance", async () => {
    const made = show(strip);
    expect(tab(made.el).disabled).toBe(true);
    made.store.set({ focus: 5 });
    await made.settle();
    expect(cards(made.el).map(({ dataset }) => Number(dataset.row))).toEqual([5, ...NEAR]);
    expect(tab(made.el).textContent).toBe("near #5");
    expect(cards(made.el)[2]!.title).toContain("distance 1.25");
    made.store.set({ focus: -1 });
    await made.settle();
    expect(tab(made.el).getAttribute("aria-pressed")).toBe("false");
  });

  it("leave their distances behind when the strip turns to the selection", async () => {
    const made = show(strip);
    made.store.set({ focus: 5 });
    await made.settle();
    made.store.set({ selection: encode(Uint32Array.from([3, 7, 12])) });
    made.frame();
    made.el.querySelector<HTMLButtonElement>('[value="near"]')!.click();
    await made.settle();
    expect(cards(made.el)[1]!.title).toContain("distance 0.5");
    made.el.querySelector<HTMLButtonElement>('[value="selection"]')!.click();
    await made.settle();
    expect(cards(made.el).filter(({ title }) => title.includes("distance"))).toEqual([]);
  });

  it("are asked for by a double click on a card, and only for the newest item", async () => {
    const made = show(strip);
    await made.settle();
    const [first, second] = cards(made.el);
    made.store.set({ focus: Number(first!.dataset.row) });
    second!.dispatchEvent(new MouseEvent("dblclick", { bubbles: true }));
    await made.settle();
    const asked = made.fake.sent.flatMap((each) => (each.kind === "neighbors" ? [each.row] : []));
    expect(asked.at(-1)).toBe(Number(second!.dataset.row));
    expect(made.store.get("near")!.row).toBe(asked.at(-1));
  });

  it("that cannot be had are explained", async () => {
    const made = show(strip, {}, "This page has no kernel.");
    made.store.set({ focus: 5 });
    await made.settle();
    expect(made.el.textContent).toContain("This page has no kernel.");
  });

  it("are joined to it on the map, and let go of by Escape", async () => {
    const made = show(map);
    made.store.set({ focus: 5 });
    await made.settle();
    const path = made.el.querySelector(".ll-map-near")!;
    expect(path.getAttribute("d")!.match(/L/g)!.length).toBe(NEAR.length);
    const surface = made.el.querySelector(".ll-map-surface")!;
    surface.dispatchEvent(new KeyboardEvent("keydown", { key: "Escape", bubbles: true }));
    await made.settle();
    expect([made.store.get("focus"), path.getAttribute("d")]).toEqual([-1, ""]);
  });
});

describe("the map's trust", () => {
  it("stands by the map, of a sample of items with its error, and of the selection", async () => {
    const made = show(map, { map_trust: TRUST });
    const foot = () => made.el.querySelector(".ll-map-foot")!.textContent;
    expect(foot()).toContain(
      "neighbours kept 0.43 (\u00b1 0.025, estimate from 199 items; at random 0.0754)",
    );
    made.store.set({ selection: encode(Uint32Array.of(3, 6, 9)) });
    made.frame();
    expect(foot()).toContain("of the selection 0.30");
    made.fake.set("map_trust", { ...TRUST, n_measured: N, error: 0 });
    made.frame();
    expect(foot()).toContain("0.43 (exact; at random 0.0754)");
  });

  it("can shade the items, is told of each, and can be searched", async () => {
    const made = show(selecting, { map_trust: TRUST, color_by: "kept" });
    const { key, unknown, ink } = colour_items(made.store, "light", N);
    expect([key.kind, unknown, ink[9]]).toEqual(["ramp", 1, 0]);
    expect(ink[0]).toBeLessThan(ink[15]!);
    expect(facts(made.store, 6)).toContainEqual(["neighbours kept", "6 of 15"]);
    expect(facts(made.store, 9).map(([name]) => name)).not.toContain("neighbours kept");
    const input = made.el.querySelector<HTMLInputElement>('input[type="search"]')!;
    input.value = "kept < 0.1";
    input.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
    made.frame();
    const low = [...KEPT.keys()].filter((i) => KEPT[i]! / 15 < 0.1);
    expect([...made.store.get("picked")]).toEqual(low);
  });
});
