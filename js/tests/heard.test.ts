import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { rows as selection } from "../play/fake_model";
import { spoken } from "../src/panes/spoken";
import { table } from "../src/panes/table";
import { scene } from "./scene";

beforeEach(() => localStorage.clear());
afterEach(() => vi.useRealTimers());

const cells = (el: Element, nth: number) =>
  [...el.querySelectorAll(`.ll-table:nth-child(${nth}) tbody tr`)].map((line) =>
    [...line.children].map((cell) => cell.textContent),
  );

describe("the map as tables", () => {
  const open = async () => {
    const shown = scene({ pane: table });
    await shown.settle();
    shown.el.querySelector<HTMLElement>(".ll-fold")!.click();
    return shown;
  };

  it("are not written before someone wants them", async () => {
    const shown = scene({ pane: table });
    await shown.settle();
    expect(shown.el.querySelector("table")).toBeNull();
    expect(shown.el.querySelector(".ll-fold")?.getAttribute("aria-expanded")).toBe("false");
  });

  it("count each class's items, those in the sample and the errors", async () => {
    const { el, made, store } = await open();
    const [roles, pred] = [store.get("roles"), store.get("pred")];
    const expected = store.get("about")!.classes.map((name, c) => {
      const rows = [...made.label.keys()].filter((row) => made.label[row] === c);
      const count = (what: (row: number) => boolean) => String(rows.filter(what).length);
      return [
        name,
        String(rows.length),
        count((row) => roles[row] !== 0),
        count((row) => pred[row] !== c),
      ];
    });
    expect(cells(el, 1)).toEqual(expected);
  });

  it("list the sample's items, and the selection's once there is one, at rest", async () => {
    const { el, store, settle } = await open();
    const listed = () => cells(el, 2).map(([row]) => Number(row));
    expect(listed()).toEqual([...store.get("sample_order")].slice(0, 100));
    store.set({ selection: selection(5, 9) });
    expect(listed().length).toBeGreaterThan(2);
    await settle();
    expect(listed()).toEqual([5, 9]);
    expect(cells(el, 2)[0]!.slice(3, 5)).toContain("yes");
    expect(el.querySelectorAll("caption")[1]?.textContent).toBe("2 items selected");
  });

  it("shows names as text and leaves no watcher behind", async () => {
    const { el, store, stop } = await open();
    expect(el.querySelector("b")).toBeNull();
    expect(cells(el, 1)[9]![0]).toBe("<b>nine</b>");
    stop.abort();
    expect((store as unknown as { values: { size: number } }).values.size).toBe(0);
  });
});

describe("what is said to those who hear the page", () => {
  const show = async () => {
    const shown = scene({ pane: spoken });
    await shown.settle();
    return { ...shown, said: () => shown.el.querySelector("[role=status]")!.textContent };
  };

  it("is said once the slider rests, not at its every step", async () => {
    const { store, said, settle, frame } = await show();
    const before = said();
    store.set({ dragging: true });
    for (const fraction of [0.1, 0.2, 0.3]) {
      store.set({ fraction });
      frame();
      await vi.advanceTimersByTimeAsync(1000);
      expect(said()).toBe(before);
    }
    store.set({ dragging: false });
    await settle();
    expect(said()).toContain("60 of 200 items in the sample");
  });

  it("names what has changed and nothing else", async () => {
    const { store, said, settle } = await show();
    store.set({ selection: selection(5, 9) });
    await settle();
    expect(said()).toBe("2 items selected.");
    store.set({ selection: selection() });
    await settle();
    expect(said()).toBe("Nothing is selected.");
  });
});
