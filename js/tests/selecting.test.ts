import { afterEach, describe, expect, it, vi } from "vitest";
import { make_up } from "../play/made_up";
import { decode_as, encode } from "../src/codec";
import { undo_keys } from "../src/history";
import { colour_items } from "../src/map/colouring";
import { facts } from "../src/map/tip";
import { selecting } from "../src/panes/selecting";
import type { ColumnInfo, Request, State } from "../src/protocol.gen";
import { answer_from, type Scene, scene } from "./scene";

const N = 200;
const AGE = Float64Array.from({ length: N }, (_, i) => (i % 50 === 0 ? Number.NaN : i % 90));
const LAB = Int32Array.from({ length: N }, (_, i) => (i % 4) - 1);
const LEVELS = ["lab-1", "<b>lab-2</b>", "street"];
const COLUMNS: ColumnInfo[] = [
  { name: "age", kind: "number", n_missing: 4, n_levels: 0 },
  { name: "lab", kind: "category", n_missing: 50, n_levels: 3 },
];

function show(state: Partial<State> = {}): Scene {
  return scene({
    n: N,
    pane: selecting,
    state: { about: { ...make_up(N).state.about!, columns: COLUMNS }, ...state },
    answer: (made) => (request) => {
      if (request.kind !== "column") return answer_from(made)(request);
      const [values, levels] = request.column === "age" ? [AGE, []] : [LAB, LEVELS];
      return { kind: "column", column: request.column, values: encode(values), levels };
    },
  });
}

const input = (el: Element) => el.querySelector<HTMLInputElement>('input[type="search"]')!;
const said = (el: Element) => el.querySelector(".ll-found")!.textContent;
const picked = ({ store }: Scene) => Array.from(store.get("picked"));
const press = (el: Element, key: string, more: KeyboardEventInit = {}) =>
  el.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more }));

function find(made: Scene, text: string, more: KeyboardEventInit = {}): void {
  input(made.el).value = text;
  press(input(made.el), "Enter", more);
  made.frame();
}

afterEach(() => void vi.useRealTimers());

describe("the search box", () => {
  it("selects what is typed, says how it was read, and adds and takes away by modifier", () => {
    const made = show();
    find(made, "3, 14, 15");
    expect([picked(made), said(made.el)]).toEqual([[3, 14, 15], "3 items: rows"]);
    find(made, "#7", { shiftKey: true });
    expect(picked(made)).toEqual([3, 7, 14, 15]);
    find(made, "14-15", { altKey: true });
    expect(picked(made)).toEqual([3, 7]);
    const { label } = made.made;
    find(made, "class seven");
    expect(picked(made)).toEqual([...label.keys()].filter((i) => label[i] === 7));
  });

  it("leaves the selection alone where nothing is found or understood, and says which", () => {
    const made = show();
    find(made, "3");
    find(made, "loss > 1e9");
    expect([picked(made), said(made.el)]).toEqual([[3], "No items: loss > 1e9"]);
    find(made, "what?");
    expect(said(made.el)).toContain('Not understood: "what?". Type rows (3, 14, 15 or #12)');
    find(made, "<i>a</i> = 3");
    expect(said(made.el)).toContain('there is no column "<i"');
    expect([picked(made), made.el.querySelector("i")]).toEqual([[3], null]);
  });

  it("asks for a column once, when it is first spoken of", async () => {
    const made = show();
    find(made, "age > 60 and lab = street");
    expect([picked(made), said(made.el)]).toEqual([[], "Fetching age."]);
    await made.settle();
    const wanted = [...AGE.keys()].filter((i) => AGE[i]! > 60 && LAB[i] === 2);
    expect(picked(made)).toEqual(wanted);
    find(made, "age < 3");
    const asked = made.fake.sent.flatMap((r) => (r.kind === "column" ? [r.column] : []));
    expect(asked).toEqual(["age", "lab"]);
  });

  it("forgets what it waits for as soon as something else is typed", async () => {
    const made = show();
    find(made, "age > 60");
    input(made.el).dispatchEvent(new Event("input"));
    await made.settle();
    expect([picked(made), said(made.el)]).toEqual([[], ""]);
  });

  it("finds by every column of the frame that the state holds", () => {
    const made = show();
    const { label, pred } = made.made;
    const { store } = made;
    const [roles, ranking, xy] = [store.get("roles"), store.get("ranking")!, store.get("xy")!];
    const by_hand: Record<string, (i: number) => boolean> = {
      "in_sample and not (role = exemplar or row < 20)": (i) =>
        roles[i]! > 0 && roles[i] !== 2 && i >= 20,
      "margin < 1 or rank >= 15": (i) => ranking.log_ratio[i]! < 1 || ranking.rank[i]! >= 15,
      "group = 2 and position != 4": (i) => ranking.group[i] === 2 && i !== 4,
      "true != seven": (i) => label[i] !== 7,
      "correct = false & pred != one": (i) => label[i] !== pred[i] && pred[i] !== 1,
      "x > 0 and not y > 0": (i) => xy[2 * i]! > 0 && !(xy[2 * i + 1]! > 0),
    };
    for (const [text, holds] of Object.entries(by_hand)) {
      find(made, text);
      const wanted = [...label.keys()].filter(holds);
      expect(wanted.length, text).toBeGreaterThan(0);
      expect(picked(made), `${text}: ${said(made.el)}`).toEqual(wanted);
    }
  });

  it("says that nothing is ranked or placed yet", () => {
    const made = show({ ranked: null, points: null });
    for (const [text, why] of [
      ["margin > 1", "The sampler has not ranked the items yet."],
      ["x > 1", "There is no map yet."],
    ] as const) {
      find(made, text);
      expect(said(made.el)).toBe(why);
    }
  });

  it("says that the map's trust is not measured yet", () => {
    const made = show();
    find(made, "kept < 0.2");
    expect(said(made.el)).toContain("not been measured yet");
  });
});

