import { afterEach, describe, expect, it, vi } from "vitest";
import { rows } from "../play/fake_model";
import { CLASSES, WIDTHS } from "../play/made_up";
import { count_cells, fill_count, fill_rows } from "../src/cells";
import { write_rules } from "../src/map/items";
import { OUTSIDE, ROLE, WRONG } from "../src/map/scene";
import { controls } from "../src/panes/controls";
import { header } from "../src/panes/header";
import { max_neurons } from "../src/panes/max_neurons";
import { mean_activation } from "../src/panes/mean_activation";
import { missing } from "../src/panes/missing";
import type { Pane } from "../src/panes/pane";
import { strip } from "../src/panes/strip";
import { top_k } from "../src/panes/top_k";
import { find_questions } from "../src/questions";
import { ADDED } from "../src/sample";
import { type Scene, scene } from "./scene";

const all = (el: Element, selector: string) => [...el.querySelectorAll<HTMLElement>(selector)];
const text = (el: Element, selector: string) => el.querySelector(selector)?.textContent ?? "";
const click = (el: Element | null) => el!.dispatchEvent(new MouseEvent("click", { bubbles: true }));

afterEach(() => vi.useRealTimers());

async function show(pane: Pane, state = {}): Promise<Scene> {
  const shown = scene({ pane, state, n: 600 });
  await shown.settle();
  return shown;
}

/** Rows of a class that are wrong, or right, in the data. */
function cell({ made }: Scene, label: number, right: boolean): number[] {
  return [...made.label.keys()].filter(
    (i) => made.label[i] === label && (made.pred[i] === made.label[i]) === right,
  );
}

/** A sample of exemplars alone, which has no errors. */
const NO_ERRORS = { fraction: 0.02, j: 0 };

describe("cells", () => {
  const truth = Int32Array.of(0, 0, 1, 1, -1, 0);
  const pred = Int32Array.of(0, 1, 1, 0, 1, 1);
  const roles = Uint8Array.of(1, 0, 2, ADDED, 3, 0);

  it("are counted by class and correctness, unknown classes left out", () => {
    const counted = count_cells(truth, pred, roles, "true", 2);
    expect(counted.map(({ n, n_used, n_added }) => [n, n_used, n_added])).toEqual([
      [1, 1, 0],
      [2, 0, 0],
      [1, 1, 0],
      [1, 1, 1],
    ]);
  });

  it("are other ones by predicted class", () => {
    const counted = count_cells(truth, pred, roles, "predicted", 2);
    expect(counted.map(({ n, n_used }) => [n, n_used])).toEqual([
      [1, 1],
      [1, 1],
      [1, 1],
      [2, 0],
    ]);
  });

  it("are filled by their share of the sample, at least one, at most ten", () => {
    expect([fill_count(3, 0.05), fill_count(100, 0.05), fill_count(900, 0.05)]).toEqual([1, 5, 10]);
    expect(fill_count(2, 1)).toBe(2);
  });

  it("are filled by their most outlying items", () => {
    const outlying = Uint32Array.of(5, 0, 3, 1, 4, 2);
    const odd = (row: number) => row % 2;
    expect(fill_rows(outlying, odd, new Map([[1, 2]]))).toEqual([5, 3]);
    const both = new Map([
      [0, 1],
      [1, 9],
    ]);
    expect(fill_rows(outlying, odd, both)).toEqual([5, 0, 3, 1]);
  });
});

