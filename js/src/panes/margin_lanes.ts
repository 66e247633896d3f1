/** Lanes of the ranking: each group's items in order, and the brackets that cut it at both ends. */

import { s, set_text } from "../dom";
import { group_rows, name_groups, type Taken } from "../ranks";
import type { Ranking } from "../sample";
import type { Store } from "../store";
import { both_ends, count, percent, whole } from "../words";
import { text_to } from "./bars";

export const LANE = 22;
export const HEAD = 14;
export const LABEL = 76;
const VALUE = 74;
/** The profile's height, and where in a lane it begins. */
const PROFILE = 14;
const ABOVE = 5;
const GRIP = 10;
/** Letters of a lane's name. */
const LETTERS = 10;

/** Lanes drawn at most: the largest groups', and the chosen class's. */
export const MOST_LANES = 40;

/** Which of a lane's brackets: the outlying end's, or the sure end's. */
export type End = "outlier" | "exemplar";

/** One group's line: what is drawn once, and the brackets that move. */
export interface Lane {
  group: number;
  size: number;
  name: string;
  width: number;
  taken: Taken;
  el: SVGElement;
  value: SVGElement;
  ends: Partial<Record<End, { grip: SVGElement; band: SVGElement }>>;
}

/** The groups to draw: all in their order, or of very many the largest, the chosen class's first. */
export function lanes_of({ group_size }: Ranking, names: string[], label: string): number[] {
  const there = [...group_size.keys()].filter((g) => group_size[g]! > 0);
  if (there.length <= MOST_LANES) return there;
  const is_chosen = (g: number) => Number(label !== "" && `${names[g]} `.startsWith(`${label} `));
  const by_size = (a: number, b: number) => group_size[b]! - group_size[a]! || a - b;
  return there.sort((a, b) => is_chosen(b) - is_chosen(a) || by_size(a, b)).slice(0, MOST_LANES);
}

export function make_lanes(store: Store, ranking: Ranking, width: number): Lane[] {
  const rows = group_rows(ranking);
  const names = name_groups(store, ranking);
  const range = ratio_range(ranking);
  const shown = lanes_of(ranking, names, store.get("label"));
  return shown.map((group, at) =>
    draw_lane({ store, ranking, range, group, at, width, rows: rows[group]!, name: names[group]! }),
  );
}

/** The log ratios between which the profile is drawn: the outermost hundredths are cut off. */
function ratio_range({ log_ratio }: Ranking): [number, number] {
  const stride = Math.max(1, Math.floor(log_ratio.length / 20_000));
  const some = log_ratio.filter((_, i) => i % stride === 0).sort();
  const at = (share: number): number => some[Math.round(share * (some.length - 1))] ?? 0;
  const [low, high] = [at(0.01), at(0.99)];
  return high > low ? [low, high] : [low - 1, low + 1];
}

interface Drawn {
  store: Store;
  ranking: Ranking;
  range: [number, number];
  group: number;
  /** The lane's place from the top. */
  at: number;
  width: number;
  rows: Uint32Array;
  name: string;
}

function draw_lane(drawn: Drawn): Lane {
  const { store, ranking, group, at, rows, name } = drawn;
  const width = Math.max(drawn.width - LABEL - VALUE, 20);
  const top = HEAD + at * LANE;
  const errors = rows.filter((row) => is_error(store, row)).length;
  const said = `${name}: ${count(rows.length, "item")}, ${count(errors, "error")}`;
  const value = s("text", { x: LABEL + width + VALUE, y: 15, class: "ll-right ll-faint" });
  const ends: Lane["ends"] = { outlier: draw_end(group, at, "outlier", name) };
  if (ranking.uses_j) ends.exemplar = draw_end(group, at, "exemplar", name);
  const parts = Object.values(ends);
  const el = s(
    "g",
    { class: "ll-lane", transform: `translate(0 ${top})`, "data-group": group },
    s("title", {}, said),
    text_to(LABEL - 6, 15, both_ends(name, LETTERS)),
    s("path", { class: "ll-profile-area", d: profile(drawn, width) }),
    s("path", { class: "ll-errors", d: error_ticks(drawn, width) }),
    ...parts.map(({ band }) => band),
    value,
    ...parts.map(({ grip }) => grip),
  );
  const taken = { head: 0, tail: 0 };
  return { group, size: rows.length, name, width, taken, el, value, ends };
}

