import { afterEach, describe, expect, it, vi } from "vitest";
import { make_up } from "../play/made_up";
import { encode } from "../src/codec";
import { confusion } from "../src/panes/confusion";
import type { State } from "../src/protocol.gen";
import { type Scene, scene } from "./scene";

const N = 400;

function show(state: Partial<State> = {}): Scene {
  localStorage.setItem("latentlens:fold:confusion", "open");
  return scene({ n: N, pane: confusion, state });
}

/** Items of other classes than the made-up ones. */
function with_classes(n_classes: number): Partial<State> {
  const { items, about } = make_up(N).state;
  const label = Int32Array.from({ length: N }, (_, i) => i % n_classes);
  const pred = label.map((c, i) => (i % 5 === 0 ? (c + 1 + (i % 3)) % n_classes : c));
  return {
    about: { ...about!, classes: Array.from({ length: n_classes }, (_, c) => `class ${c}`) },
    items: { ...items!, label: encode(label), pred: encode(pred) },
  };
}

const cells = (el: Element) => [...el.querySelectorAll<HTMLButtonElement>("[data-pair]")];
const named = (el: Element, start: string) =>
  cells(el).find(({ title }) => title.startsWith(start))!;
const press = (el: Element, key: string) =>
  el.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));

/** Rows by going through the items. */
function rows_where({ store }: Scene, truth: number, pred: number): number[] {
  const [t, p] = [store.get("truth"), store.get("pred")];
  return [...t.keys()].filter((i) => t[i] === truth && p[i] === pred);
}

afterEach(() => void vi.useRealTimers());

describe("the confusion matrix", () => {
  it("counts every pair in the data and in the sample", async () => {
    const made = show({ fraction: 0.3 });
    await made.settle();
    const roles = made.store.get("roles");
    let total = 0;
    for (const cell of cells(made.el)) {
      const { row, column } = cell.dataset;
      const rows = rows_where(made, Number(row), Number(column));
      const sampled = rows.filter((i) => roles[i]).length;
      expect(cell.textContent).toBe(`${rows.length}${sampled}`);
      expect(cell.title).toContain(`${rows.length} item`);
      total += rows.length;
    }
    expect(total).toBe(N);
  });

  it("selects a cell's items, and none at the second click", async () => {
    const made = show();
    await made.settle();
    const cell = cells(made.el).find(({ dataset }) => dataset.row !== dataset.column)!;
    cell.click();
    made.frame();
    const { row, column } = cell.dataset;
    expect([...made.store.get("picked")]).toEqual(rows_where(made, Number(row), Number(column)));
    expect(cell.getAttribute("aria-pressed")).toBe("true");
    cell.click();
    made.frame();
    expect([made.store.get("picked").length, cell.getAttribute("aria-pressed")]).toEqual([
      0,
      "false",
    ]);
  });

  it("adds with a modifier, and is pressed for a selection made elsewhere", async () => {
    const made = show();
    await made.settle();
    const [one, other] = cells(made.el);
    made.store.set({ selection: encode(Uint32Array.from(rows_where(made, 0, 0))) });
    made.frame();
    expect(named(made.el, "true zero, predicted zero")).toBe(one);
    expect(one!.getAttribute("aria-pressed")).toBe("true");
    const n = [one!, other!].map(({ title }) => Number(/: (\d+) item/.exec(title)![1]));
    other!.dispatchEvent(new MouseEvent("click", { bubbles: true, shiftKey: true }));
    made.frame();
    expect(made.store.get("picked").length).toBe(n[0]! + n[1]!);
    one!.dispatchEvent(new MouseEvent("click", { bubbles: true, altKey: true }));
    made.frame();
    expect(made.store.get("picked").length).toBe(n[1]!);
  });

  it("looks at one class by its row or its column, and at all again", async () => {
    const made = show();
    await made.settle();
    const head = (by: string) =>
      made.el.querySelector<HTMLButtonElement>(`[data-by="${by}"][data-label="three"]`)!;
    head("predicted").click();
    made.frame();
    expect([made.store.get("label"), made.store.get("by")]).toEqual(["three", "predicted"]);
    expect([
      head("predicted").getAttribute("aria-pressed"),
      head("true").getAttribute("aria-pressed"),
    ]).toEqual(["true", "false"]);
    head("predicted").click();
    made.frame();
    expect(made.store.get("label")).toBe("");
  });

  it("is one stop for Tab and walked by arrows, over empty cells", async () => {
    const made = show();
    await made.settle();
    const stops = [...made.el.querySelectorAll<HTMLElement>(".ll-body [tabindex='0']")];
    expect(stops.length).toBe(1);
    const corner = made.el.querySelector<HTMLElement>('[data-row="-1"][data-column="3"]')!;
    corner.focus();
    press(corner, "ArrowDown");
    const first = document.activeElement as HTMLElement;
    expect(first.dataset.column).toBe("3");
    const above = cells(made.el).filter(({ dataset: { row, column } }) => {
      return column === "3" && Number(row) < Number(first.dataset.row);
    });
    expect([first.dataset.pair !== undefined, above]).toEqual([true, []]);
    press(first, "ArrowUp");
    expect(document.activeElement).toBe(corner);
  });

  it("shows two classes as a matrix, and of a hundred and a thousand the worst as a list", async () => {
    for (const [n, wanted] of [
      [2, "matrix"],
      [26, "matrix"],
      [100, "worst"],
      [1000, "worst"],
    ] as const) {
      const made = show(with_classes(n));
      await made.settle();
      expect(made.el.querySelector(".ll-matrix") !== null).toBe(wanted === "matrix");
      expect(made.el.querySelector(".ll-worst") !== null).toBe(wanted === "worst");
      expect(cells(made.el).length).toBeLessThanOrEqual(wanted === "worst" ? 60 : n * n);
      if (wanted === "matrix") continue;
      const counts = cells(made.el).map(({ title }) => Number(/: (\d+) item/.exec(title)![1]));
      expect(counts).toEqual([...counts].sort((a, b) => b - a));
      expect(made.el.querySelector(".ll-note")!.textContent).toContain("80 errors in");
      cells(made.el)[0]!.click();
      made.frame();
      expect(made.store.get("picked").length).toBe(counts[0]);
    }
  });

  it("says that nothing is known where nothing is predicted", async () => {
    const { items } = make_up(N).state;
    const made = show({ items: { ...items!, pred: encode(new Int32Array(N).fill(-1)) } });
    await made.settle();
    expect(made.el.querySelector(".ll-instead")!.textContent).toContain("No item has both");
  });

  it("shows names as text and leaves no listener behind", async () => {
    const made = show();
    await made.settle();
    expect(made.el.querySelector("th b")).toBeNull();
    made.stop.abort();
    const before = made.el.outerHTML;
    for (const button of made.el.querySelectorAll("button")) button.click();
    expect([made.el.outerHTML, made.fake.listeners]).toEqual([before, 0]);
  });
});
