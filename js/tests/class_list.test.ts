import { describe, expect, it } from "vitest";
import { find, MANY, make_class_list, SHOWN } from "../src/map/class_list";
import type { Colouring } from "../src/map/colouring";
import { class_colours, UNKNOWN } from "../src/palette";
import { colour_distance } from "./distances";
import { scene } from "./scene";

const NAMES = Array.from({ length: 1000 }, (_, c) => `species ${c}`);

function list(names: string[], sought = { text: "" }) {
  const { store } = scene();
  const items = Uint32Array.from(names, (_, c) => (c * 37) % 1000);
  const counts = { items, sample: new Uint32Array(names.length) };
  const with_counts = {
    ...store,
    get: (key: never) =>
      key === "class_counts" ? { true: counts, predicted: counts } : store.get(key),
  } as never;
  const palette = [UNKNOWN.light, ...class_colours(names.length, "light")];
  const colouring = { palette, ink: new Uint16Array(0), unknown: 0 } as unknown as Colouring;
  const body = document.createElement("div");
  make_class_list(body, with_counts, colouring, { names, by: "true" }, sought);
  const shown = () =>
    [...body.querySelectorAll(".ll-legend-name")].map((name) => name.textContent ?? "");
  const search = body.querySelector<HTMLInputElement>("input[type=search]");
  const note = () => body.querySelector(".ll-legend-many")?.textContent ?? "";
  return { body, shown, search, note };
}

describe("the legend's classes", () => {
  it.each([2, 10, MANY])("are all listed in their order where they are %d", (n) => {
    const { shown, search } = list(NAMES.slice(0, n));
    expect(shown()).toEqual(NAMES.slice(0, n));
    expect(search).toBeNull();
  });

  it.each([100, 1000])("are the largest and a search where they are %d", (n) => {
    const { shown, search, note } = list(NAMES.slice(0, n));
    expect(shown().length).toBe(SHOWN);
    const largest = [...NAMES.slice(0, n).keys()].sort(
      (a, b) => ((b * 37) % 1000) - ((a * 37) % 1000),
    );
    expect(shown()).toEqual(largest.slice(0, SHOWN).map((c) => NAMES[c]));
    expect(search?.getAttribute("aria-label")).toBe("Find a class by its name");
    expect(note()).toBe(`the ${SHOWN} largest of ${n.toLocaleString("en-US")}`);
  });

  it("are found by any part of their name, and none is said in words", () => {
    const { shown, search, note } = list(NAMES);
    search!.value = "77 SPEC";
    search!.dispatchEvent(new Event("input"));
    expect(shown().sort()).toEqual(NAMES.filter((name) => name.includes("77")).sort());
    expect(note()).toBe("19 of 1,000 classes");
    search!.value = "dragon";
    search!.dispatchEvent(new Event("input"));
    expect(shown()).toEqual([]);
    expect(note()).toBe("none of 1,000 classes");
  });

  it("are still the ones sought when the list is made anew", () => {
    expect(list(NAMES, { text: "77 species" }).shown()).toEqual(
      find(
        NAMES,
        Uint32Array.from(NAMES, (_, c) => (c * 37) % 1000),
        "77",
      ).map((c) => NAMES[c]),
    );
  });
});

describe("colours of many classes", () => {
  it.each([2, 10, 100])("are all different for %d", (n) => {
    const colours = class_colours(n, "light");
    colours.forEach((colour, a) => {
      for (const other of colours.slice(0, a))
        expect(colour_distance(colour, other)).toBeGreaterThan(0.02);
    });
  });
});