function is_error(store: Store, row: number): boolean {
  const [t, p] = [store.get("truth")[row]!, store.get("pred")[row]!];
  return t >= 0 && p >= 0 && t !== p;
}

/** The mean log ratio of the items that share a pixel, as an area over the lane's ground. */
function profile({ ranking, range: [low, high], rows }: Drawn, width: number): string {
  const steps = Math.max(1, Math.min(Math.floor(width), rows.length));
  const ground = ABOVE + PROFILE;
  let path = `M${LABEL} ${ground}`;
  for (let step = 0; step < steps; step++) {
    const from = Math.floor((step * rows.length) / steps);
    const to = Math.floor(((step + 1) * rows.length) / steps);
    let sum = 0;
    for (let at = from; at < to; at++) sum += ranking.log_ratio[rows[at]!]!;
    const share = Math.min(1, Math.max(0, (sum / (to - from) - low) / (high - low)));
    const y = (ground - 1 - share * (PROFILE - 1)).toFixed(1);
    path += `V${y}H${(LABEL + ((step + 1) / steps) * width).toFixed(1)}`;
  }
  return `${path}V${ground}Z`;
}

/** A tick above the lane at each pixel in which there is an error. */
function error_ticks({ store, rows }: Drawn, width: number): string {
  const seen = new Set<number>();
  rows.forEach((row, at) => {
    if (is_error(store, row)) seen.add(Math.round(((at + 0.5) / rows.length) * width));
  });
  return [...seen].map((x) => `M${LABEL + x} 0v${ABOVE - 1}`).join("");
}

const END_WORDS: Record<End, string> = { outlier: "outliers", exemplar: "exemplars" };

function draw_end(
  group: number,
  at: number,
  end: End,
  name: string,
): { grip: SVGElement; band: SVGElement } {
  const side = end === "outlier" ? -1 : 1;
  const grip = s(
    "g",
    {
      class: "ll-grip",
      "data-end": end,
      "data-lane": group,
      role: "slider",
      tabindex: at === 0 ? 0 : -1,
      "aria-label": `${END_WORDS[end]} of ${name}`,
      "aria-valuemin": 0,
    },
    s("rect", { class: "ll-back", x: -GRIP / 2, y: 0, width: GRIP, height: LANE - 2 }),
    s("path", {
      class: "ll-bracket",
      d: `M${4 * side} ${ABOVE - 1}H0V${ABOVE + PROFILE + 1}H${4 * side}`,
    }),
  );
  return { grip, band: s("rect", { class: "ll-band", y: ABOVE, height: PROFILE }) };
}

export function draw_head({ uses_j }: Ranking, width: number): SVGElement {
  return s(
    "g",
    { class: "ll-columns" },
    s("text", { x: LABEL, y: 9 }, uses_j ? "outliers" : "taken first"),
    uses_j && text_to(width - VALUE, 9, "exemplars"),
    text_to(width, 9, "taken / items"),
  );
}

export function place_brackets(lane: Lane, taken: Taken, ranking: Ranking): void {
  lane.taken = taken;
  const { size, width, name, ends } = lane;
  const n = taken.head + taken.tail;
  const px = (items: number): number => (items / size) * width;
  for (const [end, { grip, band }] of Object.entries(ends)) {
    const items = end === "outlier" ? taken.head : taken.tail;
    const from = end === "outlier" ? LABEL : LABEL + width - px(items);
    const at = end === "outlier" ? LABEL + px(items) : from;
    band.setAttribute("x", from.toFixed(1));
    band.setAttribute("width", px(items).toFixed(1));
    grip.setAttribute("transform", `translate(${at.toFixed(1)} 0)`);
    grip.setAttribute("aria-valuemax", String(size));
    grip.setAttribute("aria-valuenow", String(items));
    const role = ranking.uses_j ? END_WORDS[end as End] : "taken";
    grip.setAttribute("aria-valuetext", `${whole(items)} ${role} of ${whole(size)} items`);
    if (ranking.allocation === "fixed") grip.setAttribute("aria-disabled", "true");
  }
  set_text(lane.value, `${whole(n)} / ${whole(size)}`);
  lane.value.setAttribute("aria-label", `${name}: ${percent(n / size)} taken`);
}
