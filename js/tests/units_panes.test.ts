import { afterEach, describe, expect, it, vi } from "vitest";
import { rows } from "../play/fake_model";
import { WIDTHS } from "../play/made_up";
import { decode, encode } from "../src/codec";
import { contrast } from "../src/panes/contrast";
import type { Pane } from "../src/panes/pane";
import { strip } from "../src/panes/strip";
import { unit } from "../src/panes/unit";
import type { ContrastRequest, Reply } from "../src/protocol.gen";
import { answer_from, type Scene, scene } from "./scene";

const all = (el: Element, selector: string) => [...el.querySelectorAll<HTMLElement>(selector)];
const text = (el: Element, selector: string) => el.querySelector(selector)?.textContent ?? "";
const click = (el: Element | null) => el!.dispatchEvent(new MouseEvent("click", { bubbles: true }));

afterEach(() => vi.useRealTimers());

const LATENT = "fc2.relu";
const OTHER = "fc1.relu";

async function show(pane: Pane, state = {}, answer = answer_from): Promise<Scene> {
  const shown = scene({ pane, state, n: 300, answer });
  await shown.settle();
  return shown;
}

/** A kernel's contrast in which unit 3 leads and unit 8 has no effect. */
const told = (): Omit<Reply, "id"> => {
  const column = (...values: number[]) => encode(Float64Array.from(values));
  return {
    kind: "contrast",
    unit: encode(Uint32Array.of(3, 5, 8)),
    effect: column(-2, 0.5, Number.NaN),
    low: column(-2.5, 0.1, Number.NaN),
    high: column(-1.5, 0.9, Number.NaN),
    p: column(0.0001, 0.2, Number.NaN),
    mean: column(1, 2, 0),
    other_mean: column(3, 1.5, 0),
    n: [4, 500],
    n_group: [4, 900],
    n_stand: 1,
    known: "estimate",
    read_out: "estimate, 4 of 4 against 500 of 900 items; approximate",
    note: "",
  } as Omit<Reply, "id">;
};

const with_contrast: typeof answer_from = (made) => (request) =>
  request.kind === "contrast" ? told() : answer_from(made)(request);

describe("what marks the selection", () => {
  it("says what to do while there is nothing to compare", async () => {
    const { el } = await show(contrast);
    expect(text(el, ".ll-instead")).toContain("Draw a lasso on the map");
    expect(all(el, ".ll-row")).toEqual([]);
  });

  it("shows the effects of the latent at once, the largest first", async () => {
    const { el, store, made, frame, fake } = await show(contrast);
    const chosen = [...made.label.keys()].filter((i) => made.label[i] === 2).slice(0, 9);
    store.set({ selection: rows(...chosen), dragging: true });
    frame();
    const found = store.get("contrast")!;
    expect(found.n).toEqual([9, made.label.filter((c) => c === 2).length - 9]);
    expect(all(el, ".ll-row").map((row) => Number(row.dataset.unit))).toEqual(
      Array.from(found.unit.slice(0, 12)),
    );
    const [a, b] = [0, 1].map((at) => Math.abs(found.effect[at]!)) as [number, number];
    expect(a).toBeGreaterThanOrEqual(b);
    expect(text(el, ".ll-badge")).toBe("exact");
    expect(text(el, ".ll-worth-full")).toBe(found.read_out);
    expect(fake.sent.filter(({ kind }) => kind === "contrast")).toEqual([]);
  });

  it("asks the kernel for other layers once the controls rest, and for nothing while dragged", async () => {
    const shown = await show(contrast, { layer: OTHER }, with_contrast);
    const { el, store, fake } = shown;
    const asked = () => fake.sent.filter(({ kind }) => kind === "contrast");
    store.set({ selection: rows(1, 2, 3, 4), dragging: true });
    await shown.settle();
    expect(asked()).toEqual([]);
    store.set({ dragging: false });
    await shown.settle();
    expect(asked()).toHaveLength(1);
    const [request] = asked() as ContrastRequest[];
    expect(Array.from(decode(request!.selection!))).toEqual([1, 2, 3, 4]);
    expect(request!.against).toBe("rest");
    expect(all(el, ".ll-row").map((row) => row.dataset.unit)).toEqual(["3", "5"]);
    expect(all(el, ".ll-hit")).toHaveLength(1);
    expect([text(el, ".ll-badge"), text(el, ".ll-n")]).toEqual(["estimate", "n 4 against 900"]);
    expect(all(el, ".ll-row")[0]!.getAttribute("aria-label")).toBe(
      "unit 3: effect g -2.00, -2.50 to -1.50, mean 1 against 3, p < 0.001",
    );
  });

  it("picks a unit by a click", async () => {
    const { el, store, frame } = await show(contrast, { label: "two" });
    const row = el.querySelector<HTMLElement>(".ll-row")!;
    click(row);
    frame();
    expect([store.get("unit"), store.get("color_by")]).toEqual([Number(row.dataset.unit), "unit"]);
  });

  it("stops the model's run and takes it up again", async () => {
    const shown = await show(contrast, { layer: OTHER }, (made) => (request) => {
      if (request.kind === "contrast") return { kind: "dropped" };
      return answer_from(made)(request);
    });
    const { el, store, fake } = shown;
    const asked = (kind: string) => fake.sent.filter((one) => one.kind === kind).length;
    store.set({ selection: rows(1, 2, 3, 4) });
    await shown.settle();
    expect(text(el, ".ll-instead")).toBe("Stopped.");
    expect(text(el, ".ll-run")).toBe("Run");
    expect(asked("contrast")).toBe(1);
    click(el.querySelector(".ll-run"));
    await shown.settle();
    expect(asked("contrast")).toBe(2);
  });

  it("asks for nothing while no view shows it", async () => {
    const shown = await show(strip, { layer: OTHER }, with_contrast);
    shown.store.set({ selection: rows(1, 2, 3, 4) });
    await shown.settle();
    expect(shown.fake.sent.some(({ kind }) => kind === "contrast")).toBe(false);
  });
});

