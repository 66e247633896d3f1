import { describe, expect, it, vi } from "vitest";
import { rows } from "../play/fake_model";
import { write_counts } from "../src/query";
import { Reactive } from "../src/reactive";
import { scene } from "./scene";

describe("writing", () => {
  it("reaches the model once per frame with the last value", () => {
    const { store, fake, frame } = scene();
    store.set({ fraction: 0.1 });
    store.set({ fraction: 0.2, j: 0.5 });
    expect(store.get("fraction")).toBe(0.2);
    expect(fake.saves).toBe(0);
    frame();
    expect(fake.saves).toBe(1);
    expect([fake.get("fraction"), fake.get("j")]).toEqual([0.2, 0.5]);
  });

  it("keeps local state out of the model", () => {
    const { store, fake, frame } = scene();
    store.set({ hover: 3 });
    frame();
    expect(fake.saves).toBe(0);
    expect(fake.get("hover" as never)).toBeUndefined();
  });

  it("does not let an older value from the kernel undo a newer one of the user's", () => {
    const { store, fake, frame } = scene();
    store.set({ fraction: 0.4 });
    fake.set("fraction", 0.1);
    expect(store.get("fraction")).toBe(0.4);
    frame();
    expect(fake.get("fraction")).toBe(0.4);
  });

  it("sends no message for what the browser answers itself", async () => {
    const { store, fake, settle } = scene();
    await settle();
    const before = fake.sent.length;
    store.set({
      fraction: 0.3,
      j: 0.1,
      k: 5,
      label: "two",
      by: "predicted",
      correctness: "correct",
    });
    store.set({ measure: "count", selection: rows(1, 2, 3) });
    await settle();
    expect(fake.sent.length).toBe(before);
  });
});

describe("watching", () => {
  it("runs now, and once per frame however many keys changed", () => {
    const { store, frame, stop } = scene();
    const run = vi.fn();
    frame();
    store.watch(["fraction", "j", "answer"], run, stop.signal);
    expect(run).toHaveBeenCalledTimes(1);
    store.set({ fraction: 0.3 });
    store.set({ j: 0.3, fraction: 0.31 });
    expect(run).toHaveBeenCalledTimes(1);
    frame();
    expect(run).toHaveBeenCalledTimes(2);
    frame();
    expect(run).toHaveBeenCalledTimes(2);
  });

  it("hears what the kernel sets", () => {
    const { store, fake, frame, stop } = scene();
    const seen: number[] = [];
    store.watch(["k"], () => seen.push(store.get("k")), stop.signal);
    fake.set("k", 3);
    frame();
    expect(seen).toEqual([10, 3]);
  });

  it("ends with its signal, and the model keeps no listener", () => {
    const { store, fake, frame, stop } = scene();
    const view = new AbortController();
    const run = vi.fn();
    store.watch(["k"], run, view.signal);
    view.abort();
    store.set({ k: 2 });
    frame();
    expect(run).toHaveBeenCalledTimes(1);
    expect(fake.listeners).toBeGreaterThan(0);
    stop.abort();
    expect(fake.listeners).toBe(0);
  });

  it("tells the others although one fails", () => {
    vi.stubGlobal("reportError", vi.fn());
    const { store, frame, stop } = scene();
    const run = vi.fn();
    let fails = false;
    const failing = () => {
      if (fails) throw new Error("broken");
    };
    store.watch(["k"], failing, stop.signal);
    store.watch(["k"], run, stop.signal);
    fails = true;
    store.set({ k: 2 });
    frame();
    expect(run).toHaveBeenCalledTimes(2);
    vi.unstubAllGlobals();
  });
});

describe("what follows", () => {
  it("is made again only when something it needs has changed", () => {
    const twice = vi.fn((a: number) => 2 * a);
    const sum = vi.fn((d: number, b: number) => d + b);
    interface Values {
      a: number;
      b: number;
      double: number;
      sum: number;
    }
    const recipes = {
      double: { needs: ["a"], make: twice as (...values: never[]) => unknown },
      sum: { needs: ["double", "b"], make: sum as (...values: never[]) => unknown },
    } as const;
    const values = new Reactive<Values, "double" | "sum">({ a: 1, b: 1 }, recipes, () => {});
    expect(values.get("sum")).toBe(3);
    values.set({ b: 5 });
    expect(values.get("sum")).toBe(7);
    expect(values.get("sum")).toBe(7);
    expect(twice).toHaveBeenCalledTimes(1);
    expect(sum).toHaveBeenCalledTimes(2);
  });

  it("leaves the exact side alone while the fraction is dragged", async () => {
    const { store, settle } = scene();
    await settle();
    const exact = store.get("exact_side");
    const used = store.get("used_side")!.n;
    store.set({ fraction: 0.5 });
    expect(store.get("used_side")!.n).toBeGreaterThan(used);
    expect(store.get("exact_side")).toBe(exact);
    store.set({ label: "three" });
    expect(store.get("exact_side")).not.toBe(exact);
  });

  it("counts the sample and its errors", async () => {
    const { store, made } = scene();
    store.set({ fraction: 0.25 });
    const roles = store.get("roles");
    const errors = [...roles.keys()].filter((i) => roles[i] && made.label[i] !== made.pred[i]);
    const { n_sample, errors_in_sample, n_items } = store.get("counts");
    expect([n_sample, n_items, errors_in_sample]).toEqual([50, 200, errors.length]);
  });

  it("takes an empty selection for none and rows for a narrower group", () => {
    const { store } = scene();
    expect(store.get("group_rows").length).toBe(200);
    store.set({ selection: rows(4, 9, 11) });
    expect(Array.from(store.get("group_rows"))).toEqual([4, 9, 11]);
  });

  it("gives a unit's values for all items where the latent is here", async () => {
    const { store, made, settle } = scene({ state: { unit: 5 } });
    await settle();
    const expected = made.activations("fc2.relu");
    expect(store.get("unit_values")![17]).toBe(expected[17 * 84 + 5]);
  });
});

