import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { made_up_quality } from "../play/made_up";
import { decode, encode } from "../src/codec";
import { on_visible } from "../src/panes/card";
import { quality } from "../src/panes/quality";
import { spread } from "../src/panes/quality_chart";
import { verdict } from "../src/panes/quality_table";
import type { QualityReply, QualityRequest, Request } from "../src/protocol.gen";
import { answer_from, type Scene, scene } from "./scene";

const all = (el: Element, selector: string) => [...el.querySelectorAll<HTMLElement>(selector)];
const text = (el: Element, selector: string) => el.querySelector(selector)?.textContent ?? "";
const click = (el: Element | null) => el!.dispatchEvent(new MouseEvent("click", { bubbles: true }));

beforeEach(() => localStorage.setItem("latentlens:fold:quality", "open"));
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const asked = (shown: Scene) =>
  shown.fake.sent.filter((request): request is QualityRequest => request.kind === "quality");

/** Mount the pane before a kernel whose first reply to a quality is as said, or none. */
async function show(done: boolean | null = true, state = {}): Promise<Scene> {
  const shown = scene({
    pane: quality,
    state,
    answer: (made) => (request: Request) =>
      request.kind !== "quality"
        ? answer_from(made)(request)
        : done === null
          ? undefined
          : made_up_quality(request, done),
  });
  await shown.settle();
  return shown;
}

const SINGLE = { draws: 1, s1_spread: [null], s2_spread: [null], s3_spread: [null] };

const REPLY: QualityReply = {
  kind: "quality",
  id: 1,
  fractions: [0.05, 0.2],
  curves: [
    {
      sampler: "max_margin",
      title: "Max <b>margin</b>",
      ...SINGLE,
      s1: [0.78, 0.9],
      s2: [0.01, 0],
      s3: [0.2, 0.1],
    },
    {
      sampler: "random",
      title: "Random",
      draws: 10,
      s1: [0.36, 0.5],
      s2: [0.3, 0.2],
      s3: [0.6, 0.4],
      s1_spread: [0.04, 0.02],
      s2_spread: [0.011, 0.01],
      s3_spread: [0.02, 0.01],
    },
    {
      sampler: "coreset",
      title: "Coreset",
      ...SINGLE,
      s1: [0.75, 0.92],
      s2: [0.002, 0],
      s3: [0.1, 0.05],
    },
  ],
  n_cells: 80,
  skipped: ["fc3"],
  seeds: "10 draws, seeds 0 to 9",
  done: true,
};
const ASKED = {
  sampler: "max_margin",
  fraction: 0.05,
  j: 0.7,
  by: "true",
  k: 10,
  added: null,
} as const;

/** The pane with that reply in place of the kernel's. */
async function told(reply: QualityReply = REPLY): Promise<Scene> {
  const shown = await show(null);
  shown.store.set({ quality: { asked: ASKED, reply, error: "" } });
  shown.frame();
  return shown;
}

