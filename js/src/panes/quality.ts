import { h } from "../dom";
import { quality_key } from "../effects";
import type { QualityReply } from "../protocol.gen";
import type { Store } from "../store";
import { count, percent } from "../words";
import { make_card, make_fold, on_visible, on_width, view_counter } from "./card";
import type { Pane } from "./pane";
import { chart_width, draw_chart } from "./quality_chart";
import { METRICS } from "./quality_curves";
import { score_table, verdict } from "./quality_table";

/** How well samples of this kind answer, beside random ones: is this fraction enough? */
export const quality: Pane = (el, store, signal) => {
  const card = make_card(el, "Fidelity");
  const headline = h("p", { className: "ll-verdict", role: "status" });
  const table = h("table", { className: "ll-scores" });
  const charts = h("div", { className: "ll-multiples" });
  const bar = h("progress", { max: 1, value: 0, hidden: true });
  bar.setAttribute("aria-label", "Progress of the fidelity");
  // In the head it comes and goes without moving what stands below.
  el.querySelector("header")?.append(bar);
  card.body.append(headline, table, charts);
  const width = on_width(card.body, () => draw(), signal);

  const draw = (): void => {
    const held = store.get("quality");
    const asked = store.get("quality_question");
    const reply = held?.reply ?? null;
    const current = reply !== null && quality_key(held!.asked) === quality_key(asked);
    card.stale(!current);
    show_progress(store, bar);
    card.instead(reply ? "" : waiting_words(store));
    if (!reply) return;
    card.kind(current ? "measured" : null);
    card.n(count(reply.n_cells, "cell"));
    el.title = RULES;
    const share = fixed_share(store) ?? held!.asked.fraction;
    headline.textContent = verdict(reply, held!.asked, share);
    table.replaceChildren(...score_table(reply, held!.asked.fraction));
    card.note(note_words(store, reply, current));
    if (width() > 0) {
      const each = chart_width(width());
      const now = store.get("fraction");
      charts.replaceChildren(...METRICS.map((metric) => draw_chart(metric, reply, now, each)));
    }
  };

  const shows = view_counter(store, "quality_views", signal);
  let visible = false;
  const fold = make_fold(el, "quality", () => shows(visible && fold.open()), signal);
  on_visible(
    el,
    (is) => {
      // An exported page has the figures in it: to show them costs nothing.
      visible = is || "latentlens_page" in globalThis;
      shows(visible && fold.open());
    },
    signal,
  );
  store.watch(["quality", "quality_question", "waiting", "kernel_gone", "counts"], draw, signal);
};

const RULES =
  "Mean over all cells: layer, class, correct or incorrect. A cell of which the sample has no " +
  "item counts 0 for S1 and 1 for S2 and S3. A layer with no more units than k is left out: any " +
  "k of its units would be right. Of n units, k picked blindly are right k/n of the time.";

function show_progress(store: Store, bar: HTMLProgressElement): void {
  const waiting = store.get("waiting").quality;
  bar.hidden = !waiting;
  if (waiting?.total) bar.value = waiting.done / waiting.total;
  else bar.removeAttribute("value");
}

function waiting_words(store: Store): string {
  const error = store.get("quality")?.error;
  if (error) return `The sample's quality is not known: ${error}`;
  if (store.get("kernel_gone")) return "The sample's quality was not asked before the kernel went.";
  if (!store.get("ranked")) return store.get("doing") || "Waiting for the sample.";
  return "Comparing samples of several sizes with all items.";
}

/** The share of all items that a sampler takes whose samples have one size; null for others. */
function fixed_share(store: Store): number | null {
  if (store.get("ranking")?.allocation !== "fixed") return null;
  const { n_sample, n_added, n_items } = store.get("counts");
  return (n_sample - n_added) / n_items;
}

function note_words(store: Store, reply: QualityReply, current: boolean): string {
  const error = store.get("quality")?.error ?? "";
  const { added, fraction } = store.get("quality")!.asked;
  const averaged = reply.curves.find(({ draws }) => draws > 1);
  const parts = [
    `Mean over ${count(reply.n_cells, "cell")} (layer × class × correctness), each compared with all its items.`,
    reply.skipped.length > 0
      ? `Left out, as k covers all their units: ${reply.skipped.join(", ")}.`
      : "",
    s2_words(reply),
    added
      ? `At ${percent(fraction)} with the ${count(added.shape[0] ?? 0, "item")} added by hand.`
      : "",
    averaged
      ? `${averaged.title}: mean of ${reply.seeds}; band and ± are their standard deviation.`
      : "",
  ];
  if (error) parts.push(`Not brought up to date: ${error}`);
  else if (!current && store.get("kernel_gone")) {
    parts.push("For other settings: this needs the kernel, which has gone.");
  } else if (!current) parts.push("For other settings; the new figures follow.");
  return parts.filter(Boolean).join(" ");
}

/** Why there is no S2, or not yet; empty if there is. */
function s2_words({ curves, done }: QualityReply): string {
  if (curves.every(({ s2 }) => s2.every((value) => value !== null))) return "";
  return done
    ? "S2 is not known: it takes running the model on the samples, which this data does not allow."
    : "S2 follows: the model is run for it.";
}