it("asks again for a column that a kernel which had gone could not send", async () => {
  const made = show();
  made.store.set({ kernel_gone: true });
  find(made, "age > 60");
  await made.settle();
  expect(said(made.el)).toContain("has gone");
  made.store.set({ kernel_gone: false });
  await made.settle();
  find(made, "age > 60");
  expect(picked(made)).toEqual([...AGE.keys()].filter((i) => AGE[i]! > 60));
});

it("asks again for what was on its way when the items changed", async () => {
  const held: Request[] = [];
  let holding = true;
  const made = scene({
    n: N,
    state: { about: { ...make_up(N).state.about!, columns: COLUMNS } },
    answer: (record) => (request) => {
      const slow = request.kind === "layer" || request.kind === "column";
      if (slow && holding) return void held.push(request);
      if (request.kind !== "column") return answer_from(record)(request);
      return { kind: "column", column: "age", values: encode(AGE), levels: [] };
    },
  });
  made.store.set({ wanted: new Set(["age"]) });
  await made.settle();
  made.store.set({ items: { ...made.store.get("items")! } });
  await made.settle();
  holding = false;
  for (const { kind, id } of held) made.fake.reply({ kind: "error", id, message: kind });
  await made.settle();
  expect(held.map(({ kind }) => kind).sort()).toEqual(["column", "layer"]);
  expect([...made.store.get("columns").keys()]).toEqual(["age"]);
  expect(made.store.get("index")).not.toBeNull();
});

describe("undo and redo", () => {
  it("walk through the selections, whoever made them, and a new one ends the way forward", () => {
    const made = show();
    const [back, forward] = [...made.el.querySelectorAll<HTMLButtonElement>("[title*=selection]")];
    expect([back!.disabled, forward!.disabled]).toEqual([true, true]);
    find(made, "3");
    made.fake.set("selection", encode(Uint32Array.of(4, 5)));
    made.frame();
    made.frame();
    find(made, "6");
    back!.click();
    made.frame();
    expect(picked(made)).toEqual([4, 5]);
    back!.click();
    back!.click();
    made.frame();
    expect([picked(made), back!.disabled]).toEqual([[], true]);
    forward!.click();
    made.frame();
    expect(picked(made)).toEqual([3]);
    find(made, "8");
    made.frame();
    expect(forward!.disabled).toBe(true);
  });

  it.each(["number", "text"])("leave a field of type %s its own Ctrl+Z", (type) => {
    const made = show();
    undo_keys(made.el, made.store, made.stop.signal);
    find(made, "3");
    const field = document.createElement("input");
    field.type = type;
    made.el.append(field);
    press(field, "z", { ctrlKey: true });
    made.frame();
    expect(picked(made)).toEqual([3]);
  });

  it("listen to Ctrl+Z and Ctrl+Shift+Z, but not while one types", () => {
    const made = show();
    undo_keys(made.el, made.store, made.stop.signal);
    find(made, "3");
    press(input(made.el), "z", { ctrlKey: true });
    made.frame();
    expect(picked(made)).toEqual([3]);
    const outside = vi.fn();
    document.body.addEventListener("keydown", outside, { once: true });
    press(made.el, "z", { ctrlKey: true });
    made.frame();
    expect(picked(made)).toEqual([]);
    press(made.el, "Z", { ctrlKey: true, shiftKey: true });
    made.frame();
    expect([picked(made), outside.mock.calls.length]).toEqual([[3], 0]);
    document.body.removeEventListener("keydown", outside);
  });
});

