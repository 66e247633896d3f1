import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { FakeModel } from "../play/fake_model";
import { make_up } from "../play/made_up";
import { mount } from "../src/app";
import define from "../src/index";
import type { Pane } from "../src/panes/pane";
import { answer_from, lay_out, scene } from "./scene";

vi.mock("../src/panes/map", () => ({
  map: ((el, store, signal) => {
    el.append("map");
    const fail_at_four = () => {
      if (store.get("k") === 4) throw new Error("The map cannot count to four.");
    };
    store.watch(["k"], fail_at_four, signal);
  }) satisfies Pane,
}));

beforeEach(lay_out);
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function widget(state = {}) {
  const made = make_up(200);
  const fake = new FakeModel({ ...made.state, ...state }, answer_from(made), 1);
  const { initialize, render } = define();
  const model = new AbortController();
  type Props = Parameters<typeof initialize>[0] & Parameters<typeof render>[0];
  initialize({ model: fake.model, signal: model.signal } as unknown as Props);
  const show = () => {
    const el = document.createElement("div");
    document.body.append(el);
    const view = new AbortController();
    render({ model: fake.model, el, signal: view.signal } as unknown as Props);
    return { el, view };
  };
  return { fake, model, show };
}

const frame = () => new Promise((done) => requestAnimationFrame(done));

it("shows progress until there is something to show, then the panes", async () => {
  const made = make_up(200);
  const waiting = { about: null, items: null, status: "running", doing: "64 of 200 items" };
  const { fake, show } = widget(waiting);
  const { el } = show();
  const shown = () =>
    [...el.querySelectorAll<HTMLElement>("[data-pane]")].map((p) => p.dataset.pane);
  expect(el.querySelector<HTMLElement>(".ll-working")!.hidden).toBe(false);
  expect(shown()).toEqual(["notices", "working"]);
  fake.set("about", made.state.about);
  fake.set("items", made.state.items);
  await frame();
  await frame();
  expect(el.querySelector<HTMLElement>(".ll-working")!.hidden).toBe(true);
  expect(shown()).toContain("top-k");
});

it("says hello for every view and shares one state among them", async () => {
  const { fake, show } = widget();
  const [a, b] = [show(), show()];
  const hellos = () => fake.sent.filter(({ kind }) => kind === "hello").length;
  await vi.waitFor(() => expect(hellos()).toBe(2), { timeout: 4000 });
  expect(new Set(fake.sent.map(({ id }) => id)).size).toBe(fake.sent.length);
  const slider = a.el.querySelector<HTMLInputElement>('input[type="range"]')!;
  slider.value = "0.25";
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  await frame();
  await frame();
  expect(b.el.querySelector<HTMLInputElement>('input[type="range"]')!.value).toBe("0.25");
});

it("takes a closed view away and leaves the other", async () => {
  const { fake, model, show } = widget();
  const [a, b] = [show(), show()];
  a.view.abort();
  expect(a.el.childElementCount).toBe(0);
  expect(b.el.querySelector(".ll")).not.toBeNull();
  model.abort();
  expect(fake.listeners).toBe(0);
});

it("keeps plain keys from the notebook and lets its shortcuts through", () => {
  const { store, el, stop } = scene();
  mount(el, store, stop.signal);
  const heard: string[] = [];
  const hear = (event: Event) => heard.push((event as KeyboardEvent).key);
  document.addEventListener("keydown", hear);
  const slider = el.querySelector('input[type="range"]')!;
  const press = (key: string, more = {}) =>
    slider.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more }));
  for (const key of ["ArrowRight", "ArrowLeft", "Home", "x", "d", "Enter"]) press(key);
  expect(heard).toEqual([]);
  press("Enter", { shiftKey: true });
  press("s", { ctrlKey: true });
  press("Escape");
  expect(heard).toEqual(["Enter", "s", "Escape"]);
  document.removeEventListener("keydown", hear);
});

it("keeps one pane's failure from the others", async () => {
  const report = vi.fn();
  vi.stubGlobal("reportError", report);
  const { store, el, stop, settle } = scene();
  mount(el, store, stop.signal);
  await settle();
  store.set({ k: 4 });
  await settle();
  const failed = [...el.querySelectorAll<HTMLElement>('[role="alert"]')].map(
    (card) => card.closest<HTMLElement>("[data-pane]")!.dataset.pane,
  );
  expect(failed).toEqual(["map"]);
  expect(el.querySelector('[data-pane="map"]')!.textContent).toContain("cannot count to four");
  expect(el.querySelectorAll(".ll-row").length).toBe(4);
  expect(report).toHaveBeenCalledTimes(1);
});

it("says in words why it could not be shown", () => {
  const el = document.createElement("div");
  const { render } = define();
  render({ el, signal: new AbortController().signal } as unknown as Parameters<typeof render>[0]);
  expect(el.textContent).toContain("The lens could not be shown");
});
