import { s } from "../dom";
import type { Figures } from "../query";
import type { Store } from "../store";
import {
  count,
  empty_words,
  kind_of,
  percent,
  ratio,
  told_words,
  unit_noun,
  waiting_words,
  whole,
} from "../words";
import { make_card, make_marks, on_width, replace_marks } from "./card";
import type { Pane } from "./pane";

const HEIGHT = 108;
const TOP = 14;
const BOTTOM = 16;
const LEFT = 44;
const SLOT = 24;
/** Numbers of four digits need more. */
const WIDE_SLOT = 30;

/** One bar: a unit, or the items without a maximal unit. */
export interface Bin {
  label: string;
  unit: number;
  sample: number;
  exact: number;
}

/** Of how many items each unit is the maximum: the sample filled, the exact outlined. */
export const max_neurons: Pane = (el, store, signal) => {
  const card = make_card(el, "Maximally activated");
  const chart = s("svg", {
    class: "ll-histogram",
    role: "group",
    "aria-label": "Which unit is each item's maximum",
    height: HEIGHT,
  });
  card.body.append(chart);
  let width = 0;

  const draw = (): void => {
    const figures = store.get("answer");
    card.stale(!figures);
    if (!figures) {
      if (!chart.childElementCount) card.instead(waiting_words(store));
      return;
    }
    const { js_distance } = figures;
    card.n(`n ${whole(figures.n_used)} of ${whole(figures.n_group)}`);
    card.kind(kind_of(figures, js_distance !== null));
    card.score(
      "Jensen-Shannon",
      js_distance === null ? "" : ratio(js_distance),
      "Jensen-Shannon distance (base 2) between the sample's histogram and the exact one: 0 equal, 1 disjoint.",
    );
    const why = empty_words(store, figures);
    card.instead(why);
    if (why || width < 1) return;
    const slot = figures.exact_counts.length > 1000 ? WIDE_SLOT : SLOT;
    const room = Math.max(3, Math.floor((width - LEFT) / slot));
    const { bins, rest } = make_bins(figures, room);
    draw_bins(chart, bins, figures, store, width);
    card.note(note_words(figures, rest) + told_words(store.get("layer_info")));
  };

  store.watch(["answer", "unit", "layer_error", "doing"], draw, signal);
  make_marks(chart, store, signal);
  on_width(
    card.body,
    (now) => {
      width = now;
      draw();
    },
    signal,
  );
};

/** Units without a bar of their own. */
export interface Rest {
  units: number;
  sample: number;
  exact: number;
}

function note_words({ n_used, n_group }: Figures, rest: Rest): string {
  const told = "Filled: sample. Outline: exact, which sorts the bars.";
  if (rest.units === 0) return told;
  const shares = `${percent(rest.sample / n_used)} sample, ${percent(rest.exact / n_group)} exact`;
  return `${told} ${count(rest.units, "more unit")}: ${shares}.`;
}

const NONE = -1;

/** Sort the units by their exact count, add the items with none, and leave what has no room. */
export function make_bins(figures: Figures, room: number): { bins: Bin[]; rest: Rest } {
  const { counts, exact_counts, none, exact_none } = figures;
  const units: number[] = [];
  for (let u = 0; u < exact_counts.length; u++) if (exact_counts[u] || counts[u]) units.push(u);
  units.sort((a, b) => exact_counts[b]! - exact_counts[a]! || a - b);
  const bins: Bin[] = units.map((unit) => ({
    label: String(unit),
    unit,
    sample: counts[unit]!,
    exact: exact_counts[unit]!,
  }));
  const silent: Bin[] =
    exact_none || none ? [{ label: "none", unit: NONE, sample: none, exact: exact_none }] : [];
  const shown = Math.max(room - silent.length, 1);
  return { bins: [...bins.slice(0, shown), ...silent], rest: add_up(bins.slice(shown)) };
}

function add_up(bins: Bin[]): Rest {
  return {
    units: bins.length,
    sample: bins.reduce((total, { sample }) => total + sample, 0),
    exact: bins.reduce((total, { exact }) => total + exact, 0),
  };
}

function draw_bins(
  chart: SVGElement,
  bins: Bin[],
  figures: Figures,
  store: Store,
  width: number,
): void {
  const share_of = ({ sample, exact }: Bin) => [sample / figures.n_used, exact / figures.n_group];
  const most = Math.max(...bins.flatMap(share_of));
  const slot = Math.min((width - LEFT) / bins.length, 2 * SLOT);
  const y = (share: number): number => HEIGHT - BOTTOM - (share / most) * (HEIGHT - BOTTOM - TOP);
  chart.setAttribute("width", String(width));
  const axis = s(
    "g",
    { class: "ll-axis" },
    s("line", { x1: LEFT, x2: width, y1: y(0), y2: y(0) }),
    s("line", { class: "ll-grid", x1: LEFT, x2: width, y1: y(most), y2: y(most) }),
    s("text", { x: LEFT - 4, y: y(most) + 4, class: "ll-right" }, percent(most)),
    s("text", { x: LEFT - 4, y: y(0), class: "ll-right" }, "0"),
  );
  const marks = bins.map((bin, i) => {
    const [sample = 0, exact = 0] = share_of(bin);
    return draw_bin({ bin, store, x: LEFT + i * slot, slot, y, sample, exact });
  });
  replace_marks(chart, [axis, ...marks]);
}

interface Place {
  bin: Bin;
  store: Store;
  x: number;
  slot: number;
  y: (share: number) => number;
  sample: number;
  exact: number;
}

function draw_bin({ bin, store, x, slot, y, sample, exact }: Place): SVGElement {
  const picked = bin.unit >= 0 && store.get("unit") === bin.unit;
  const noun = unit_noun(store.get("layer_info"));
  const name = bin.unit >= 0 ? `${noun} ${bin.label}` : `none, every ${noun} being zero`;
  const label =
    `${name}: ${percent(sample)} of the sample (${whole(bin.sample)}), ` +
    `${percent(exact)} exactly (${whole(bin.exact)})`;
  const button = bin.unit >= 0 && {
    "data-unit": bin.unit,
    tabindex: -1,
    role: "button",
    "aria-pressed": String(picked),
  };
  const outer = Math.min(slot - 4, 20);
  const inner = outer - 6;
  const middle = x + slot / 2;
  return s(
    "g",
    { class: `ll-bin${bin.unit < 0 ? " ll-special" : ""}`, "aria-label": label, ...button },
    s("title", {}, label),
    s("rect", { class: "ll-back", x, y: 0, width: slot, height: HEIGHT, rx: 3 }),
    rect("ll-bar", middle, inner, y, sample),
    rect("ll-outline", middle, outer, y, exact),
    s("text", { x: middle, y: HEIGHT - 4, class: "ll-middle" }, bin.label),
  );
}

function rect(
  name: string,
  middle: number,
  width: number,
  y: (share: number) => number,
  share: number,
): SVGElement {
  const height = y(0) - y(share);
  return s("rect", { class: name, x: middle - width / 2, y: y(share), width, height });
}
