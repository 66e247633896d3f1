import { afterEach, describe, expect, it, vi } from "vitest";
import { rows } from "../play/fake_model";
import { make_bins } from "../src/panes/bins";
import { controls } from "../src/panes/controls";
import { header } from "../src/panes/header";
import { max_neurons } from "../src/panes/max_neurons";
import { envelope, mean_activation } from "../src/panes/mean_activation";
import { notices } from "../src/panes/notices";
import type { Pane } from "../src/panes/pane";
import { strip, toggled } from "../src/panes/strip";
import { top_k } from "../src/panes/top_k";
import { working } from "../src/panes/working";
import type { Figures } from "../src/query";
import type { LensStore } from "../src/store";
import { type Scene, scene } from "./scene";

const PANES: Record<string, Pane> = {
  controls,
  header,
  max_neurons,
  mean_activation,
  notices,
  strip,
  top_k,
  working,
};

const all = (el: Element, selector: string) => [...el.querySelectorAll<HTMLElement>(selector)];
const text = (el: Element, selector: string) => el.querySelector(selector)?.textContent ?? "";
const click = (el: Element | null) => el!.dispatchEvent(new MouseEvent("click", { bubbles: true }));
const press = (el: Element, key: string) =>
  el.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Mount a pane and wait for the layer. */
async function show(pane: Pane, state: Scene["made"]["state"] | object = {}): Promise<Scene> {
  const made = scene({ pane, state });
  await made.settle();
  return made;
}

describe.each(Object.entries(PANES))("%s", (_, pane) => {
  it("shows names as text, never as markup", async () => {
    const { el } = await show(pane, {
      label: "<b>nine</b>",
      error: "<b>broken</b>",
      doing: "<b>running</b>",
      fraction: 1,
    });
    expect(all(el, "b").filter((b) => /^(nine|broken|running)$/.test(b.textContent ?? ""))).toEqual(
      [],
    );
  });

  it("leaves no watcher and no listener behind", async () => {
    const { el, stop, fake, store, frame } = await show(pane);
    const before = el.outerHTML;
    stop.abort();
    expect(fake.listeners).toBe(0);
    store.set({ fraction: 0.77, unit: 2, error: "late", doing: "late", k: 3 });
    frame();
    for (const target of [el, ...all(el, "*")]) {
      click(target);
      target.dispatchEvent(new Event("change", { bubbles: true }));
    }
    expect(el.outerHTML).toBe(before);
  });
});

/** As if the lens had been made with these traits, written as Python writes them. */
function made_with(store: LensStore, given: Record<string, string>): void {
  const about = store.get("about")!;
  const start = about.code.start.map(({ name, written }) => ({
    name,
    written: given[name] ?? written,
  }));
  store.set({ about: { ...about, code: { ...about.code, start } } });
}

describe("top-k neurons", () => {
  it("shows the sample's units with their values, and which are in the exact top", async () => {
    const { el, store } = await show(top_k);
    const { top } = store.get("answer")!;
    const marks = all(el, "[data-unit].ll-row");
    expect(marks.map((mark) => Number(mark.dataset.unit))).toEqual(top!.unit);
    expect(marks.map((mark) => mark.classList.contains("ll-hit"))).toEqual(top!.hit);
    expect(text(el, ".ll-score")).toContain(store.get("answer")!.precision!.toFixed(2));
    expect(text(el, ".ll-badge")).toBe("measured");
    expect(text(el, ".ll-n")).toBe("n 10 of 200");
  });

  it("calls the figure exact when the sample is everything", async () => {
    const { el } = await show(top_k, { fraction: 1 });
    expect(text(el, ".ll-badge")).toBe("exact");
  });

  it("picks a unit by click and lets go of it by another", async () => {
    const { el, store, frame } = await show(top_k);
    const mark = el.querySelector<SVGElement>(".ll-row")!;
    const unit = Number(mark.dataset.unit);
    click(mark);
    frame();
    expect([store.get("unit"), store.get("color_by")]).toEqual([unit, "unit"]);
    expect(el.querySelector(`[data-unit="${unit}"]`)!.getAttribute("aria-pressed")).toBe("true");
    click(el.querySelector(`[data-unit="${unit}"]`));
    expect([store.get("unit"), store.get("color_by")]).toEqual([-1, "label"]);
  });

  it("is walked by arrows and picks by Enter, keeping the focus", async () => {
    const { el, store, frame } = await show(top_k);
    const marks = all(el, ".ll-row");
    expect(marks.filter((mark) => mark.getAttribute("tabindex") === "0").length).toBe(1);
    marks[0]!.focus();
    press(marks[0]!, "ArrowDown");
    expect(document.activeElement).toBe(marks[1]);
    press(marks[1]!, "Enter");
    frame();
    expect(store.get("unit")).toBe(Number(marks[1]!.dataset.unit));
    expect((document.activeElement as HTMLElement).dataset.unit).toBe(marks[1]!.dataset.unit);
  });

  it("says in words that a group is not in the sample", async () => {
    const { el, store, made, frame } = await show(top_k, { fraction: 0.005, j: 0 });
    const label = store.get("about")!.classes.find((_, c) => {
      const errors = [...made.label.keys()].filter(
        (i) => made.label[i] === c && made.pred[i] !== c,
      );
      return errors.length > 0;
    })!;
    store.set({ label, correctness: "incorrect" });
    frame();
    expect(text(el, ".ll-instead")).toMatch(
      /^No incorrect items of class .+ in the sample; \d+ in the data\.$/,
    );
  });

  it("says why the mean is not known", async () => {
    const { el, store, frame } = await show(top_k, { layer: "fc1.relu", measure: "mean" });
    expect(text(el, ".ll-instead")).toContain("Running the model on the sample");
    const asked = store.get("means_question");
    store.set({
      means: {
        asked,
        mean: null,
        low: null,
        high: null,
        effective_n: 0,
        worth: "",
        note: "",
        error: "The data has no random access.",
      },
    });
    frame();
    expect(text(el, ".ll-instead")).toContain("The data has no random access.");
  });

  it("tells which of the exact top units the sample misses", async () => {
    const { el, store } = await show(top_k);
    const { exact_top, top } = store.get("answer")!;
    const missed = exact_top!.unit.filter((unit) => !top!.unit.includes(unit));
    expect(all(el, ".ll-missed button").map((b) => Number(b.textContent))).toEqual(missed);
  });
});

