import { describe, expect, it } from "vitest";
import json from "../../tests/golden/query.json";
import { allocate } from "../src/allocation";
import { cosine_distance, top_units } from "../src/metrics";
import type { Allocation, Answer, Question } from "../src/protocol.gen";
import {
  cell_mean,
  compare,
  type Group,
  type Side,
  write_counts,
  write_maxima,
  write_members,
  write_rows,
} from "../src/query";
import type { LayerIndex } from "../src/record";
import { RowMean } from "../src/row_mean";
import {
  type Ranking,
  sample_size,
  sort_ranking,
  write_roles,
  write_sample_order,
} from "../src/sample";
import { strongest } from "../src/unit";

interface Golden {
  allocate: {
    n: number;
    sizes: number[];
    allocation: Allocation;
    floor: number;
    shares: number[];
  }[];
  sample_size: { fraction: number; n_items: number; size: number }[];
  rankings: Record<string, Listed>;
  samples: { ranking: string; fraction: number; j: number; roles: number[]; index: number[] }[];
  records: Record<string, ListedRecord>;
  questions: {
    record: string;
    question: Omit<Question, "selection"> & { selection: number[] | null };
    sample_mean: number[] | null;
    answer: Answer & Record<"counts" | "exact_counts" | "mean" | "exact_mean", number[] | null>;
  }[];
}

interface Listed {
  group: number[];
  rank: number[];
  group_size: number[];
  log_ratio: number[];
  uses_j: boolean;
  probability: boolean;
  allocation: Allocation;
  floor: number;
}

interface ListedRecord {
  classes: string[];
  label: number[];
  pred: number[];
  latent_layer: string;
  latent: number[][];
  cell_count: number[][];
  layers: Record<
    string,
    {
      units: number;
      keep: number;
      index_dtype: string;
      top_unit: number[][];
      top_value: number[][];
      silent: number[];
      cell_sum: number[][][];
    }
  >;
}

const golden = json as unknown as Golden;

function ranking_of(name: string): Ranking {
  const { group, rank, group_size, log_ratio, ...rest } = golden.rankings[name]!;
  return {
    group: Uint16Array.from(group),
    rank: Uint32Array.from(rank),
    group_size: Uint32Array.from(group_size),
    log_ratio: Float64Array.from(log_ratio),
    weighted: false,
    ...rest,
  };
}

function index_of(record: ListedRecord, name: string): LayerIndex {
  const layer = record.layers[name]!;
  const Units = layer.index_dtype === "uint16" ? Uint16Array : Uint32Array;
  return {
    name,
    units: layer.units,
    keep: layer.keep,
    top_unit: Units.from(layer.top_unit.flat()),
    top_value: Float32Array.from(layer.top_value.flat()),
    silent: Uint8Array.from(layer.silent),
    cell_sum: Float64Array.from(layer.cell_sum.flat(2)),
    cell_count: Float64Array.from(record.cell_count.flat()),
    n_classes: record.classes.length,
  };
}

function rows_of(mask: Uint8Array): Uint32Array {
  const rows = new Uint32Array(mask.length);
  return rows.slice(0, write_rows(mask, rows));
}

function side_of(index: LayerIndex, rows: Uint32Array, k: number): Side {
  const maxima = new Float32Array(index.units);
  const counts = new Uint32Array(index.units);
  write_maxima(index, rows, k, maxima);
  return {
    n: rows.length,
    maxima,
    histogram: { counts, none: write_counts(index, rows, counts) },
    mean: null,
  };
}

