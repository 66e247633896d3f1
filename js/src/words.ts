/** Numbers and states, said in words. */

import type { Cell } from "./cells";
import type { Kind, LayerInfo, Measure } from "./protocol.gen";
import type { Figures } from "./query";
import type { Store } from "./store";

const WHOLE = new Intl.NumberFormat("en-US", { maximumFractionDigits: 0 });

/** A whole number with its thousands set apart. */
export function whole(n: number): string {
  return WHOLE.format(n);
}

/** A share in [0, 1] as a percentage, to a tenth. */
export function percent(share: number): string {
  const value = Math.round(share * 1000) / 10;
  if (value === 0 && share > 0) return "< 0.1 %";
  return Number.isInteger(value) ? `${value} %` : `${value.toFixed(1)} %`;
}

/** A measured value in at most four figures. */
export function short(value: number): string {
  if (!Number.isFinite(value)) return "–";
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e5)) return value.toExponential(1);
  return size >= 1000 ? whole(value) : String(Number(value.toPrecision(3)));
}

/** A measure of likeness in [0, 1], always with the same digits. */
export function ratio(value: number): string {
  return value !== 0 && value < 0.001 ? "< 0.001" : value.toFixed(3);
}

/** "1 item", "12 items". */
export function count(n: number, noun: string): string {
  return `${whole(n)} ${noun}${n === 1 ? "" : "s"}`;
}

/** Both ends of a name that is too long: of many classes often only the last letters differ. */
export function both_ends(name: string, most: number): string {
  const letters = [...name];
  const first = (most - 2) >> 1;
  if (letters.length <= most) return name;
  return [...letters.slice(0, first), "…", ...letters.slice(first + 1 - most)].join("");
}

/** How many items and errors the sample holds. */
export function sample_words(store: Store): string {
  const { n_sample, n_added, n_items, n_errors, errors_in_sample } = store.get("counts");
  const added = n_added > 0 ? ` (${whole(n_added)} added)` : "";
  const sampled = `${whole(n_sample)} of ${whole(n_items)} items in the sample${added}`;
  const errors = `${whole(errors_in_sample)} of ${whole(n_errors)} errors`;
  return n_errors > 0 ? `${sampled}, ${errors}` : sampled;
}

/** By role, what an item is in the sample; empty for none. */
export const ROLE_WORDS = ["", "outlier", "exemplar", "drawn", "added"];

/** How a figure is known: compared with the exact one, or from the sample alone; null for no figure. */
export function kind_of(figures: Figures, compared: boolean): Kind | null {
  if (figures.n_used === 0) return null;
  if (figures.n_used === figures.n_group) return "exact";
  return compared ? "measured" : "sample";
}

export const KIND_TITLES: Record<Kind, string> = {
  exact: "Exact: from every item of the group.",
  measured: "Measured: from the sample, and compared with the exact answer.",
  estimate: "Estimated from items drawn by chance.",
  sample: "From the sample alone; there is nothing exact to compare it with.",
};

/** The group in words, such as "incorrect items of class 7 in the selection". */
export function group_words(store: Store, correctness = store.get("correctness")): string {
  const label = store.get("label");
  const by = store.get("by") === "true" ? "class" : "predicted class";
  return [
    correctness === "all" ? "items" : `${correctness} items`,
    label === "" ? "" : `of ${by} ${label}`,
    store.get("picked").length > 0 ? "in the selection" : "",
  ]
    .filter(Boolean)
    .join(" ");
}

/** The second group of a comparison in words; empty while none is made. */
export function rival_words(store: Store): string {
  if (!store.get("rival_member")) return "";
  if (store.get("compare") === "selection") return "items outside the selection, of its classes";
  return group_words(store, store.get("correctness") === "correct" ? "incorrect" : "correct");
}

/** Why a group has nothing to show; empty if it has. */
export function empty_words(store: Store, figures: Figures): string {
  const group = group_words(store);
  if (figures.n_group === 0) return `No ${group} in the data.`;
  if (figures.n_used === 0)
    return `No ${group} in the sample; ${whole(figures.n_group)} in the data.`;
  return "";
}

/** What the panes are waiting for; empty if for nothing. */
export function waiting_words(store: Store): string {
  const layer = store.get("layer");
  if (store.get("layer_error")) return `Layer ${layer} is not here: ${store.get("layer_error")}`;
  const info = store.get("layer_info");
  const told = store.get("told");
  if (info && !info.in_browser && told?.asked === store.get("question") && told.error) {
    return `The kernel could not answer: ${told.error}`;
  }
  if (!store.get("ranked")) return store.get("doing") || "Waiting for the sample.";
  if (store.get("answer")) return "";
  if (store.get("kernel_gone")) return `Layer ${layer} was not fetched before the kernel went.`;
  if (!info) return `There is no layer ${layer}.`;
  return info.in_browser ? `Fetching layer ${layer}.` : "Asking the kernel.";
}

/** Says so where the kernel has answered because the layer's index stays there. */
export function told_words(info: LayerInfo | null): string {
  return info && !info.in_browser ? " Answered by the kernel." : "";
}

/** A unit's place in its layer, such as "channel 3, row 4, column 5". */
export function unit_place(info: LayerInfo | null, unit: number): string {
  if (!info || info.reduce !== "unit" || info.shape.length !== 3) return "";
  const [, height, width] = info.shape as [number, number, number];
  const place = unit % (height * width);
  const channel = Math.floor(unit / (height * width));
  return `channel ${channel}, row ${Math.floor(place / width)}, column ${place % width}`;
}

/** What units are called: after pooling they are channels. */
export function unit_noun(info: LayerInfo | null): string {
  return info?.reduce === "channel" ? "channel" : "unit";
}

export const MEASURE_WORDS: Record<Measure, string> = {
  max: "largest activation",
  count: "times the maximum",
  mean: "mean activation",
};

/** The name of a class by its number. */
export function class_name(store: Store, number: number): string {
  return store.get("about")?.classes[number] ?? "?";
}

/** A cell's items in words, such as "wrong 7s"; one of them is "wrong 7". */
export function cell_words(
  store: Store,
  { label_class, right }: Pick<Cell, "label_class" | "right">,
  n = 2,
): string {
  const name = class_name(store, label_class);
  const how = right ? "right" : "wrong";
  const plural = n === 1 ? "" : "s";
  if (store.get("by") === "predicted") return `item${plural} ${how}ly called ${name}`;
  return /^.$|^\d+$/.test(name) ? `${how} ${name}${plural}` : `${how} item${plural} of ${name}`;
}

/** What stands behind "effect g". */
export const EFFECT_TITLE =
  "Hedges' g: by how many standard deviations the two means differ, with an interval that holds " +
  "for all units of the layer at once.";