describe("named selections", () => {
  const names = ({ store }: Scene) =>
    store.get("slices").map(({ name, rows }) => [name, ...decode_as(rows, "uint32")]);
  const chip = (el: Element, name: string) =>
    el.querySelector<HTMLButtonElement>(`[data-take="${name}"]`)!;

  function save(made: Scene, name: string): void {
    const field = made.el.querySelector<HTMLInputElement>('[aria-label="Save as"]')!;
    field.value = name;
    press(field, "Enter");
    made.frame();
  }

  it("are saved, selected and combined by click", () => {
    const made = show();
    find(made, "3, 4");
    save(made, " dim 4s ");
    find(made, "9");
    save(made, "late");
    expect(names(made)).toEqual([
      ["dim 4s", 3, 4],
      ["late", 9],
    ]);
    expect(chip(made.el, "late").getAttribute("aria-pressed")).toBe("true");
    chip(made.el, "dim 4s").click();
    made.frame();
    expect(picked(made)).toEqual([3, 4]);
    chip(made.el, "late").dispatchEvent(new MouseEvent("click", { bubbles: true, ctrlKey: true }));
    made.frame();
    expect(picked(made)).toEqual([3, 4, 9]);
    expect(made.fake.get("slices").map(({ name }) => name)).toEqual(["dim 4s", "late"]);
  });

  it("are renamed and deleted, and no name is given twice", () => {
    const made = show();
    find(made, "3");
    save(made, "a");
    save(made, "b");
    save(made, "a");
    expect(names(made)).toEqual([
      ["a", 3],
      ["b", 3],
    ]);
    expect(made.el.textContent).toContain('There is a "a" already');
    made.el.querySelector<HTMLButtonElement>('[data-edit="a"]')!.click();
    const field = made.el.querySelector<HTMLInputElement>('[aria-label="New name of a"]')!;
    field.value = "c";
    press(field, "Enter");
    made.frame();
    made.el.querySelector<HTMLButtonElement>('[data-drop="b"]')!.click();
    made.frame();
    expect(names(made)).toEqual([["c", 3]]);
  });
});

describe("a column", () => {
  it("colours the map: a scale for numbers, colours for categories, grey and counted where missing", async () => {
    const made = show({ color_by: "age" });
    expect(colour_items(made.store, "light", N).key.title).toBe("age: fetching");
    await made.settle();
    const ages = colour_items(made.store, "light", N);
    expect(ages.key).toMatchObject({ kind: "ramp", title: "age", known: 196, n: N });
    expect([ages.unknown, ages.ink[0]]).toEqual([4, 0]);
    made.store.set({ color_by: "lab" });
    await made.settle();
    const labs = colour_items(made.store, "light", N);
    expect(labs.key).toEqual({ kind: "states", title: "lab", names: LEVELS });
    expect([labs.unknown, ...labs.ink.slice(0, 5)]).toEqual([50, 0, 1, 2, 3, 0]);
  });

  it("stands in the tooltip once it is here", async () => {
    const made = show({ color_by: "age" });
    await made.settle();
    expect(facts(made.store, 51)).toContainEqual(["age", "51"]);
    expect(facts(made.store, 50)).toContainEqual(["age", "missing"]);
  });
});

it("leaves no listener behind", () => {
  const made = show();
  made.stop.abort();
  const before = made.el.outerHTML;
  find(made, "3");
  expect([made.fake.listeners, made.el.outerHTML]).toEqual([0, before]);
});