describe("the fidelity pane", () => {
  it("says in words whether the fraction is enough", async () => {
    const { el } = await told();
    expect(text(el, ".ll-verdict")).toBe(
      "5 %: 8 of the top 10 neurons right on average; random 4.",
    );
  });

  it("calls nearly all not all, and almost none not none", () => {
    const curves = [
      { ...REPLY.curves[0]!, s1: [0.97, 1] },
      { ...REPLY.curves[1]!, s1: [0.03, 0] },
    ];
    expect(verdict({ ...REPLY, curves }, ASKED)).toBe(
      "5 %: 9.7 of the top 10 neurons right on average; random 0.3.",
    );
    expect(verdict({ ...REPLY, curves }, { ...ASKED, fraction: 0.2 })).toBe(
      "20 %: 10 of the top 10 neurons right on average; random 0.",
    );
  });

  it("sets the sample's figures first and marks the best of each by a sign", async () => {
    const { el } = await told();
    const rows = all(el, "tbody tr").map((row) => all(row, "th, td").map((td) => td.textContent));
    expect(rows).toEqual([
      ["Max <b>margin</b>", "★0.780", "0.010", "0.200"],
      ["Random", "0.360 ± 0.040", "0.300 ± 0.011", "0.600 ± 0.020"],
      ["Coreset", "0.750", "★0.002", "★0.100"],
    ]);
    expect(all(el, ".ll-best").every((star) => star.getAttribute("aria-label") === "best")).toBe(
      true,
    );
  });

  it("shows names as text, never as markup", async () => {
    const { el } = await told();
    expect(all(el, "b").some((b) => b.textContent === "margin")).toBe(false);
  });

  it("says over how many cells it averages, what is left out and how empty cells count", async () => {
    const { el } = await told();
    expect(text(el, ".ll-note")).toContain("Mean over 80 cells (layer × class × correctness)");
    expect(text(el, ".ll-note")).toContain("Left out, as k covers all their units: fc3.");
    expect(el.title).toContain("counts 0 for S1 and 1 for S2 and S3");
    expect(el.title).toContain("k/n of the time");
  });

  it("draws a line for each sampler at its own height, named at its end", async () => {
    const { el } = await told();
    const charts = all(el, "svg.ll-chart");
    expect(charts.length).toBe(3);
    const heights = [0, 1, 2].map((at) =>
      Number(all(charts[0]!, "path.ll-curve")[at]!.getAttribute("d")!.split(/[ML ]/)[2]),
    );
    const height = (value: number) => 100 - value * (100 - 18);
    for (const [at, value] of [0.78, 0.36, 0.75].entries()) {
      expect(heights[at]).toBeCloseTo(height(value), 1);
    }
    expect(all(charts[0]!, ".ll-name").map((name) => name.firstChild!.textContent)).toEqual([
      "Max <b>mar…",
      "Random",
      "Coreset",
    ]);
    expect(charts[1]!.getAttribute("aria-label")).toContain("Coreset: 0.002 at 5 %");
  });

  it("draws the spread of the draws as a band about their mean, and says which they are", async () => {
    const { el } = await told();
    const [chart] = all(el, "svg.ll-chart");
    const bands = all(chart!, "path.ll-spread").map((band) => band.getAttribute("d"));
    expect(bands.map((d) => d !== "")).toEqual([false, true, false]);
    const height = (value: number) => (100 - value * (100 - 18)).toFixed(1);
    const heights = bands[1]!.match(/ [\d.]+/g)!.map((part) => part.trim());
    expect(heights).toEqual([0.4, 0.52, 0.48, 0.32].map(height));
    expect(text(el, ".ll-note")).toContain("Random: mean of 10 draws, seeds 0 to 9; band and ±");
  });

  it("sets a random sample beside the mean of others like it", async () => {
    const own = { ...REPLY.curves[0]!, sampler: "random", title: "This draw" };
    const { el } = await told({ ...REPLY, curves: [own, REPLY.curves[1]!] });
    expect(all(el, "tbody th").map((th) => th.textContent)).toEqual(["This draw", "Random"]);
    expect(el.querySelectorAll("tr.ll-own").length).toBe(1);
    expect(all(el, ".ll-chart .ll-curve-own.ll-curve").length).toBe(3);
  });

  it("says with how many rows added by hand the sample is scored", async () => {
    const shown = await show(null);
    const asked_with = { ...ASKED, added: encode(Uint32Array.of(3, 7)) };
    shown.store.set({ quality: { asked: asked_with, reply: REPLY, error: "" } });
    shown.frame();
    expect(text(shown.el, ".ll-note")).toContain("At 5 % with the 2 items added by hand.");
  });

  it("says that S2 follows, and shows it once it has come", async () => {
    const shown = await show(false);
    const { el, fake, frame, settle } = shown;
    expect(all(el, "tbody tr").map((row) => all(row, "td")[1]!.textContent)).toEqual([
      "follows",
      "follows",
      "follows",
    ]);
    expect(text(el, ".ll-note")).toContain("S2 follows");
    const request = asked(shown)[0]!;
    fake.reply({ kind: "progress", id: request.id, done: 30, total: 120 });
    frame();
    expect(el.querySelector("progress")!.hidden).toBe(false);
    expect(el.querySelector("progress")!.value).toBe(0.25);
    fake.reply({ ...made_up_quality(request, true), id: request.id });
    await settle();
    expect(all(el, ".ll-follows")).toEqual([]);
    expect(el.querySelector("progress")!.hidden).toBe(true);
    expect(asked(shown).length).toBe(1);
  });

  it("does not promise an S2 that cannot be had", async () => {
    const curves = REPLY.curves.map((curve) => ({ ...curve, s2: [null, null] }));
    const { el } = await told({ ...REPLY, curves });
    expect(all(el, ".ll-follows").map((td) => td.textContent)).toEqual(["–", "–", "–"]);
    expect(text(el, ".ll-note")).toContain("S2 is not known");
  });

  it("keeps names at the lines' ends apart", () => {
    expect(spread([20, 22, 60], 11, 18, 100)).toEqual([20, 31, 60]);
    expect(spread([99, 100, 98], 11, 18, 100)).toEqual([89, 100, 78]);
  });

  it("leaves no watcher and no listener behind, and no view counted", async () => {
    const { el, stop, fake, store, frame } = await show();
    expect(store.get("quality_views")).toBe(1);
    const before = el.outerHTML;
    stop.abort();
    expect([fake.listeners, store.get("quality_views")]).toEqual([0, 0]);
    store.set({ fraction: 0.4, quality: null });
    frame();
    click(el.querySelector(".ll-fold"));
    expect(el.outerHTML).toBe(before);
  });
});

