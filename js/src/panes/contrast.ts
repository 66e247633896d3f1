import { h, on, s } from "../dom";
import type { Contrast } from "../neurons";
import type { Store } from "../store";
import {
  EFFECT_TITLE,
  group_words,
  rival_words,
  short,
  unit_noun,
  unit_place,
  waiting_words,
  whole,
} from "../words";
import { draw_back, draw_bar, faint_to, type Scale, set_size, text_to } from "./bars";
import { make_card, on_visible, on_width, view_counter } from "./card";
import { draw_mark, make_marks, replace_marks } from "./marks";
import type { Pane } from "./pane";

const ROW = 18;
const HEAD = 16;
const LABEL = 46;
const EFFECT = 84;
const CHANCE = 52;
/** Units that are shown, those of largest effect. */
const SHOWN = 12;

/** Which units separate the group from the rest of its class: effects with their intervals. */
export const contrast: Pane = (el, store, signal) => {
  const card = make_card(el, "What marks the selection");
  const chart = s("svg", { class: "ll-effects", role: "group", "aria-label": "Effects by unit" });
  const button = h("button", { type: "button", className: "ll-run", hidden: true });
  el.querySelector("header")!.append(button);
  card.body.append(chart);
  const count_view = view_counter(store, "contrast_views", signal);
  const width = on_width(card.body, () => draw(), signal);

  const draw = (): void => {
    const found = store.get("contrast");
    const waiting = store.get("waiting").contrast;
    const told = store.get("contrast_told");
    const error = told?.asked === store.get("contrast_question") ? told.error : "";
    button.hidden = !waiting && !error;
    button.textContent = waiting ? "Stop" : "Run";
    const sides = store.get("contrast_sides");
    // A group of one has no spread, so that nothing was compared.
    const compared = found && !found.note ? found : null;
    card.kind(compared?.known ?? null);
    card.n(found ? `n ${found.n_group.map(whole).join(" against ")}` : "");
    card.score(
      "stand",
      compared ? `${whole(compared.n_stand)} of ${whole(store.get("layer_info")?.units ?? 0)}` : "",
      "Units whose difference has p of at most 0.05 after correction for their number.",
    );
    const why = nothing_words(store) || error || found?.note || (found ? "" : coming_words(store));
    card.stale(!found && sides !== null);
    // While an answer is on its way the last figure stays, paler.
    if (found || !chart.childElementCount || !waiting) card.instead(why);
    if (!found || why || width() < 1) return;
    draw_rows(chart, found, store, width());
    card.note(
      `Right: more active in ${group_words(store)}. Left: more active in ${other_words(store)}.`,
    );
    card.worth(found.read_out);
  };
  on_visible(el, count_view, signal);
  on(
    button,
    "click",
    () => {
      if (store.get("waiting").contrast) void store.ask({ kind: "cancel" }).catch(() => {});
      else store.set({ contrast_told: null });
    },
    signal,
  );
  store.watch(["contrast", "unit", "waiting", "kernel_gone", "layer_error", "items"], draw, signal);
  make_marks(card.body, store, signal);
};

/** Why there is nothing to compare; empty if there is something. */
function nothing_words(store: Store): string {
  if (store.get("contrast_sides")) return "";
  if (store.get("group_rows").length === 0) return `No ${group_words(store)} in the data.`;
  return "Draw a lasso on the map, or choose a class or what is right or wrong: the units that mark it show here.";
}

function coming_words(store: Store): string {
  if (store.get("kernel_gone"))
    return "What marks a group in this layer needs the kernel, which has gone.";
  const waiting = store.get("waiting").contrast;
  if (!waiting?.total) return waiting_words(store) || "Comes when the controls rest.";
  return `Running the model on both groups: ${whole(waiting.done)} of ${whole(waiting.total)} items.`;
}

/** The items a group is set against, in words. */
function other_words(store: Store): string {
  const sides = store.get("contrast_sides");
  if (sides?.all) return "all other items";
  if (store.get("rival_member")) return rival_words(store);
  if (store.get("picked").length > 0) return "the other items of its classes";
  const label = store.get("label");
  const by = store.get("by") === "true" ? "class" : "predicted class";
  return label === "" ? "all other items" : `the other items of ${by} ${label}`;
}

function draw_rows(chart: SVGElement, found: Contrast, store: Store, width: number): void {
  const n = found.effect.slice(0, SHOWN).filter((g) => !Number.isNaN(g)).length;
  const ends = Array.from({ length: n }, (_, at) =>
    [found.effect, found.low, found.high].map((column) => Math.abs(column[at]!)),
  );
  const most = Math.max(...ends.flat().filter(Number.isFinite), 1e-9);
  const room = Math.max(width - LABEL - EFFECT - CHANCE, 20);
  const x = (g: number): number => LABEL + ((g / most + 1) / 2) * room;
  set_size(chart, width, HEAD + n * ROW);
  const head = s(
    "g",
    { class: "ll-columns" },
    s("text", { x: 6, y: 10 }, unit_noun(store.get("layer_info"))),
    text_to(width - CHANCE, 10, "effect g", s("title", {}, EFFECT_TITLE)),
    text_to(width, 10, "p", s("title", {}, P_TITLE)),
    s("line", { class: "ll-zero", x1: x(0), x2: x(0), y1: HEAD, y2: HEAD + n * ROW }),
  );
  const rows = Array.from({ length: n }, (_, at) => draw_row(found, at, store, width, x));
  replace_marks(chart, [head, ...rows]);
}

const P_TITLE =
  "Chance of such a difference between equal means, corrected for the number of units. A group " +
  "chosen by what its units do differs by construction: then this says how clear-cut it is.";

function draw_row(found: Contrast, at: number, store: Store, width: number, x: Scale): SVGElement {
  const unit = found.unit[at]!;
  const [g, low, high, p] = [found.effect, found.low, found.high, found.p].map((c) => c[at]!) as [
    number,
    number,
    number,
    number,
  ];
  const y = HEAD + at * ROW;
  const middle = y + ROW / 2;
  const bounded = !Number.isNaN(low);
  const info = store.get("layer_info");
  const place = unit_place(info, unit);
  const interval = bounded ? `, ${low.toFixed(2)} to ${high.toFixed(2)}` : "";
  const label =
    `${unit_noun(info)} ${unit}${place && ` (${place})`}: effect g ${g.toFixed(2)}${interval}, mean ` +
    `${short(found.mean[at]!)} against ${short(found.other_mean[at]!)}` +
    (Number.isNaN(p) ? "" : `, p ${p_text(p)}`);
  return draw_mark(
    store,
    unit,
    { name: `ll-row${p <= 0.05 ? " ll-hit" : ""}`, said: label },
    draw_back(y + 1, width, ROW - 2),
    s("text", { x: 6, y: middle + 4 }, unit),
    draw_bar(x, g, { name: `ll-bar${g < 0 ? " ll-less" : ""}`, y: y + 5, height: ROW - 10 }),
    bounded &&
      s("path", {
        class: "ll-whisker",
        d: `M${x(low)} ${middle}H${x(high)}M${x(low)} ${middle - 3}v6M${x(high)} ${middle - 3}v6`,
      }),
    text_to(
      width - CHANCE,
      middle + 4,
      g.toFixed(2) + (bounded ? ` ±${((high - low) / 2).toFixed(2)}` : ""),
    ),
    faint_to(width, middle + 4, Number.isNaN(p) ? "–" : p_text(p)),
  );
}

function p_text(p: number): string {
  return p < 0.001 ? "< 0.001" : p.toFixed(3);
}
