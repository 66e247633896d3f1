import { describe, expect, it } from "vitest";
import json from "../../tests/golden/search.json";
import {
  type Column,
  describe_search,
  find_rows,
  read_search,
  type Vocabulary,
} from "../src/search";

const golden = json as unknown as {
  classes: string[];
  label: number[];
  pred: number[];
  ids: number[];
  columns: { name: string; values: (number | null)[]; levels: string[] | null }[];
  searches: { text: string; rows?: number[]; words?: string; error?: string }[];
};

const known: Vocabulary = {
  n_items: golden.label.length,
  classes: golden.classes,
  columns: new Map(golden.columns.map(({ name, levels }) => [name, levels === null])),
};
const columns = new Map(
  golden.columns.map(({ name, values, levels }): [string, Column] => [
    name,
    {
      levels,
      values: levels
        ? Int32Array.from(values, (value) => value ?? -1)
        : Float64Array.from(values, (value) => value ?? Number.NaN),
    },
  ]),
);
const items = {
  label: Int32Array.from(golden.label),
  pred: Int32Array.from(golden.pred),
  ids: Int32Array.from(golden.ids),
  columns,
};

describe("search, as the kernel does it", () => {
  it.each(golden.searches)("$text", ({ text, rows, words, error }) => {
    if (error !== undefined) {
      expect(() => read_search(text, known)).toThrow(
        expect.objectContaining({ name: "NotUnderstood", message: error }),
      );
      return;
    }
    const query = read_search(text, known);
    expect(Array.from(find_rows(query, items))).toEqual(rows);
    expect(describe_search(query, known)).toBe(words);
  });

  it("takes a number with # for the row where the dataset has no other positions", () => {
    const query = read_search("#3, #5-6", known);
    expect(Array.from(find_rows(query, { ...items, ids: null }))).toEqual([3, 5, 6]);
  });

  it("does not compare names of quite another length letter by letter", () => {
    const classes = Array.from({ length: 1000 }, (_, at) => `${"y".repeat(600)} ${at}`);
    const asked = { ...known, classes };
    expect(() => read_search("x".repeat(1000), asked)).toThrow(/^Not understood: "x+". Type/);
    expect(() =>
      read_search("class ant", { ...known, classes: ["anteater", "ape", "any"] }),
    ).toThrow(/no class "ant", the nearest is any;/);
  });

  it("refuses a paste by its length, before it is gone through", () => {
    for (const paste of ["x".repeat(100_000), `wrong${" ".repeat(100_000)}x`]) {
      expect(() => read_search(paste, known)).toThrow(
        `ot understood: a condition has at most 1000 characters, this one has ${paste.length}.`,
      );
    }
    const rows = Array.from({ length: 5000 }, (_, at) => at % known.n_items);
    expect(find_rows(read_search(rows.join(", "), known), items)).toHaveLength(known.n_items);
  });

  it("does not take what every object has for a word", () => {
    for (const text of ["constructor", "toString = 1", "__proto__ is missing"]) {
      expect(() => read_search(text, known)).toThrow(/not understood|there is no column/i);
    }
  });

  it("takes quotes that are a name's own for part of it", () => {
    const classes = ["'tis or dogs", "rock 'n' roll", "a 'b", "'c'", "c"];
    const words = (text: string) =>
      describe_search(read_search(text, { ...known, classes }), { ...known, classes });
    for (const name of classes) {
      expect(words(`${name} or wrong`)).toBe(`true class ${name} or wrong`);
    }
    expect(words("pred ''c''")).toBe("predicted 'c'");
    expect(words("class 'rock 'n' roll'")).toBe("true class rock 'n' roll");
  });
});