describe("maximally activated neurons", () => {
  const figures = {
    counts: Uint32Array.of(0, 2, 1, 0, 0),
    exact_counts: Uint32Array.of(3, 9, 9, 0, 1),
    none: 1,
    exact_none: 4,
  } as Figures;

  it("sorts by the exact count and puts items without a maximum last", () => {
    const { bins, rest } = make_bins(figures, 10);
    expect(bins.map(({ label }) => label)).toEqual(["1", "2", "0", "4", "none"]);
    expect(rest.units).toBe(0);
  });

  it("adds up what has no room", () => {
    const { bins, rest } = make_bins(figures, 3);
    expect(bins.map(({ label }) => label)).toEqual(["1", "2", "none"]);
    expect(rest).toEqual({ units: 2, sample: 0, exact: 4 });
  });

  it("shows the distance and both shares of each unit", async () => {
    const { el, store } = await show(max_neurons, { fraction: 0.3 });
    expect(text(el, ".ll-score")).toContain(store.get("answer")!.js_distance!.toFixed(3));
    expect(el.querySelector(".ll-bin")!.getAttribute("aria-label")).toMatch(
      /of the sample .* exactly/,
    );
  });
});

describe("mean activation", () => {
  it("draws the interval that came with the mean, and says what it is worth", async () => {
    const { el, store, frame } = await show(mean_activation, { layer: "fc1.relu" });
    const mean = new Float64Array(120).fill(0.5);
    const [low, high] = [mean.map((v) => v - 0.1), mean.map((v) => v + 0.1)];
    const asked = store.get("means_question");
    const worth = "estimate, 9 of 20 items; approximate 95% interval, typically ±0.1";
    store.set({ means: { asked, mean, low, high, effective_n: 9, worth, note: "", error: "" } });
    frame();
    expect(el.querySelector(".ll-band")?.getAttribute("d")?.match(/M/g)).toHaveLength(120);
    expect(text(el, ".ll-worth")).toContain("estimate, 9 of 20 items …");
    expect(text(el, ".ll-worth-full")).toBe(worth);
    store.set({
      means: { asked, mean, low: null, high: null, effective_n: 0, worth: "", note: "", error: "" },
    });
    frame();
    expect(el.querySelector(".ll-band")).toBeNull();
  });

  it("keeps the lowest and highest of units that share a place", () => {
    const { low, high } = envelope(Float64Array.of(1, 5, -2, 0, 3, 3), 3);
    expect([Array.from(low), Array.from(high)]).toEqual([
      [1, -2, 3],
      [5, 0, 3],
    ]);
  });

  it("says that units share a place", async () => {
    const { el } = await show(mean_activation, { layer: "conv2.relu" });
    expect(text(el, ".ll-note")).toMatch(/1,600 units in \d+ steps/);
  });

  it("shows the exact mean while the sample's is not known", async () => {
    const { el } = await show(mean_activation, { layer: "fc1.relu" });
    expect(el.querySelector(".ll-area")).not.toBeNull();
    expect(el.querySelector(".ll-line")).toBeNull();
    expect(text(el, ".ll-badge")).toBe("exact");
  });
});

