import { on, on_end, s, set_text } from "../dom";
import { type Cut, count_taken, cut_at, group_rows, name_groups, type Taken } from "../ranks";
import type { Ranking } from "../sample";
import type { Store } from "../store";
import { both_ends, count, percent, whole } from "../words";
import { make_card, make_fold, on_width } from "./card";
import type { Pane } from "./pane";

const LANE = 22;
const HEAD = 14;
const LABEL = 76;
const VALUE = 74;
/** The profile's height, and where in a lane it begins. */
const PROFILE = 14;
const ABOVE = 5;
const GRIP = 10;
/** Letters of a lane's name. */
const LETTERS = 10;
/** Lanes drawn at most: the largest groups', and the chosen class's. */
const MOST_LANES = 40;
/** A step of the keys in items, and of the larger ones as a share of the lane. */
const STEP = 1;
const LARGE_STEP = 0.05;

/** Which of a lane's brackets: the outlying end's, or the sure end's. */
type End = "outlier" | "exemplar";

/** Each group's items in the order of the ranking, and what fraction and j cut off at both ends. */
export const margin: Pane = (el, store, signal) => {
  const card = make_card(el, "Margin strip");
  const chart = s("svg", {
    class: "ll-lanes",
    role: "group",
    "aria-label": "Lanes of the ranking",
  });
  card.body.append(chart);
  const width = on_width(card.body, () => lay_out(), signal);
  let lanes: Lane[] = [];
  const fold = make_fold(el, "margin", (open) => open && lay_out(), signal);

  const lay_out = (): void => {
    const ranking = store.get("ranking");
    const why = reason_for_none(store, ranking);
    card.instead(why);
    card.note(why || !ranking ? "" : note_words(store, ranking));
    // Lanes of an earlier ranking have groups that this one may not have.
    lanes = [];
    if (why || !ranking || width() < 1 || !fold.open()) return;
    lanes = make_lanes(store, ranking, width());
    chart.setAttribute("width", String(width()));
    chart.setAttribute("height", String(HEAD + lanes.length * LANE));
    chart.replaceChildren(draw_head(ranking, width()), ...lanes.map(({ el: lane }) => lane));
    cut();
  };
  /** Move the brackets; all else stays. */
  const cut = (): void => {
    const ranking = store.get("ranking");
    if (!ranking || lanes.length === 0 || !fold.open()) return;
    const taken = count_taken(ranking, store.get("roles"));
    for (const lane of lanes) place_brackets(lane, taken[lane.group]!, ranking);
    card.n(n_words(lanes.length, ranking));
  };

  store.watch(["ranking", "truth", "pred", "about", "sampler_info"], lay_out, signal);
  const choose = (): void => {
    if ((store.get("ranking")?.group_size.length ?? 0) > MOST_LANES) lay_out();
  };
  store.watch(["label"], choose, signal);
  store.watch(["roles"], cut, signal);
  listen({ chart, store, lanes: () => lanes, signal });
};

function reason_for_none(store: Store, ranking: Ranking | null): string {
  if (!ranking) return store.get("doing") || "Waiting for the ranking.";
  if (ranking.log_ratio.some((ratio) => ratio !== 0)) return "";
  return "This sampler takes items without regard to a margin, so there is no ranking to show.";
}

function note_words(store: Store, ranking: Ranking): string {
  const order =
    "From the boundary, left, to the surest item, right; the profile is the log ratio, ticks are errors.";
  const there = ranking.group_size.filter((size) => size > 0).length;
  const some = there > MOST_LANES ? " The largest groups; choose a class to see its own." : "";
  if (ranking.allocation === "fixed")
    return `${order} ${store.get("sampler_info")?.reason ?? ""}${some}`;
  return ranking.uses_j
    ? `${order} Drag a bracket: fraction and j follow.${some}`
    : `${order} Drag the bracket: the fraction follows.${some}`;
}

/** One group's line: what is drawn once, and the brackets that move. */
interface Lane {
  group: number;
  size: number;
  name: string;
  width: number;
  taken: Taken;
  el: SVGElement;
  value: SVGElement;
  ends: Partial<Record<End, { grip: SVGElement; band: SVGElement }>>;
}

/** How many groups there are, and how many of them are here. */
function n_words(shown: number, { group_size }: Ranking): string {
  const all = group_size.reduce((n, size) => n + Number(size > 0), 0);
  return shown < all ? `${shown} of ${whole(all)} groups` : count(all, "group");
}

/** The groups to draw: all in their order, or of very many the largest, the chosen class's first. */
export function lanes_of({ group_size }: Ranking, names: string[], label: string): number[] {
  const there = [...group_size.keys()].filter((g) => group_size[g]! > 0);
  if (there.length <= MOST_LANES) return there;
  const is_chosen = (g: number) => Number(label !== "" && `${names[g]} `.startsWith(`${label} `));
  const by_size = (a: number, b: number) => group_size[b]! - group_size[a]! || a - b;
  return there.sort((a, b) => is_chosen(b) - is_chosen(a) || by_size(a, b)).slice(0, MOST_LANES);
}