function answer_of({ record: name, question, sample_mean }: Golden["questions"][number]) {
  const record = golden.records[name]!;
  const index = index_of(record, question.layer);
  const label = Int32Array.from(record.label);
  const pred = Int32Array.from(record.pred);
  const group: Group = {
    label_class: record.classes.indexOf(question.label),
    by: question.by,
    correctness: question.correctness,
    selection: question.selection && Uint32Array.from(question.selection),
  };
  const member = new Uint8Array(label.length);
  write_members(label, pred, group, member);
  const roles = new Uint8Array(label.length);
  write_roles(ranking_of(question.sampler), question.fraction, question.j, roles);
  const rows = rows_of(member);
  const sampled = rows.filter((row) => roles[row]);
  const exact = side_of(index, rows, question.k);
  const used = side_of(index, sampled, question.k);
  exact.mean = group.selection ? null : cell_mean(index, group, pred[0]! >= 0, rows.length);
  used.mean = sample_mean && Float64Array.from(sample_mean);
  if (question.layer === record.latent_layer) {
    const latent = Float32Array.from(record.latent.flat());
    used.mean = new Float64Array(index.units);
    write_row_mean(latent, sampled, used.mean);
    if (!exact.mean) {
      exact.mean = new Float64Array(index.units);
      write_row_mean(latent, rows, exact.mean);
    }
  }
  return compare(used, exact, question.k, question.measure);
}

/** Equal to float32: sums may have been taken in another order. */
function expect_close(actual: ArrayLike<number> | null, expected: number[] | null): void {
  if (!actual || !expected) {
    expect(actual).toBe(expected);
    return;
  }
  expect(actual.length).toBe(expected.length);
  for (let i = 0; i < expected.length; i++) {
    const scale = Math.max(Math.abs(expected[i]!), 1e-6);
    expect(Math.abs(actual[i]! - expected[i]!) / scale).toBeLessThan(2 ** -24);
  }
}

const one = (value: number | null) => (value === null ? null : [value]);

/** Mean of some rows of a matrix, summed in float64. */
function write_row_mean(values: Float32Array, rows: Uint32Array, out: Float64Array): void {
  out.fill(0);
  for (const row of rows) {
    for (let u = 0; u < out.length; u++) out[u]! += values[row * out.length + u]!;
  }
  for (let u = 0; u < out.length; u++) out[u]! /= rows.length;
}

describe("the browser's engine equals the kernel's", () => {
  it("shares a number among groups", () => {
    for (const { n, sizes, allocation, floor, shares } of golden.allocate) {
      expect(Array.from(allocate(n, sizes, allocation, floor))).toEqual(shares);
    }
  });

  it("rounds the sample's size", () => {
    for (const { fraction, n_items, size } of golden.sample_size) {
      expect(sample_size(fraction, n_items)).toBe(size);
    }
  });

  it.each(golden.samples)("cuts $ranking at $fraction, j = $j", ({
    ranking,
    fraction,
    j,
    roles,
    index,
  }) => {
    const ranked = ranking_of(ranking);
    const taken = new Uint8Array(roles.length);
    write_roles(ranked, fraction, j, taken);
    expect(Array.from(taken)).toEqual(roles);
    const order = new Uint32Array(roles.length);
    const n = write_sample_order(taken, sort_ranking(ranked), order);
    expect(Array.from(order.subarray(0, n))).toEqual(index);
  });

  it.each(golden.questions)("answers $question.measure of $question.layer, $record", (asked) => {
    const expected = asked.answer;
    const figures = answer_of(asked);
    for (const name of [
      "n_group",
      "n_used",
      "k",
      "none",
      "exact_none",
      "precision",
      "chance",
    ] as const) {
      expect(figures[name], name).toBe(expected[name]);
    }
    expect(Array.from(figures.counts)).toEqual(expected.counts);
    expect(Array.from(figures.exact_counts)).toEqual(expected.exact_counts);
    for (const name of ["top", "exact_top"] as const) {
      expect(figures[name]?.unit).toEqual(expected[name]?.unit);
      expect(figures[name]?.hit).toEqual(expected[name]?.hit);
      expect_close(figures[name]?.value ?? null, expected[name]?.value ?? null);
      const known = (values: (number | null)[] | undefined) =>
        values?.map((v) => v ?? Number.MAX_VALUE) ?? null;
      expect_close(known(figures[name]?.exact_value), known(expected[name]?.exact_value));
    }
    expect_close(figures.mean, expected.mean);
    expect_close(figures.exact_mean, expected.exact_mean);
    expect_close(one(figures.js_distance), one(expected.js_distance));
    expect_close(one(figures.cosine_distance), one(expected.cosine_distance));
  });
});