describe("strip", () => {
  it("begins with the sample's outliers", async () => {
    const { el, store } = await show(strip);
    const shown = all(el, "[data-row]").map((item) => Number(item.dataset.row));
    expect(shown).toEqual(Array.from(store.get("sample_order").subarray(0, shown.length)));
    expect(shown.length).toBeGreaterThan(3);
  });

  it("asks for the pictures in view in one message, and for no others", async () => {
    const { el, fake } = await show(strip, { fraction: 0.8 });
    const asked = fake.sent.filter((request) => request.kind === "pictures");
    expect(asked.length).toBe(1);
    expect(asked.flatMap(({ rows: wanted }) => wanted).length).toBe(all(el, "[data-row]").length);
  });

  it("marks wrong items by more than colour", async () => {
    const { el, made } = await show(strip, { fraction: 1, j: 1 });
    for (const item of all(el, "[data-row]")) {
      const row = Number(item.dataset.row);
      const wrong = made.label[row] !== made.pred[row];
      expect(item.querySelector(".ll-taken") !== null).toBe(wrong);
    }
  });

  it("turns to a selection made elsewhere and back when it is let go", async () => {
    const { el, store, frame } = await show(strip);
    store.set({ selection: rows(3, 5, 8) });
    frame();
    expect(all(el, "[data-row]").map((item) => item.dataset.row)).toEqual(["3", "5", "8"]);
    store.set({ selection: rows() });
    frame();
    expect(text(el, '[aria-pressed="true"]')).toBe("sample");
  });

  it("selects on click without turning away", async () => {
    const { el, store, frame } = await show(strip);
    const item = all(el, "[data-row]")[2]!;
    click(item);
    frame();
    expect(Array.from(store.get("picked"))).toEqual([Number(item.dataset.row)]);
    expect(text(el, '[aria-pressed="true"]')).toBe("sample");
  });

  it("lists a picked unit's strongest inputs", async () => {
    const { el, store, frame, made } = await show(strip);
    store.set({ unit: 4 });
    frame();
    const values = made.activations("fc2.relu");
    const shown = all(el, "[data-row]").map((item) => values[Number(item.dataset.row) * 84 + 4]!);
    expect(shown).toEqual([...shown].sort((a, b) => b - a));
    expect(shown[0]).toBe(Math.max(...Array.from({ length: 200 }, (_, i) => values[i * 84 + 4]!)));
  });

  it("says when the index alone knows the strongest", async () => {
    const { el, store, frame } = await show(strip, { layer: "fc1.relu" });
    store.set({ unit: 4 });
    frame();
    expect(text(el, ".ll-note")).toContain("of those known by the index");
  });

  it("adds to a selection and takes from it", () => {
    expect(Array.from(toggled(Uint32Array.of(2, 10), 9))).toEqual([2, 9, 10]);
    expect(Array.from(toggled(Uint32Array.of(2, 9, 10), 9))).toEqual([2, 10]);
  });
});