describe("the sample's quality", () => {
  it("is asked for with the controls as they stand", async () => {
    const shown = await show();
    expect(asked(shown)).toEqual([
      {
        kind: "quality",
        id: expect.any(Number),
        sampler: "max_margin",
        fraction: 0.05,
        j: 0.7,
        by: "true",
        k: 10,
        added: null,
      },
    ]);
  });

  it("is another question once rows are added by hand, and the old one when they are taken back", async () => {
    const shown = await show();
    shown.store.set({ added: encode(Uint32Array.of(3, 7)) });
    await shown.settle();
    expect(decode(asked(shown)[1]!.added!)).toEqual(Uint32Array.of(3, 7));
    shown.store.set({ added: encode(new Uint32Array(0)) });
    await shown.settle();
    expect(asked(shown).length).toBe(2);
    expect(shown.el.classList.contains("ll-stale")).toBe(false);
  });

  it("is asked once when the controls have come to rest", async () => {
    const shown = await show();
    const { store, frame, settle } = shown;
    for (const fraction of [0.1, 0.2, 0.3]) {
      store.set({ fraction });
      frame();
      await vi.advanceTimersByTimeAsync(300);
    }
    expect(asked(shown).length).toBe(1);
    await settle();
    expect(asked(shown).map(({ fraction }) => fraction)).toEqual([0.05, 0.3]);
  });

  it("is not asked while a slider is held", async () => {
    const shown = await show();
    shown.store.set({ dragging: true, fraction: 0.3 });
    shown.frame();
    await shown.settle();
    expect(asked(shown).length).toBe(1);
    shown.store.set({ dragging: false });
    await shown.settle();
    expect(asked(shown).length).toBe(2);
  });

  it("is never asked twice for the same settings", async () => {
    const shown = await show();
    const { store, el, frame, settle } = shown;
    store.set({ fraction: 0.2 });
    await settle();
    store.set({ fraction: 0.05 });
    frame();
    frame();
    expect(text(el, ".ll-verdict")).toMatch(/^5 %/);
    expect(el.classList.contains("ll-stale")).toBe(false);
    await settle();
    expect(asked(shown).length).toBe(2);
  });

  it("is one question for any j where j does nothing", async () => {
    const shown = scene();
    const ranked = { ...shown.store.get("ranked")!, sampler: "random", uses_j: false };
    shown.store.set({ ranked, j: 0.2 });
    const first = shown.store.get("quality_question");
    shown.store.set({ j: 0.9 });
    expect(shown.store.get("quality_question")).toEqual(first);
  });

  it("is shown stale while other settings' figures are due, the newest question winning", async () => {
    const shown = await show(null);
    const { store, fake, el, frame, settle } = shown;
    const first = asked(shown)[0]!;
    store.set({ fraction: 0.2 });
    await settle();
    const second = asked(shown)[1]!;
    fake.reply({ ...made_up_quality(first, true), id: first.id });
    frame();
    expect(store.get("quality")).toBeNull();
    fake.reply({ ...made_up_quality(second, true), id: second.id });
    await settle();
    expect(text(el, ".ll-verdict")).toMatch(/^20 %/);
    store.set({ fraction: 0.4 });
    frame();
    expect(el.classList.contains("ll-stale")).toBe(true);
    expect(text(el, ".ll-note")).toContain("the new figures follow");
  });

  it("stays on screen, and says so, when the kernel has gone", async () => {
    const shown = await show();
    shown.fake.trigger("comm:close");
    shown.store.set({ fraction: 0.4 });
    await shown.settle();
    expect(text(shown.el, ".ll-verdict")).toMatch(/^5 %/);
    expect(text(shown.el, ".ll-note")).toContain("needs the kernel, which has gone");
    expect(asked(shown).length).toBe(1);
  });

  it("says why there is none", async () => {
    const shown = await show(null);
    shown.fake.reply({ kind: "error", id: asked(shown)[0]!.id, message: "No label is known." });
    await shown.settle();
    expect(text(shown.el, ".ll-instead")).toBe(
      "The sample's quality is not known: No label is known.",
    );
  });

  it("is not asked where nobody looks, and then as soon as somebody does", async () => {
    const shown = scene({ answer: () => () => undefined });
    await shown.settle();
    expect(asked(shown).length).toBe(0);
    shown.store.set({ quality_views: 1 });
    await shown.settle();
    expect(asked(shown).length).toBe(1);
  });

  it("knows when a pane comes into view and leaves it", () => {
    let seen: IntersectionObserverCallback = () => {};
    const disconnect = vi.fn();
    vi.stubGlobal(
      "IntersectionObserver",
      class {
        constructor(run: IntersectionObserverCallback) {
          seen = run;
        }
        observe(): void {}
        disconnect = disconnect;
      },
    );
    const stop = new AbortController();
    const run = vi.fn();
    on_visible(document.body, run, stop.signal);
    const entry = (isIntersecting: boolean) => ({ isIntersecting }) as IntersectionObserverEntry;
    seen([entry(false), entry(true)], {} as IntersectionObserver);
    seen([entry(false)], {} as IntersectionObserver);
    expect(run.mock.calls).toEqual([[true], [false]]);
    stop.abort();
    seen([entry(true)], {} as IntersectionObserver);
    expect([run.mock.calls.length, disconnect.mock.calls.length]).toEqual([2, 1]);
  });

  it("is not asked while the card is folded, which is remembered", async () => {
    const first = await show();
    const button = first.el.querySelector(".ll-fold")!;
    click(button);
    expect(button.getAttribute("aria-expanded")).toBe("false");
    const second = await show();
    expect(second.el.classList.contains("ll-shut")).toBe(true);
    expect(asked(second).length).toBe(0);
    click(second.el.querySelector(".ll-fold"));
    await second.settle();
    expect(asked(second).length).toBe(1);
  });

  it("is forgotten with the items it was measured on", async () => {
    const shown = await show();
    shown.store.set({ items: { ...shown.store.get("items")! } });
    await shown.settle();
    expect(asked(shown).length).toBe(2);
  });
});

it.each([
  ["on an exported page", true],
  ["but not where there is a kernel to ask", false],
])("is shown before it is scrolled to, %s", async (_, on_page) => {
  const shown = scene({
    answer: (made) => (request: Request) =>
      request.kind === "quality" ? made_up_quality(request, true) : answer_from(made)(request),
  });
  if (on_page) vi.stubGlobal("latentlens_page", () => {});
  vi.stubGlobal(
    "IntersectionObserver",
    class {
      constructor(private readonly tell: (entries: object[]) => void) {}
      observe(): void {
        this.tell([{ isIntersecting: false }]);
      }
      disconnect(): void {}
    },
  );
  quality(shown.el, shown.store, shown.stop.signal);
  await shown.settle();
  expect(asked(shown)).toHaveLength(on_page ? 1 : 0);
  expect(text(shown.el, ".ll-verdict") !== "").toBe(on_page);
});