describe("a mean kept up as rows come and go", () => {
  const n = 60;
  const width = 7;
  const values = Float32Array.from({ length: n * width }, (_, i) =>
    i % width === 3 ? 0 : Math.sin(i * i),
  );

  it("equals the mean taken at once, whatever came before", () => {
    const kept = new RowMean();
    const plain = new Float64Array(width);
    for (let step = 1; step < 400; step++) {
      const rows = Uint32Array.from(Array(n).keys()).filter(
        (row) => (row * step) % 11 < 1 + (step % 9),
      );
      write_row_mean(values, rows, plain);
      expect_close(kept.of(values, rows, n), Array.from(plain));
    }
  });

  it("is exactly zero for a unit that is, and for rows that sum to nothing", () => {
    const kept = new RowMean();
    for (const last of [n, 9, 3]) {
      const rows = Uint32Array.from(Array(last).keys());
      expect(kept.of(values, rows, n)[3]).toBe(0);
    }
    const once = Float32Array.of(0.1, 0.2, 0.3, 0);
    kept.of(once, Uint32Array.of(0, 1, 2, 3), 4);
    expect(kept.of(once, Uint32Array.of(2, 3), 4)[0]).toBeCloseTo(0.15);
    expect(kept.of(once, Uint32Array.of(3), 4)[0]).toBe(0);
  });
});

describe("the exact mean of a class whose labels are partly unknown", () => {
  // Item: label, pred, activation. Kinds of cell: correct, wrong by true, wrong by predicted, undecided.
  const items = [
    [0, 0, 1],
    [0, 1, 10],
    [-1, 0, 100],
    [1, 1, 1000],
  ] as const;
  const cells = [
    [0, 0],
    [0, 0],
    [0, 0],
    [0, 0],
  ];
  const counts = cells.map((row) => [...row]);
  const put = (kind: number, c: number, value: number) => {
    cells[kind]![c]! += value;
    counts[kind]![c]! += 1;
  };
  for (const [label, pred, value] of items) {
    if (label < 0) put(3, pred, value);
    else if (label === pred) put(0, label, value);
    else {
      put(1, label, value);
      put(2, pred, value);
    }
  }
  const index = {
    units: 1,
    n_classes: 2,
    cell_sum: Float64Array.from(cells.flat()),
    cell_count: Float64Array.from(counts.flat()),
  } as LayerIndex;

  it.each([
    [0, "true", "all", 11 / 2],
    [0, "predicted", "all", 101 / 2],
    [1, "true", "all", 1000],
    [1, "predicted", "all", 1010 / 2],
    [1, "predicted", "incorrect", 10],
    [-1, "true", "all", 1111 / 4],
    [-1, "predicted", "incorrect", 10],
  ] as const)("class %i by %s, %s", (label_class, by, correctness, expected) => {
    const label = Int32Array.from(items, ([l]) => l);
    const pred = Int32Array.from(items, ([, p]) => p);
    const group = { label_class, by, correctness, selection: null };
    const member = new Uint8Array(items.length);
    write_members(label, pred, group, member);
    const n = member.reduce((total, is) => total + is, 0);
    expect(cell_mean(index, group, true, n)?.[0]).toBe(expected);
  });
});

describe("edges", () => {
  it("counts both zero as no distance and one zero as the largest", () => {
    const zero = new Float64Array(3);
    const some = Float64Array.of(1, 0, 2);
    expect(cosine_distance(zero, zero)).toBe(0);
    expect(cosine_distance(zero, some)).toBe(1);
  });

  it("ranks equal values by unit", () => {
    expect(top_units(Float32Array.of(2, 3, 2, 3, 1), 4)).toEqual([1, 3, 0, 2]);
  });

  it("gives the strongest of the rows whose value is known", () => {
    const values = Float32Array.of(1, Number.NaN, 3, 3);
    expect(Array.from(strongest(values, Uint32Array.of(0, 1, 2, 3), 3))).toEqual([2, 3, 0]);
  });

  it("shares exactly where the product of two counts is large", () => {
    const sizes = [1_000_003, 2_000_003, 70_001];
    const shares = allocate(1_234_567, sizes);
    expect(shares.reduce((a, b) => a + b)).toBe(1_234_567);
  });
});