describe("one unit", () => {
  it("says how to pick one while there is none", async () => {
    const { el } = await show(unit);
    expect(text(el, ".ll-instead")).toContain("Click a bar or the mean curve");
  });

  it("has its exact mean over each class, right and wrong, with their numbers", async () => {
    const { el, made, store } = await show(unit, { unit: 5 });
    const values = made.activations(LATENT);
    const cell = (label: number, right: boolean) =>
      [...made.label.keys()].filter(
        (i) => made.label[i] === label && (made.pred[i] === label) === right,
      );
    expect(text(el, "h3")).toBe(`Unit 5 of ${LATENT}`);
    const shown = all(el, ".ll-class-row");
    expect(shown).toHaveLength(store.get("about")!.classes.length);
    const two = shown[2]!.querySelectorAll("text.ll-right");
    for (const [at, right] of [
      [0, true],
      [1, false],
    ] as const) {
      const inside = cell(2, right);
      const mean = inside.reduce((sum, i) => sum + values[i * WIDTHS[LATENT]! + 5]!, 0);
      expect(two[2 * at + 1]!.textContent).toBe(String(inside.length));
      if (inside.length) {
        expect(Number(two[2 * at]!.textContent)).toBeCloseTo(mean / inside.length, 1);
      }
    }
    expect(text(el, ".ll-worth")).toContain("Activation exact for all 300 items");
  });

  it("takes from the kernel what the index does not have", async () => {
    const value = new Float32Array(300).fill(Number.NaN);
    value.set([0.5, 7, 3]);
    const reply = { kind: "unit", value: encode(value), n_listed: 2, n_run: 1, limit: 0.25 };
    const none = encode(new Float64Array(30), [3, 10]);
    const shown = await show(
      strip,
      { layer: OTHER, unit: 4, color_by: "unit" },
      (made) => (request) =>
        request.kind === "unit"
          ? ({ ...reply, mean: none, n: none } as Omit<Reply, "id">)
          : answer_from(made)(request),
    );
    const { el, store, fake } = shown;
    expect(fake.sent.filter(({ kind }) => kind === "unit")).toHaveLength(1);
    expect(store.get("unit_known")).toMatchObject({ n_listed: 2, n_run: 1, limit: 0.25 });
    click(all(el, ".ll-tabs button")[2]!);
    shown.frame();
    expect(all(el, "[data-row]").map((card) => card.dataset.row)).toEqual(["1", "2", "0"]);
    expect(text(el, ".ll-note")).toContain("The first 3 are certain: all others are at most 0.25.");
  });
});

describe("a connection that was lost and is back", () => {
  /** Mount a pane over units that stay in a kernel which answers nothing, and lose the connection. */
  async function after_loss(pane: Pane, kind: "unit" | "contrast"): Promise<number> {
    const shown = await show(
      pane,
      {},
      (made) => (request) => (request.kind === kind ? undefined : answer_from(made)(request)),
    );
    const about = shown.store.get("about")!;
    const layers = about.layers.map((layer) => ({ ...layer, in_browser: false }));
    shown.store.set({ about: { ...about, layers, latent_in_browser: false }, unit: 1 });
    shown.store.set({ selection: rows(1, 2, 3, 4) });
    await shown.settle();
    const asked = () => shown.fake.sent.filter((request) => request.kind === kind).length;
    expect(asked()).toBe(1);
    shown.fake.trigger("comm_live_update");
    await shown.settle();
    await shown.settle();
    expect(shown.store.get("kernel_gone")).toBe(false);
    return asked();
  }

  it("is asked again for the unit", async () => {
    expect(await after_loss(unit, "unit")).toBe(2);
  });

  it("is asked again for the contrast", async () => {
    expect(await after_loss(contrast, "contrast")).toBe(2);
  });
});
