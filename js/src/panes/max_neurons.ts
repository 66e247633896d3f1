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
  whole,
} from "../words";
import { sample_line } from "../worth";
import type { Scale } from "./bars";
import { type Bin, bins_in, draw_axis, HEIGHT, LEFT, make_bins, type Rest, SLOT } from "./bins";
import { answer_for, make_card, n_words, on_width } from "./card";
import { draw_mark, make_marks, replace_marks } from "./marks";
import type { Pane } from "./pane";
import { show_bin_pair } from "./versus";

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
  const width = on_width(card.body, () => draw(), signal);

  const draw = (): void => {
    const figures = answer_for(card, chart, store);
    if (!figures) return;
    if (store.get("rival_member")) {
      show_bin_pair(card, chart, figures, store, width());
      return;
    }
    const { js_distance } = figures;
    card.n(n_words(figures));
    card.kind(kind_of(figures, js_distance !== null));
    card.score(
      "Jensen-Shannon",
      js_distance === null || figures.n_used === 0 ? "" : ratio(js_distance),
      "Jensen-Shannon distance (base 2) between the sample's histogram and the exact one: 0 equal, 1 disjoint.",
    );
    const why = empty_words(store, figures);
    card.instead(why);
    if (why || width() < 1) return;
    const { bins, rest } = make_bins(figures, bins_in(width(), figures.exact_counts.length));
    draw_bins(chart, bins, figures, store, width());
    card.note(note_words(figures, rest) + told_words(store.get("layer_info")));
    card.worth(sample_line(store, figures, true));
  };

  store.watch(
    ["answer", "rival", "contrast", "unit", "means", "layer_error", "doing"],
    draw,
    signal,
  );
  make_marks(chart, store, signal);
};

function note_words({ n_used, n_group }: Figures, rest: Rest): string {
  const told = "Filled: sample. Outline: exact, which sorts the bars.";
  if (rest.units === 0) return told;
  const shares = `${percent(rest.sample / n_used)} sample, ${percent(rest.exact / n_group)} exact`;
  return `${told} ${count(rest.units, "more unit")}: ${shares}.`;
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
  const { y, axis } = draw_axis(most, width);
  chart.setAttribute("width", String(width));
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
  y: Scale;
  sample: number;
  exact: number;
}

function draw_bin({ bin, store, x, slot, y, sample, exact }: Place): SVGElement {
  const noun = unit_noun(store.get("layer_info"));
  const name = bin.unit >= 0 ? `${noun} ${bin.label}` : `none, every ${noun} being zero`;
  const label =
    `${name}: ${percent(sample)} of the sample (${whole(bin.sample)}), ` +
    `${percent(exact)} exactly (${whole(bin.exact)})`;
  const outer = Math.min(slot - 4, 20);
  const inner = outer - 6;
  const middle = x + slot / 2;
  return draw_mark(
    store,
    bin.unit,
    { name: `ll-bin${bin.unit < 0 ? " ll-special" : ""}`, said: label },
    s("rect", { class: "ll-back", x, y: 0, width: slot, height: HEIGHT, rx: 3 }),
    rect("ll-bar", middle, inner, y, sample),
    rect("ll-outline", middle, outer, y, exact),
    s("text", { x: middle, y: HEIGHT - 4, class: "ll-middle" }, bin.label),
  );
}

function rect(name: string, middle: number, width: number, y: Scale, share: number): SVGElement {
  const height = y(0) - y(share);
  return s("rect", { class: name, x: middle - width / 2, y: y(share), width, height });
}