describe("missing cells", () => {
  it("are named with how many there are in the data", async () => {
    const shown = await show(missing, NO_ERRORS);
    const said = all(shown.el, "[data-fill]").map((chip) => chip.textContent);
    const n = cell(shown, 0, false).length;
    expect(n).toBeGreaterThan(0);
    expect(said[0]).toBe(`no wrong items of zero (${n} in the data) +`);
    expect(all(shown.el, "[data-fill]")[0]!.title).toContain("in this sample");
  });

  it("are topped up by a click with the most outlying items, which the kernel hears", async () => {
    const shown = await show(missing, NO_ERRORS);
    const { el, store, fake, frame } = shown;
    const before = store.get("counts").n_sample;
    click(el.querySelector('[data-fill="1"]'));
    frame();
    const { log_ratio } = store.get("ranking")!;
    const first = cell(shown, 0, false).sort((a, b) => log_ratio[a]! - log_ratio[b]!)[0]!;
    expect(Array.from(store.get("extra"))).toEqual([first]);
    expect(fake.get("added").shape).toEqual([1]);
    expect(store.get("roles")[first]).toBe(ADDED);
    expect(store.get("counts")).toMatchObject({ n_sample: before + 1, n_added: 1 });
    expect(el.querySelector('[data-fill="1"]')).toBeNull();
    expect(text(el, "[data-back]")).toBe("1 wrong item of zero added ×");
  });

  it("are empty again when what was added is taken back", async () => {
    const { el, store, frame } = await show(missing, NO_ERRORS);
    click(el.querySelector('[data-fill="1"]'));
    frame();
    click(el.querySelector('[data-fill="5"]'));
    frame();
    expect(store.get("extra").length).toBe(2);
    click(el.querySelector('[data-back="1"]'));
    frame();
    expect(store.get("extra").length).toBe(1);
    expect(el.querySelector('[data-fill="1"]')).not.toBeNull();
  });

  it("are all topped up at once", async () => {
    const { el, store, frame } = await show(missing, NO_ERRORS);
    const lacking = store.get("cells").filter(({ n, n_used }) => n > 0 && n_used === 0).length;
    click(el.querySelector('[data-fill="all"]'));
    frame();
    expect(store.get("extra").length).toBe(lacking);
    expect(el.querySelector("[data-fill]")).toBeNull();
    expect(el.textContent).toContain("Every class is in this sample");
  });

  it("give what the sampler takes by now itself back too", async () => {
    const { el, store, frame } = await show(missing, NO_ERRORS);
    click(el.querySelector('[data-fill="1"]'));
    store.set({ fraction: 1 });
    frame();
    expect(store.get("counts").n_added).toBe(0);
    expect(text(el, '[data-back="rest"]')).toBe("1 more added ×");
    click(el.querySelector('[data-back="rest"]'));
    expect(store.get("extra").length).toBe(0);
  });

  it("show names as text, never as markup", async () => {
    const { el } = await show(missing, NO_ERRORS);
    expect(all(el, "b").map((b) => b.textContent)).not.toContain("nine");
  });

  it("leave no watcher and no listener behind", async () => {
    const { el, store, stop, fake, frame } = await show(missing, NO_ERRORS);
    stop.abort();
    const before = el.outerHTML;
    store.set({ fraction: 1 });
    frame();
    click(el.querySelector("[data-fill]"));
    expect([el.outerHTML, store.get("extra").length, fake.listeners]).toEqual([before, 0, 0]);
  });
});

describe("what was added", () => {
  it("is counted in the header", async () => {
    const { el, store, frame } = await show(header, NO_ERRORS);
    const row = [...store.get("roles").keys()].find((i) => store.get("roles")[i] === 0)!;
    store.set({ added: rows(row) });
    frame();
    expect(text(el, ".ll-sample-line")).toContain("13 of 600 items in the sample (1 added)");
  });

  it("is part of every answer and of every question to the kernel", async () => {
    const shown = await show(top_k, NO_ERRORS);
    const { store, made } = shown;
    const before = store.get("answer")!.n_used;
    const more = [...made.label.keys()].filter((i) => store.get("roles")[i] === 0).slice(0, 3);
    expect(store.get("question").added).toBeNull();
    store.set({ added: rows(...more) });
    expect(store.get("answer")!.n_used).toBe(before + 3);
    expect(store.get("question").added!.shape).toEqual([3]);
    expect(store.get("means_question").added!.shape).toEqual([3]);
  });

  it("keeps the sampler's role where the sampler takes it too", async () => {
    const { store } = await show(header);
    const row = store.get("sample_order")[0]!;
    const role = store.get("roles")[row];
    store.set({ added: rows(row) });
    expect([store.get("roles")[row], store.get("counts").n_added]).toEqual([role, 0]);
  });

  it("stands last in the sample's order and is named in the strip", async () => {
    const { el, store, frame } = await show(strip, { fraction: 0.005, j: 0 });
    const row = [...store.get("roles").keys()].find((i) => store.get("roles")[i] === 0)!;
    store.set({ added: rows(row) });
    frame();
    expect(store.get("sample_order").at(-1)).toBe(row);
    expect(all(el, "[data-row]").at(-1)!.title).toContain("added");
    expect(text(el, ".ll-note")).toContain("What was added stands last.");
  });

  it("has a role on the map that touches no other flag", async () => {
    const { store, made } = await show(header, { label: "two" });
    const flags = write_rules(store, made.label.length);
    expect(ADDED & (OUTSIDE | WRONG)).toBe(0);
    expect(ADDED & ROLE).toBe(ADDED);
    expect(flags.every((flag) => (flag & ROLE) === 0)).toBe(true);
  });

  it("is let go of by its chip in the controls and by Reset", async () => {
    const { el, store, frame } = await show(controls);
    for (const name of ["2 added ×", "Reset"]) {
      store.set({ added: rows(1, 2) });
      frame();
      click(all(el, "button").find((button) => button.textContent === name)!);
      expect(store.get("extra").length).toBe(0);
    }
  });
});

