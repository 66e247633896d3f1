import { s } from "../dom";
import { count_taken } from "../ranks";
import type { Ranking } from "../sample";
import type { Store } from "../store";
import { count, whole } from "../words";
import { set_size } from "./bars";
import { make_card, make_fold, on_width } from "./card";
import { listen } from "./margin_hands";
import {
  draw_head,
  HEAD,
  LANE,
  type Lane,
  MOST_LANES,
  make_lanes,
  place_brackets,
} from "./margin_lanes";
import type { Pane } from "./pane";

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
    set_size(chart, width(), HEAD + lanes.length * LANE);
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

/** How many groups there are, and how many of them are here. */
function n_words(shown: number, { group_size }: Ranking): string {
  const all = group_size.reduce((n, size) => n + Number(size > 0), 0);
  return shown < all ? `${shown} of ${whole(all)} groups` : count(all, "group");
}
