import { afterEach, describe, expect, it, vi } from "vitest";
import { write_overlay } from "../src/attribution";
import { encode } from "../src/codec";
import { closeup } from "../src/panes/closeup";
import type { Request, SaliencyRequest } from "../src/protocol.gen";
import { answer_from, type Scene, scene } from "./scene";

afterEach(() => void vi.useRealTimers());

const all = (el: Element, selector: string) => [...el.querySelectorAll<HTMLElement>(selector)];
const select = (el: Element, at: number) => all(el, "select")[at] as HTMLSelectElement;
const asked = (shown: Scene) =>
  shown.fake.sent.filter((request): request is SaliencyRequest => request.kind === "saliency");

const MAP = { map: encode(Float32Array.of(0.5, -1, 0, 0.25), [2, 2]) };
const FOUND = { of: "cat", score: 3, baseline_score: 1, total: 2.01, error: 0.01, ...MAP };

/** Mount the pane before a kernel that knows the item and answers attributions, or leaves them open. */
async function show(found: object | null = FOUND): Promise<Scene> {
  const shown = scene({
    pane: closeup,
    answer: (made) => (request: Request) => {
      if (request.kind === "saliency") {
        const { row, method } = request;
        return found ? ({ kind: "saliency", row, method, ...found } as never) : undefined;
      }
      if (request.kind !== "item") return answer_from(made)(request);
      return {
        kind: "item",
        row: request.row,
        classes: [2, 0],
        probability: [0.9, 0.1],
        picture: { row: request.row, kind: "none" },
        metadata: [["<b>age</b>", "7"]],
      };
    },
  });
  await shown.settle();
  return shown;
}

async function pick(shown: Scene, ...rows: number[]): Promise<void> {
  shown.store.set({ selection: encode(Uint32Array.from(rows)) });
  await shown.settle();
}

async function choose(shown: Scene, at: number, value: string): Promise<void> {
  select(shown.el, at).value = value;
  select(shown.el, at).dispatchEvent(new Event("change"));
  await shown.settle();
}