describe("controls", () => {
  it("give every input a name", async () => {
    const { el } = await show(controls);
    for (const input of all(el, "input, select")) {
      expect(input.closest("label")?.textContent?.trim(), input.outerHTML).not.toBe("");
    }
  });

  it("follow the slider at every step", async () => {
    const { el, store, fake, frame } = await show(controls);
    const slider = el.querySelector<HTMLInputElement>('input[type="range"]')!;
    slider.value = "0.31";
    slider.dispatchEvent(new Event("input", { bubbles: true }));
    expect(store.get("fraction")).toBe(0.31);
    frame();
    expect(fake.get("fraction")).toBe(0.31);
  });

  it("offer the usual fractions", async () => {
    const { el, store, frame } = await show(controls);
    click(el.querySelector('[value="0.4"]'));
    frame();
    expect(store.get("fraction")).toBe(0.4);
    expect(el.querySelector('[value="0.4"]')!.getAttribute("aria-pressed")).toBe("true");
  });

  it("switch j off where it does nothing, and say why", async () => {
    const { el } = await show(controls, { sampler: "random" });
    const j = all(el, 'input[type="range"]')[1] as HTMLInputElement;
    expect(j.disabled).toBe(true);
    expect(j.closest("label")!.title).toBe("Random items have no two ends to choose between.");
  });

  it("let go of a unit when the layer changes", async () => {
    const { el, store } = await show(controls, { unit: 3, color_by: "unit" });
    const field = all(el, "label").find((label) => label.textContent?.startsWith("Layer"))!;
    const select = field.querySelector("select")!;
    select.value = "fc1.relu";
    select.dispatchEvent(new Event("change", { bubbles: true }));
    expect([store.get("layer"), store.get("unit"), store.get("color_by")]).toEqual([
      "fc1.relu",
      -1,
      "label",
    ]);
  });

  it("refuse a k beyond the index and say what it holds", async () => {
    const { el, store } = await show(controls);
    const k = el.querySelector<HTMLInputElement>('input[type="number"]')!;
    k.value = "33";
    k.dispatchEvent(new Event("input", { bubbles: true }));
    expect(store.get("k")).toBe(10);
    expect(k.title).toContain("holds 32 units");
    k.value = "7";
    k.dispatchEvent(new Event("input", { bubbles: true }));
    expect(store.get("k")).toBe(7);
  });

  it("reset what costs nothing to how the lens was made", async () => {
    const { el, store, frame } = await show(controls, {
      fraction: 0.4,
      k: 3,
      label: "two",
      selection: rows(1),
      layer: "fc3",
    });
    made_with(store, {
      fraction: "0.1",
      k: "4",
      correctness: '"correct"',
      selection: "[2, 3]",
    });
    frame();
    const button = all(el, "button").find(({ textContent }) => textContent === "Reset")!;
    expect(button.title).toContain("10 %, j 0.7, k 4");
    click(button);
    const now = (["fraction", "k", "correctness", "label", "layer"] as const).map(store.get, store);
    expect(now).toEqual([0.1, 4, "correct", "", "fc3"]);
    expect([...store.get("picked")]).toEqual([2, 3]);
  });

  it("reset to no unit where the layer is not the one it belongs to", async () => {
    const { el, store, frame } = await show(controls, {
      layer: "fc3",
      unit: 1,
      color_by: "unit",
    });
    made_with(store, { unit: "5", color_by: '"unit"', k: "30" });
    frame();
    const button = all(el, "button").find(({ textContent }) => textContent === "Reset")!;
    const { keep } = store.get("layer_info")!;
    expect(button.title).toContain(`, k ${keep}, and its class, selection and added rows. No unit`);
    click(button);
    expect([store.get("unit"), store.get("color_by")]).toEqual([-1, "label"]);
    expect(store.get("k")).toBe(keep);
    made_with(store, { layer: '"fc3"' });
    frame();
    expect(button.title).toMatch(/, and its class, unit, selection and added rows\.$/);
  });

  it("say what needs the kernel once it has gone", async () => {
    const { el, fake, frame } = await show(controls);
    fake.trigger("comm:close");
    frame();
    const sampler = el.querySelector("select")!;
    expect([sampler.disabled, sampler.title]).toEqual([
      true,
      "This needs the kernel, which has gone.",
    ]);
  });
});

describe("words", () => {
  it("count the sample and its errors in the header", async () => {
    const { el, store } = await show(header);
    const { n_errors, errors_in_sample } = store.get("counts");
    expect(text(el, ".ll-sample-line")).toBe(
      `10 of 200 items in the sample, ${errors_in_sample} of ${n_errors} errors`,
    );
    expect(text(el, ".ll-facts")).toContain("latent fc2.relu (84 units)");
  });

  it("leave a layout's progress to the map", async () => {
    const { el, store, frame } = await show(header, { status: "running", doing: "t-SNE" });
    const busy = el.querySelector<HTMLElement>(".ll-doing")!;
    expect(busy.hidden).toBe(false);
    store.set({ projection: "tsne" });
    frame();
    expect(busy.hidden).toBe(true);
  });

  it("stop what runs", async () => {
    const { el, fake } = await show(header, { status: "running", doing: "t-SNE" });
    click(el.querySelector("button"));
    expect(fake.sent.some(({ kind }) => kind === "cancel")).toBe(true);
  });

  it("show errors and a gone kernel until they are put away", async () => {
    const { el, fake, frame } = await show(notices, { error: "The model raised." });
    fake.trigger("comm:close");
    frame();
    expect(all(el, ".ll-notice b").map((b) => b.textContent)).toEqual([
      "Something went wrong",
      "Kernel gone",
    ]);
    click(el.querySelector("button"));
    expect(all(el, ".ll-notice").length).toBe(1);
  });

  it("tell how far the pass is", async () => {
    const { el } = await show(working, {
      status: "running",
      doing: "64 of 200 items",
      progress: 0.32,
    });
    expect(el.textContent).toContain("64 of 200 items");
    expect(text(el, ".ll-value")).toBe("32 %");
  });
});
