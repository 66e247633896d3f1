import { describe, expect, it } from "vitest";
import json from "../../tests/golden/query.json";
import { t_quantile, upper_tail } from "../src/effect";
import { contrast_here } from "../src/neurons";
import type { By, Correctness, Measure } from "../src/protocol.gen";
import { type Group, write_members, write_rows } from "../src/query";
import type { LayerIndex } from "../src/record";
import { write_rest } from "../src/rival";
import { type Ranking, write_roles } from "../src/sample";
import { cell_means, known_by_index, write_unit_values } from "../src/unit";
import { brief, design_of, effective_size, read_out, share_above, unit_line } from "../src/worth";

type Numbers = (number | null)[];

interface Golden {
  rankings: Record<string, Omit<Ranking, "group"> & { group: number[] }>;
  records: Record<
    string,
    {
      classes: string[];
      label: number[];
      pred: number[];
      latent: number[][];
      cell_count: number[][];
      layers: Record<
        string,
        {
          units: number;
          keep: number;
          top_unit: number[][];
          top_value: number[][];
          cell_sum: number[][][];
        }
      >;
    }
  >;
  questions: {
    record: string;
    question: Asked & { sampler: string; fraction: number; j: number; measure: Measure };
    answer: { n_used: number; n_group: number; precision: number | null };
    read_outs: { top_k: string | null; max_neurons: string };
  }[];
  contrasts: ({
    record: string;
    question: Asked;
    unit: number[];
    n: number[];
    n_stand: number;
    read_out: string;
    note: string;
  } & Record<(typeof COLUMNS)[number], Numbers>)[];
  units: {
    record: string;
    layer: string;
    unit: number;
    by: By;
    value: Numbers;
    limit: number | null;
    read_out: string;
    mean: Numbers[];
    n: number[][];
  }[];
}

interface Asked {
  label: string;
  by: By;
  correctness: Correctness;
  selection: number[] | null;
}

const COLUMNS = ["effect", "low", "high", "p", "mean", "other_mean"] as const;
const golden = json as unknown as Golden;

function group_of(name: string, asked: Asked) {
  const record = golden.records[name]!;
  const [label, pred] = [Int32Array.from(record.label), Int32Array.from(record.pred)];
  const group: Group = {
    label_class: record.classes.indexOf(asked.label),
    by: asked.by,
    correctness: asked.correctness,
    selection: asked.selection && Uint32Array.from(asked.selection),
  };
  const member = new Uint8Array(label.length);
  write_members(label, pred, group, member);
  return { label, pred, group, member };
}

function rows_of(mask: Uint8Array): Uint32Array {
  const rows = new Uint32Array(mask.length);
  return rows.slice(0, write_rows(mask, rows));
}

function ranking_of(name: string): Ranking {
  const { group, rank, group_size, log_ratio, ...rest } = golden.rankings[name]!;
  return {
    ...rest,
    group: Uint16Array.from(group),
    rank: Uint32Array.from(rank),
    group_size: Uint32Array.from(group_size),
    log_ratio: Float64Array.from(log_ratio),
  };
}

function expect_close(actual: ArrayLike<number>, expected: Numbers, digits = 9): void {
  expect(actual.length).toBe(expected.length);
  expected.forEach((value, i) => {
    if (value === null) expect(actual[i]).toBeNaN();
    else expect(actual[i]).toBeCloseTo(value, digits);
  });
}

describe("Student's distribution", () => {
  // By scipy.stats.t.sf and t.isf.
  it.each([
    [0, 3, 0.5],
    [1, 1, 0.25],
    [2.5, 7.3, 0.0198251173328],
    [5.5, 40, 1.19021056796e-6],
    [30, 1, 0.0106064024055],
  ])("has at %f with %f degrees of freedom the tail %f", (t, df, tail) => {
    expect(upper_tail(t, df) / tail).toBeCloseTo(1, 9);
  });

  it("gives the value of a tail that has that tail", () => {
    for (const df of [1, 2.7, 14, 300, 1e5]) {
      for (const tail of [0.4, 0.025, 1e-4, 6e-6]) {
        expect(upper_tail(t_quantile(tail, df), df) / tail).toBeCloseTo(1, 9);
      }
    }
  });
});