describe("the kernel", () => {
  it("is asked once for a layer, which is kept", async () => {
    const { store, fake, settle } = scene({ state: { layer: "fc1.relu" } });
    await settle();
    store.set({ layer: "fc3" });
    await settle();
    store.set({ layer: "fc1.relu" });
    await settle();
    const layers = fake.sent.filter(({ kind }) => kind === "layer");
    expect(layers.map((request) => "layer" in request && request.layer)).toEqual([
      "fc1.relu",
      "fc3",
    ]);
    expect(store.get("index")!.name).toBe("fc1.relu");
  });

  it("is asked for the sample's mean once the controls rest", async () => {
    const { store, fake, settle } = scene({ state: { layer: "fc1.relu" } });
    await settle();
    const asked = () => fake.sent.filter(({ kind }) => kind === "means").length;
    const before = asked();
    for (const fraction of [0.1, 0.15, 0.2, 0.25]) store.set({ fraction });
    await settle();
    expect(asked()).toBe(before + 1);
  });

  it("may answer late: a mean for an older question is not shown", async () => {
    const { store, settle } = scene({ state: { layer: "fc1.relu" } });
    await settle();
    const asked = store.get("means_question");
    store.set({
      means: {
        asked,
        mean: new Float64Array(120),
        low: null,
        high: null,
        effective_n: 0,
        worth: "",
        note: "",
        error: "",
      },
    });
    expect(store.get("sample_mean")).not.toBeNull();
    store.set({ fraction: 0.9 });
    expect(store.get("sample_mean")).toBeNull();
  });

  it("answers for a layer whose index stays with it", async () => {
    const { store, settle } = scene({
      answer: () => (request) =>
        request.kind === "answer" ? { kind: "error", message: "too many items" } : undefined,
    });
    const about = store.get("about")!;
    const layers = about.layers.map((layer) => ({ ...layer, in_browser: false }));
    store.set({ about: { ...about, layers } });
    await settle();
    expect(store.get("told")!.error).toBe("too many items");
    expect(store.get("answer")).toBeNull();
  });

  it("is known to be gone when its comm closes, and what is here goes on", async () => {
    const { store, fake, settle } = scene();
    await settle();
    fake.trigger("comm:close");
    expect(store.get("kernel_gone")).toBe(true);
    await expect(store.ask({ kind: "latent" })).rejects.toThrow(/gone/);
    store.set({ fraction: 0.5 });
    expect(store.get("answer")!.n_used).toBe(100);
  });

  it("is doubted when the widget manager says that the connection changed", async () => {
    const silent = scene({ answer: () => () => undefined });
    silent.fake.trigger("comm_live_update");
    await silent.settle();
    expect(silent.store.get("kernel_gone")).toBe(true);
    const alive = scene();
    alive.fake.trigger("comm_live_update");
    expect(alive.store.get("kernel_gone")).toBe(true);
    await alive.settle();
    expect(alive.store.get("kernel_gone")).toBe(false);
    expect(alive.store.get("index")).not.toBeNull();
  });

  it("is known to be gone as soon as nothing can be sent, and is told all when it is back", async () => {
    const { store, fake, settle } = scene();
    await settle();
    const send = vi.spyOn(fake, "send").mockImplementation(() => {
      throw new Error("Cannot send");
    });
    store.set({ layer: "fc1.relu" });
    await settle();
    expect(store.get("kernel_gone")).toBe(true);
    const saves = fake.saves;
    store.set({ fraction: 0.4 });
    await settle();
    expect([fake.get("fraction"), fake.saves]).toEqual([0.05, saves]);
    expect(store.get("counts").n_sample).toBe(80);
    send.mockRestore();
    fake.trigger("comm_live_update");
    await settle();
    expect(store.get("kernel_gone")).toBe(false);
    expect([fake.get("fraction"), fake.saves]).toEqual([0.4, saves + 1]);
  });

  it("starting over makes the browser forget the old items", async () => {
    const { store, fake, settle } = scene();
    await settle();
    const items = store.get("items")!;
    fake.set("items", { ...items });
    await settle();
    expect(fake.sent.filter(({ kind }) => kind === "layer").length).toBe(2);
  });
});

it("keeps derived figures equal to those worked out at once", async () => {
  const { store, settle } = scene();
  await settle();
  store.set({ fraction: 0.37, j: 0.2, label: "one", k: 4 });
  const index = store.get("index")!;
  const used = store.get("used_rows");
  const counts = new Uint32Array(index.units);
  write_counts(index, used, counts);
  expect(Array.from(store.get("answer")!.counts)).toEqual(Array.from(counts));
  expect(store.get("answer")!.top!.unit.length).toBe(4);
});