/** The largest value of a unit over some rows, from the raw activations. */
function largest({ made }: Scene, layer: string, unit: number, of: number[]): number {
  const values = made.activations(layer);
  return Math.max(...of.map((row) => values[row * WIDTHS[layer]! + unit]!));
}

const VERSUS = { label: "two", correctness: "incorrect" } as const;

async function compared(pane: Pane, state = {}): Promise<Scene> {
  const shown = await show(pane, { ...VERSUS, ...state });
  shown.store.set({ compare: "correctness" });
  shown.frame();
  return shown;
}

describe("two groups side by side", () => {
  it("shows each top unit's exact maximum in both groups", async () => {
    const shown = await compared(top_k);
    const { el } = shown;
    const [wrong, right] = [cell(shown, 2, false), cell(shown, 2, true)];
    expect(text(el, ".ll-n")).toBe(`n ${wrong.length} against ${right.length}`);
    expect(text(el, ".ll-badge")).toBe("exact");
    const marks = all(el, ".ll-row");
    expect(marks.length).toBe(10);
    for (const mark of marks) {
      const unit = Number(mark.dataset.unit);
      const said = mark.getAttribute("aria-label")!.match(/: (\S+) for .*, (\S+) for /)!;
      const exact = [wrong, right].map((of) => largest(shown, "fc2.relu", unit, of));
      exact.forEach((value, at) => {
        expect(Number(said[at + 1])).toBeCloseTo(value, 1);
      });
    }
    expect(text(el, ".ll-note")).toContain("Filled: incorrect items of class two.");
    expect(text(el, ".ll-note")).toContain("Hollow: correct items of class two.");
  });

  it("bounds a maximum that the index does not hold", async () => {
    const shown = await compared(top_k, { layer: "conv2.relu" });
    const right = cell(shown, 2, true);
    const bounded = all(shown.el, ".ll-row").filter((mark) => mark.querySelector(".ll-uncertain"));
    for (const mark of bounded) {
      const limit = Number(mark.getAttribute("aria-label")!.match(/≤ (\S+) for/)![1]);
      const exact = largest(shown, "conv2.relu", Number(mark.dataset.unit), right);
      expect(exact).toBeLessThanOrEqual(limit + 0.01);
    }
    expect(text(shown.el, ".ll-note").includes("≤")).toBe(bounded.length > 0);
    const open = shown.store.get("rival")!;
    for (let unit = 0; unit < 1600; unit += 7) {
      const held = open.side.maxima[unit]!;
      const exact = largest(shown, "conv2.relu", unit, right);
      expect(exact).toBeLessThanOrEqual(Math.max(held, open.floor));
      if (held >= open.floor) expect(held).toBe(exact);
    }
  });

  it("compares how often each unit is the maximum", async () => {
    const shown = await compared(max_neurons);
    const wrong = cell(shown, 2, false).length;
    const shares = all(shown.el, ".ll-bin").map((bin) =>
      Number(bin.getAttribute("aria-label")!.match(/class two \((\d+)\)/)![1]),
    );
    expect(shares.reduce((a, b) => a + b, 0)).toBe(wrong);
    expect(text(shown.el, ".ll-score")).toContain("Jensen-Shannon between them");
    expect(all(shown.el, ".ll-second").length).toBe(all(shown.el, ".ll-bin").length);
  });

  it("draws the second group's exact mean over the first's", async () => {
    const shown = await compared(mean_activation);
    const right = cell(shown, 2, true);
    const values = shown.made.activations("fc2.relu");
    const mean = shown.store.get("rival")!.side.mean!;
    for (const unit of [0, 41, 83]) {
      const sum = right.reduce((total, row) => total + values[row * 84 + unit]!, 0);
      expect(mean[unit]).toBeCloseTo(sum / right.length, 5);
    }
    expect(text(shown.el, ".ll-note")).toContain("Line: correct items of class two.");
    expect(text(shown.el, ".ll-score")).toContain("cosine distance between them");
  });

  it("sets a selection against what is left of its classes", async () => {
    const shown = await show(top_k);
    const { store, made, frame } = shown;
    const twos = cell(shown, 2, true);
    store.set({ selection: rows(...twos.slice(0, 5)), compare: "selection" });
    frame();
    const rest = [...made.label.keys()].filter(
      (i) => made.label[i] === 2 && !twos.slice(0, 5).includes(i),
    );
    expect(
      [...store.get("rival_member")!.keys()].filter((i) => store.get("rival_member")![i]),
    ).toEqual(rest);
    expect(text(shown.el, ".ll-n")).toBe(`n 5 against ${rest.length}`);
  });

  it("ends when the first group is neither", async () => {
    const { store, el, frame } = await compared(top_k);
    store.set({ correctness: "all" });
    frame();
    expect(store.get("rival_member")).toBeNull();
    expect(text(el, ".ll-badge")).toBe("measured");
  });

  it("says in words that one of the two is empty", async () => {
    const shown = await show(top_k, { label: "two", correctness: "incorrect" });
    const { store, el, frame } = shown;
    const items = store.get("items")!;
    store.set({ items: { ...items, pred: items.label }, compare: "correctness" });
    await shown.settle();
    frame();
    expect(text(el, ".ll-instead")).toBe("No incorrect items of class two in the data.");
  });

  it("is chosen by a menu that takes one of the two as the first", async () => {
    const { el, store, frame } = await show(controls);
    const select = all(el, "select").find((menu) =>
      menu.textContent!.startsWith("nothing"),
    ) as HTMLSelectElement;
    expect(select.options[2]!.disabled).toBe(true);
    select.value = "correctness";
    select.dispatchEvent(new Event("change", { bubbles: true }));
    frame();
    expect([store.get("compare"), store.get("correctness"), select.value]).toEqual([
      "correctness",
      "correct",
      "correctness",
    ]);
  });
});