describe("contrasts", () => {
  it.each(
    golden.contrasts.map((made, i) => [i, made] as const),
  )("agree with Python: %i", (_, made) => {
    const { label, pred, group, member } = group_of(made.record, made.question);
    const other = new Uint8Array(member.length);
    write_rest(label, pred, group, member, other);
    const latent = golden.records[made.record]!.latent;
    const units = latent[0]!.length;
    const flat = Float32Array.from(latent.flat());
    const found = contrast_here(flat, rows_of(member), rows_of(other), units);
    expect(found.n).toEqual(made.n);
    expect([found.n_stand, found.read_out, found.note]).toEqual([
      made.n_stand,
      made.read_out,
      made.note,
    ]);
    for (const name of COLUMNS) {
      const by_unit = Float64Array.from(made.unit, (u) => found[name][found.place.get(u)!]!);
      expect_close(by_unit, made[name]);
    }
    const sizes = Array.from(found.effect, Math.abs).filter((g) => !Number.isNaN(g));
    expect(sizes).toEqual([...sizes].sort((a, b) => b - a));
  });

  it("include some that stand and some without an effect", () => {
    expect(golden.contrasts.some(({ n_stand }) => n_stand > 0)).toBe(true);
    expect(golden.contrasts.some(({ effect }) => effect.includes(null))).toBe(true);
  });
});

describe("one unit", () => {
  it.each(
    golden.units.map((made, i) => [i, made] as const),
  )("is read as Python reads it: %i", (_, made) => {
    const { layers, cell_count, classes, label, pred } = golden.records[made.record]!;
    const layer = layers[made.layer]!;
    const index: LayerIndex = {
      name: made.layer,
      units: layer.units,
      keep: layer.keep,
      top_unit: Uint16Array.from(layer.top_unit.flat()),
      top_value: Float32Array.from(layer.top_value.flat()),
      silent: new Uint8Array(label.length),
      cell_sum: Float64Array.from(layer.cell_sum.flat(2)),
      cell_count: Float64Array.from(cell_count.flat()),
      n_classes: classes.length,
    };
    const values = new Float32Array(label.length);
    write_unit_values(index, made.unit, values);
    expect_close(values, made.value, 6);
    const { n_listed, limit } = known_by_index(index, values);
    expect(unit_line(n_listed, 0, label.length, limit)).toBe(made.read_out);
    const means = cell_means(index, made.unit, made.by === "predicted", pred[0]! >= 0);
    expect(Array.from(means.n)).toEqual(made.n.flat());
    expect_close(means.mean, made.mean.flat());
  });
});

describe("the read-out", () => {
  it.each(
    golden.questions.map((made, i) => [i, made] as const),
  )("says what Python says: %i", (_, made) => {
    const { question, answer, read_outs } = made;
    const { member } = group_of(made.record, question);
    const ranking = ranking_of(question.sampler);
    const roles = new Uint8Array(member.length);
    write_roles(ranking, question.fraction, question.j, roles);
    const design = design_of(ranking, roles);
    const members = rows_of(member);
    const used = members.filter((row) => roles[row]);
    const facts = {
      n_used: answer.n_used,
      n_group: answer.n_group,
      effective_n: effective_size(design, ranking, used),
      note: design.why_not,
    };
    expect(read_out({ ...facts, kind: "measured" })).toBe(read_outs.max_neurons);
    if (read_outs.top_k === null) return;
    const maxima = question.measure === "max";
    const bounded = maxima && !design.why_not && used.length > 0;
    const above = bounded ? share_above(ranking, roles, members) : null;
    const kind = answer.precision === null ? "sample" : "measured";
    expect(read_out({ ...facts, kind, maxima, above })).toBe(read_outs.top_k);
  });

  it("comes in all its forms", () => {
    const lines = golden.questions.map(({ read_outs }) => read_outs.top_k ?? "").join("\n");
    for (const part of [
      "empty in sample",
      "lower bounds only",
      "of the group exceeds one",
      "worth",
    ]) {
      expect(lines).toContain(part);
    }
  });

  it("is brief by its first clause", () => {
    expect(brief("measured, 5 of 9 items; maxima are lower bounds only. No")).toBe(
      "measured, 5 of 9 items",
    );
    expect(brief("exact, 9 of 9 items")).toBe("exact, 9 of 9 items");
  });
});
