/** What the map says in words: how many, of what, and what its layout may be read for. */

import type { Store } from "../store";
import { count, short, whole } from "../words";

export const CAVEATS: Record<
  string,
  { name: string; caveat: string; across?: string; up?: string }
> = {
  pca: { name: "PCA", caveat: "the two directions of largest spread", across: "PC 1", up: "PC 2" },
  tsne: { name: "t-SNE", caveat: "near means alike; distances between far groups mean little" },
  umap: { name: "UMAP", caveat: "near means alike; distances between far groups mean little" },
};

/** How many items there are, in the sample and selected. */
export function in_numbers(store: Store): string {
  const { n_items, n_sample } = store.get("counts");
  const n_picked = store.get("picked").length;
  const parts = [count(n_items, "item"), `${whole(n_sample)} in the sample`];
  if (n_picked > 0) parts.push(`${whole(n_picked)} selected`);
  return parts.join(", ");
}

/** How many neighbours the map keeps, of all and of the selection. */
export function trust_words(store: Store): string {
  const trust = store.get("map_trust");
  if (!trust) return "";
  const all = trust.n_measured === store.get("counts").n_items;
  const how = all
    ? "exact"
    : `\u00b1 ${(1.96 * trust.error).toFixed(3)}, estimate from ${whole(trust.n_measured)} items`;
  const kept = store.get("kept");
  const own = [...store.get("picked")]
    .map((row) => kept?.[row] ?? NaN)
    .filter((x) => !Number.isNaN(x));
  const mean = own.reduce((sum, x) => sum + x, 0) / own.length;
  const selected = own.length > 0 ? `; of the selection ${mean.toFixed(2)}` : "";
  return `neighbours kept ${trust.mean.toFixed(2)} (${how}; at random ${short(trust.random)})${selected}`;
}

/** The layout's name, and what it may be read for. */
export function in_words(store: Store): string {
  const points = store.get("points");
  if (!points) return "";
  const known = CAVEATS[points.projection];
  return known ? `${known.name}: ${known.caveat}` : points.projection;
}