describe("questions by name", () => {
  it("are about the chosen class, and the last layer with places", async () => {
    const { store } = await show(header, { label: "two" });
    expect(find_questions(store).map(({ title }) => title)).toEqual([
      "Q1 mean of all units of fc2.relu, all classes",
      "Q2 top 10 units of conv2.relu for wrong items of two",
      "Q3 mean pattern of fc2.relu, wrong items of two against right items of two",
      expect.stringMatching(/^Q5 maximally activated units of conv2\.relu for two taken for /),
    ]);
  });

  it("set the controls that answer them", async () => {
    const { el, store, made, frame } = await show(controls, {
      label: "two",
      unit: 4,
      color_by: "unit",
    });
    const select = el.querySelector<HTMLSelectElement>(".ll-questions")!;
    const ask = (at: number) => {
      select.value = String(at);
      select.dispatchEvent(new Event("change", { bubbles: true }));
      frame();
      expect(select.value).toBe("");
    };
    ask(1);
    expect([
      store.get("layer"),
      store.get("correctness"),
      store.get("measure"),
      store.get("k"),
    ]).toEqual(["conv2.relu", "incorrect", "max", 10]);
    expect([store.get("unit"), store.get("color_by")]).toEqual([-1, "label"]);
    ask(2);
    expect([store.get("layer"), store.get("compare"), store.get("measure")]).toEqual([
      "fc2.relu",
      "correctness",
      "mean",
    ]);
    expect(store.get("rival_member")).not.toBeNull();
    ask(3);
    const picked = Array.from(store.get("picked"));
    expect(picked.length).toBeGreaterThan(0);
    expect(new Set(picked.map((row) => made.label[row]))).toEqual(new Set([2]));
    expect(new Set(picked.map((row) => made.pred[row])).size).toBe(1);
    expect([store.get("measure"), store.get("compare")]).toEqual(["count", "nothing"]);
    ask(0);
    expect([store.get("label"), store.get("correctness"), store.get("picked").length]).toEqual([
      "",
      "all",
      0,
    ]);
  });

  it("are about the class with most errors while none is chosen", async () => {
    const shown = await show(header);
    const errors = CLASSES.map((_, label) => cell(shown, label, false).length);
    const most = CLASSES[errors.indexOf(Math.max(...errors))]!;
    expect(find_questions(shown.store)[1]!.title).toContain(`wrong items of ${most}`);
  });
});

describe("controls that do not apply", () => {
  it("are switched off with the reason as their title", async () => {
    const { el, store, frame } = await show(controls);
    const about = store.get("about")!;
    const reason = "The tree itself says how many items it needs.";
    const tree = {
      name: "tree",
      title: "Boundary tree",
      uses_j: false,
      uses_fraction: false,
      reason,
      absent: "",
    };
    store.set({ about: { ...about, samplers: [...about.samplers, tree] }, sampler: "tree" });
    frame();
    const [fraction, j] = all(el, 'input[type="range"]') as HTMLInputElement[];
    const presets = all(el, ".ll-presets button") as HTMLButtonElement[];
    expect([fraction!.disabled, j!.disabled, ...presets.map(({ disabled }) => disabled)]).toEqual(
      Array(7).fill(true),
    );
    expect([
      fraction!.closest("label")!.title,
      j!.closest("label")!.title,
      presets[0]!.title,
    ]).toEqual(Array(3).fill(reason));
    store.set({ sampler: "max_margin" });
    frame();
    expect([fraction!.disabled, presets[0]!.disabled, presets[0]!.title]).toEqual([
      false,
      false,
      "Sample 5 %",
    ]);
  });
});