describe("an item by itself", () => {
  it("shows where exactly one item is selected, or one was clicked on the map", async () => {
    const shown = await show();
    expect(shown.el.hidden).toBe(true);
    await pick(shown, 4);
    expect(shown.el.hidden).toBe(false);
    await pick(shown, 4, 5);
    expect(shown.el.hidden).toBe(true);
    shown.store.set({ focus: 9 });
    await shown.settle();
    expect(shown.el.querySelector(".ll-n")!.textContent).toBe("#9");
  });

  it("says what the model makes of it, and what else is known, as text", async () => {
    const shown = await show();
    await pick(shown, 4);
    const names = all(shown.el, "dt").map((dt) => dt.textContent);
    expect(names).toEqual(["true", "predicted", "loss", "probability", "<b>age</b>"]);
    expect(all(shown.el, "dd")[3]!.textContent).toMatch(/: 90 %, .*: 10 %$/);
  });

  it("asks for no attribution before one is chosen", async () => {
    const shown = await show();
    await pick(shown, 4);
    expect(asked(shown)).toEqual([]);
    await choose(shown, 0, "integrated_gradients");
    expect(asked(shown)).toEqual([
      expect.objectContaining({ row: 4, method: "integrated_gradients", target: "pred", unit: -1 }),
    ]);
  });

  it("says what the attributions add up to and what they should", async () => {
    const shown = await show();
    await pick(shown, 4);
    await choose(shown, 0, "integrated_gradients");
    const said = shown.el.querySelector('[role="status"]')!.textContent!;
    expect(said).toContain("Attributions for cat add up to 2.01; its score is 2 above");
    expect(said).toContain("Completeness error 0.01 (0.5 % of it).");
    expect(shown.el.querySelector(".ll-item-legend")!.textContent).toBe("-1 against cat+1 for cat");
    expect(shown.el.querySelector(".ll-overlay")!.getAttribute("aria-label")).toBe(
      "integrated gradients for cat: from -1 to 0.5",
    );
  });

  it("keeps the method for the next item, and drops what belongs to the last", async () => {
    const shown = await show();
    await pick(shown, 4);
    await choose(shown, 0, "occlusion");
    await pick(shown, 5);
    expect(asked(shown).map(({ row }) => row)).toEqual([4, 5]);
    await choose(shown, 0, "");
    expect(shown.el.querySelector(".ll-overlay")).toBeNull();
  });

  it("offers the unit that was picked", async () => {
    const shown = await show();
    shown.store.set({ unit: 3 });
    await pick(shown, 4);
    await choose(shown, 1, "unit");
    await choose(shown, 0, "gradient_x_input");
    expect(asked(shown)[0]).toMatchObject({ layer: shown.store.get("layer"), unit: 3 });
  });

  it("draws bars where the input is no picture", async () => {
    const shown = await show({ ...FOUND, map: encode(Float32Array.of(1, -2, 3), [3]) });
    await pick(shown, 4);
    await choose(shown, 0, "occlusion");
    expect(all(shown.el, "rect").map((bar) => bar.getAttribute("class"))).toEqual([
      "ll-for",
      "ll-against",
      "ll-for",
    ]);
  });

  it("is attributed anew to the unit that the menu names once another is picked", async () => {
    const shown = await show();
    shown.store.set({ unit: 3 });
    await pick(shown, 4);
    await choose(shown, 1, "unit");
    await choose(shown, 0, "occlusion");
    shown.store.set({ unit: 5 });
    await shown.settle();
    expect(asked(shown).map(({ unit }) => unit)).toEqual([3, 5]);
    shown.store.set({ unit: -1 });
    await shown.settle();
    expect(asked(shown).at(-1)).toMatchObject({ target: "pred", layer: "", unit: -1 });
  });

  it("does not say that the newer of two attributions was stopped", async () => {
    const shown = await show(null);
    await pick(shown, 4);
    await choose(shown, 0, "gradient_x_input");
    await choose(shown, 0, "occlusion");
    expect(shown.el.querySelector('[role="status"]')!.textContent).toBe("");
    expect(shown.el.querySelector<HTMLElement>(".ll-item-working")!.hidden).toBe(false);
  });

  it("follows whichever came last, the click on the map or the selection", async () => {
    const shown = await show();
    const named = () => shown.el.querySelector(".ll-n")!.textContent;
    await pick(shown, 4);
    shown.store.set({ focus: 9 });
    await shown.settle();
    expect(named()).toBe("#9");
    await pick(shown, 6);
    expect(named()).toBe("#6");
    shown.store.set({ focus: -1 });
    await shown.settle();
    expect(named()).toBe("#6");
  });

  it("is asked for again when the items have changed", async () => {
    const shown = await show();
    await pick(shown, 4);
    await choose(shown, 0, "occlusion");
    const before = shown.fake.sent.length;
    shown.store.set({ items: { ...shown.store.get("items")! } });
    await shown.settle();
    const kinds = shown.fake.sent.slice(before).map(({ kind }) => kind);
    expect(kinds).toContain("item");
    expect(kinds).toContain("saliency");
  });

  it("can be stopped, and says so", async () => {
    const shown = await show(null);
    await pick(shown, 4);
    await choose(shown, 0, "occlusion");
    const stop = all(shown.el, "button").find((button) => button.textContent === "Stop")!;
    expect(stop.parentElement!.hidden).toBe(false);
    stop.click();
    expect(shown.fake.sent.at(-1)).toMatchObject({ kind: "cancel", what: "saliency" });
    shown.fake.reply({ kind: "dropped", id: asked(shown)[0]!.id });
    await shown.settle();
    expect(shown.el.querySelector('[role="status"]')!.textContent).toBe("Stopped.");
  });

  it("says why there is no attribution, and lets nobody ask", async () => {
    const shown = await show();
    const about = { ...shown.store.get("about")!, no_saliency: "Attributions take the model." };
    shown.store.set({ about });
    await pick(shown, 4);
    expect(shown.el.textContent).toContain("Attributions take the model.");
    expect(select(shown.el, 0).closest<HTMLElement>(".ll-item-controls")!.hidden).toBe(true);
  });

  it("is closed by its button, which deselects the item", async () => {
    const shown = await show();
    await pick(shown, 4);
    all(shown.el, "button")[0]!.click();
    await shown.settle();
    expect(shown.el.hidden).toBe(true);
    expect(shown.store.get("picked").length).toBe(0);
  });

  it("leaves no listener behind", async () => {
    const shown = await show();
    await pick(shown, 4);
    shown.stop.abort();
    expect(shown.fake.listeners).toBe(0);
    await choose(shown, 0, "occlusion");
    expect(asked(shown)).toEqual([]);
  });
});

describe("an overlay", () => {
  it("is as opaque as a value is large, orange for and purple against", () => {
    const out = new Uint8Array(16);
    write_overlay(Float32Array.of(0.5, -1, 0, 0.25), "both", out);
    expect([...out.slice(0, 8)]).toEqual([230, 97, 1, 127, 94, 60, 153, 255]);
    expect([out[11], out[15]]).toEqual([0, 63]);
  });

  it("may show one sign alone", () => {
    const out = new Uint8Array(16);
    write_overlay(Float32Array.of(0.5, -1, 0, 0.25), "against", out);
    expect([3, 7, 11, 15].map((at) => out[at])).toEqual([0, 255, 0, 0]);
  });
});
