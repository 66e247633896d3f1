/** What is under the pointer: the input's picture and its facts. */

import { column_names, value_words } from "../columns";
import { h } from "../dom";
import type { Point } from "../geometry";
import { css, type Rgb } from "../palette";
import type { Store } from "../store";
import { class_name, short, unit_noun } from "../words";
import { ADDED, DRAWN, EXEMPLAR, OUTLIER } from "./scene";
import type { Size } from "./view";

const ROLE_WORDS: Record<number, string> = {
  [OUTLIER]: "outlier",
  [EXEMPLAR]: "exemplar",
  [DRAWN]: "drawn",
  [ADDED]: "added by hand",
};
/** From the item to the nearest corner of the tip, in CSS pixels. */
const GAP_PX = 14;

/** Names and values, in the order they are read. */
export function facts(store: Store, row: number): [string, string][] {
  const name = (c = -1) => (c < 0 ? "unknown" : class_name(store, c));
  const ids = store.get("ids");
  const loss = store.get("loss")?.[row] ?? Number.NaN;
  const ranking = store.get("ranking");
  const lines: [string, string][] = [["row", String(row)]];
  if (ids) lines.push(["in the dataset", String(ids[row])]);
  lines.push(["true", name(store.get("truth")[row])], ["predicted", name(store.get("pred")[row])]);
  if (!Number.isNaN(loss)) lines.push(["loss", short(loss)]);
  if (ranking) lines.push(["log ratio", short(ranking.log_ratio[row] ?? 0)]);
  if (store.get("color_by") === "unit" && store.get("unit") >= 0) {
    const value = store.get("unit_values")?.[row] ?? Number.NaN;
    lines.push([
      `${unit_noun(store.get("layer_info"))} ${store.get("unit")}`,
      Number.isNaN(value) ? "not known" : short(value),
    ]);
  }
  for (const name of column_names(store)) {
    const column = store.get("columns").get(name);
    if (column) lines.push([name, value_words(column, row) || "missing"]);
  }
  const kept = store.get("kept")?.[row] ?? Number.NaN;
  const k = store.get("map_trust")?.k ?? 0;
  if (!Number.isNaN(kept)) lines.push(["neighbours kept", `${Math.round(kept * k)} of ${k}`]);
  lines.push(["sample", ROLE_WORDS[store.get("roles")[row] ?? 0] ?? "not in it"]);
  return lines;
}

/** Fills the tip for a row and puts it beside a place, inside the map. */
export function show_tip(
  tip: HTMLElement,
  store: Store,
  {
    row,
    at,
    size,
    colour,
    picture,
  }: { row: number; at: Point; size: Size; colour: Rgb; picture: Node | null },
): void {
  const wrong = is_wrong(store, row);
  const lines = facts(store, row).flatMap(([name, value]) => [
    h("dt", {}, name),
    h("dd", { className: wrong && name === "predicted" ? "ll-is-wrong" : "" }, value),
  ]);
  tip.style.setProperty("--ll-swatch", css(colour));
  tip.replaceChildren(...(picture ? [picture] : []), h("dl", {}, ...lines));
  tip.hidden = false;
  place(tip, at, size);
}

export function is_wrong(store: Store, row: number): boolean {
  const [t, p] = [store.get("truth")[row] ?? -1, store.get("pred")[row] ?? -1];
  return t >= 0 && p >= 0 && t !== p;
}

/** Beside the item, on the side where there is room. */
function place(tip: HTMLElement, at: Point, size: Size): void {
  const { offsetWidth: width, offsetHeight: height } = tip;
  const right = at.x + GAP_PX + width <= size.width || at.x < size.width / 2;
  const left = right ? at.x + GAP_PX : at.x - GAP_PX - width;
  const x = Math.max(2, Math.min(size.width - width - 2, left));
  const y = Math.max(2, Math.min(size.height - height - 2, at.y - height / 2));
  tip.style.transform = `translate(${Math.round(x)}px, ${Math.round(y)}px)`;
}
