import { afterEach, describe, expect, it, vi } from "vitest";
import golden from "../../tests/golden/code.json";
import { code } from "../src/code";
import { encode } from "../src/codec";
import { header } from "../src/panes/header";
import type { State } from "../src/protocol.gen";
import { scene } from "./scene";

const { selection, added, slices, ...plain } = golden.traits;
const rows = (list: number[]) => encode(Uint32Array.from(list));
const TRAITS = {
  ...plain,
  selection: rows(selection),
  added: rows(added),
  slices: Object.entries(slices).map(([name, list]) => ({ name, rows: rows(list) })),
  projection: "pca",
} as Partial<State>;

function shown() {
  const play = scene({ pane: header });
  const about = play.store.get("about")!;
  play.store.set({ ...TRAITS, about: { ...about, code: golden.code } });
  play.frame();
  return play;
}

function click(el: HTMLElement): void {
  el.querySelector<HTMLButtonElement>(".ll-copy")!.click();
}

describe("the Python that brings the view back", () => {
  it("is what the kernel would write", () => {
    expect(code(shown().store)).toBe(golden.text);
  });

  it("is the call alone where nothing was changed", () => {
    const { store } = scene();
    const about = store.get("about")!;
    store.set({ about: { ...about, code: { made: "LatentLens(a)", start: [] } } });
    expect(code(store)).toBe("lens = LatentLens(a)");
  });
});

describe("the button that copies it", () => {
  afterEach(() => vi.unstubAllGlobals());

  it("puts it into the clipboard and says so", async () => {
    const { el } = shown();
    const write = vi.fn(() => Promise.resolve());
    vi.stubGlobal("navigator", { clipboard: { writeText: write } });
    click(el);
    await vi.waitFor(() => expect(el.querySelector(".ll-copied")!.textContent).toBe("Copied"));
    expect(write).toHaveBeenCalledWith(golden.text);
  });

  it("copies by hand where the page has no clipboard, and leaves nothing behind", async () => {
    const { el } = shown();
    vi.stubGlobal("navigator", {});
    let held = "";
    document.execCommand = () => {
      held = el.querySelector("textarea")!.value;
      return true;
    };
    click(el);
    await vi.waitFor(() => expect(el.querySelector(".ll-copied")!.textContent).toBe("Copied"));
    expect(held).toBe(golden.text);
    expect(el.querySelector("textarea")).toBeNull();
  });

  it("says it as long after the second click as after the first", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const { el } = shown();
    vi.stubGlobal("navigator", { clipboard: { writeText: () => Promise.resolve() } });
    click(el);
    await vi.advanceTimersByTimeAsync(2000);
    click(el);
    await vi.advanceTimersByTimeAsync(1000);
    expect(el.querySelector(".ll-copied")!.textContent).toBe("Copied");
    await vi.advanceTimersByTimeAsync(2000);
    expect(el.querySelector(".ll-copied")!.textContent).toBe("");
    vi.useRealTimers();
  });

  it("says where else the code is if the page may not copy", async () => {
    const { el } = shown();
    vi.stubGlobal("navigator", {});
    document.execCommand = () => false;
    click(el);
    const said = () => el.querySelector(".ll-copied")!.textContent;
    await vi.waitFor(() => expect(said()).toContain("lens.code"));
  });
});