function make_lanes(store: Store, ranking: Ranking, width: number): Lane[] {
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
    s("text", { x: LABEL - 6, y: 15, class: "ll-right" }, both_ends(name, LETTERS)),
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

function draw_head({ uses_j }: Ranking, width: number): SVGElement {
  return s(
    "g",
    { class: "ll-columns" },
    s("text", { x: LABEL, y: 9 }, uses_j ? "outliers" : "taken first"),
    uses_j && s("text", { x: width - VALUE, y: 9, class: "ll-right" }, "exemplars"),
    s("text", { x: width, y: 9, class: "ll-right" }, "taken / items"),
  );
}

function place_brackets(lane: Lane, taken: Taken, ranking: Ranking): void {
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

interface Hands {
  chart: SVGElement;
  store: Store;
  lanes: () => Lane[];
  signal: AbortSignal;
}

/** What is held: a lane's end, and how many items the other end has meanwhile. */
interface Held {
  lane: Lane;
  end: End;
  other: number;
}

function listen({ chart, store, lanes, signal }: Hands): void {
  let held: Held | null = null;
  const grip_of = (target: EventTarget | null): Held | null => {
    const grip = (target as Element).closest<SVGElement>("[data-end]");
    const lane = lanes().find(({ group }) => String(group) === grip?.dataset.lane);
    if (!grip || !lane) return null;
    const end = grip.dataset.end as End;
    return { lane, end, other: end === "outlier" ? lane.taken.tail : lane.taken.head };
  };
  const drop = (): void => {
    if (held) store.set({ dragging: false });
    held = null;
  };
  const down = (event: PointerEvent): void => {
    held = grip_of(event.target);
    if (!held || store.get("ranking")?.allocation === "fixed") {
      held = null;
      return;
    }
    event.preventDefault();
    held.lane.ends[held.end]?.grip.focus();
    chart.setPointerCapture?.(event.pointerId);
    store.set({ dragging: true });
  };
  const move = (event: PointerEvent): void => {
    if (!held) return;
    const { lane, end } = held;
    const share = (event.clientX - chart.getBoundingClientRect().left - LABEL) / lane.width;
    const items = Math.round((end === "outlier" ? share : 1 - share) * lane.size);
    pull(store, held, items);
  };
  const press = (event: KeyboardEvent): void => {
    const at = grip_of(event.target);
    if (!at) return;
    if (event.key === "ArrowUp" || event.key === "ArrowDown")
      walk(lanes(), at, event.key === "ArrowUp" ? -1 : 1);
    else if (!pull_by_key(store, at, event.key)) return;
    event.preventDefault();
  };
  on(chart, "pointerdown", down, signal);
  on(chart, "pointermove", move, signal);
  for (const end of ["pointerup", "pointercancel"] as const) on(chart, end, drop, signal);
  on(chart, "keydown", press, signal);
  on_end(signal, drop);
}

/** Set fraction and j such that an end of a lane holds so many items. */
function pull(store: Store, { lane, end, other }: Held, items: number): void {
  const ranking = store.get("ranking");
  if (!ranking || ranking.allocation === "fixed") return;
  const n = Math.min(Math.max(items, 0), lane.size - other);
  const cut: Cut = end === "outlier" ? { head: n, tail: other } : { head: other, tail: n };
  const found = cut_at(ranking, store.get("truth").length, lane.group, cut);
  if (found) store.set(ranking.uses_j ? found : { fraction: found.fraction });
}

/** Left and right move the bracket itself, whichever end it is. */
function pull_by_key(store: Store, at: Held, key: string): boolean {
  const { lane, end } = at;
  const now = end === "outlier" ? lane.taken.head : lane.taken.tail;
  const away = end === "outlier" ? 1 : -1;
  const large = Math.max(1, Math.round(LARGE_STEP * lane.size));
  const to: Record<string, number> = {
    ArrowRight: now + away * STEP,
    ArrowLeft: now - away * STEP,
    PageUp: now + large,
    PageDown: now - large,
    Home: 0,
    End: lane.size - at.other,
  };
  if (!(key in to)) return false;
  pull(store, at, to[key]!);
  return true;
}

/** Go to the same end of the next lane, which becomes the one that Tab finds. */
function walk(lanes: Lane[], { lane, end }: Held, step: number): void {
  const next = lanes[lanes.indexOf(lane) + step];
  if (!next) return;
  for (const { grip } of Object.values(lane.ends)) grip.setAttribute("tabindex", "-1");
  for (const { grip } of Object.values(next.ends)) grip.setAttribute("tabindex", "0");
  next.ends[end]?.grip.focus();
}
