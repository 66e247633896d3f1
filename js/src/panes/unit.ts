import { s, set_text } from "../dom";
import type { Store } from "../store";
import { class_name, count, short, unit_noun, unit_place, whole } from "../words";
import { unit_line } from "../worth";
import { draw_bar, faint_to, type Scale, scale_with_zero, set_size, text_to } from "./bars";
import { make_card, on_width } from "./card";
import type { Pane } from "./pane";

const ROW = 20;
const HEAD = 16;
const VALUE = 52;
const N = 46;
/** Classes that are shown, those of largest mean. */
const SHOWN = 40;

/** The unit that was picked: its mean over each class, the correct and the incorrect items. */
export const unit: Pane = (el, store, signal) => {
  const card = make_card(el, "Unit");
  const chart = s("svg", { class: "ll-classes", role: "list" });
  const title = el.querySelector("h3")!;
  card.body.append(chart);
  const width = on_width(card.body, () => draw(), signal);

  const draw = (): void => {
    const picked = store.get("unit");
    const info = store.get("layer_info");
    const noun = unit_noun(info);
    const which = picked < 0 ? "" : ` ${picked} of ${store.get("layer")}`;
    const name = `${noun.charAt(0).toUpperCase()}${noun.slice(1)}${which}`;
    set_text(title, name);
    el.setAttribute("aria-label", name);
    card.n(picked < 0 ? "" : unit_place(info, picked));
    if (picked < 0) {
      card.kind(null);
      card.instead(
        `Click a bar or the mean curve: the map shows that ${noun}, and this its means.`,
      );
      return;
    }
    const means = store.get("unit_means");
    card.kind(means ? "exact" : null);
    const known = store.get("unit_known");
    const gone = info && picked >= info.units ? `Layer ${info.name} has no ${noun} ${picked}.` : "";
    card.instead(gone || (means ? "" : coming_words(store)));
    if (gone || !means || width() < 1) return;
    const rows = class_rows(store, means);
    draw_rows(chart, rows.slice(0, SHOWN), width());
    const more =
      rows.length > SHOWN ? ` ${whole(rows.length - SHOWN)} more classes have lower means.` : "";
    card.note(`Mean by class: filled right, hollow wrong.${more}`);
    const n = store.get("truth").length;
    card.worth(known ? `Activation ${unit_line(known.n_listed, known.n_run, n, known.limit)}` : "");
  };

  store.watch(
    [
      "unit",
      "layer_info",
      "unit_means",
      "unit_known",
      "waiting",
      "kernel_gone",
      "layer_error",
      "class_index",
    ],
    draw,
    signal,
  );
};

function coming_words(store: Store): string {
  if (store.get("layer_error")) return store.get("layer_error");
  return store.get("kernel_gone") ? "This needs the kernel, which has gone." : "Asking the kernel.";
}

/** One class: means and numbers of its correct and its incorrect items, or of those of neither. */
interface ClassRow {
  name: string;
  chosen: boolean;
  mean: [number, number];
  n: [number, number];
  undecided: boolean;
}

function class_rows(
  store: Store,
  { mean, n }: { mean: Float64Array; n: Float64Array },
): ClassRow[] {
  const n_classes = n.length / 3;
  const rows: ClassRow[] = [];
  for (let c = 0; c < n_classes; c++) {
    const at = (kind: number) => kind * n_classes + c;
    const undecided = n[at(2)]! > 0 && n[at(0)]! + n[at(1)]! === 0;
    const kinds = undecided ? [2, 1] : [0, 1];
    const [first, second] = kinds.map(at) as [number, number];
    if (n[first]! + n[second]! === 0) continue;
    rows.push({
      name: class_name(store, c),
      chosen: c === store.get("class_index"),
      mean: [mean[first]!, mean[second]!],
      n: [n[first]!, n[second]!],
      undecided,
    });
  }
  const size = ({ mean: [a, b] }: ClassRow) => Math.max(a || 0, b || 0);
  return rows.length > SHOWN ? rows.sort((a, b) => size(b) - size(a)) : rows;
}

function draw_rows(chart: SVGElement, rows: ClassRow[], width: number): void {
  const all = rows.flatMap(({ mean }) => mean).filter(Number.isFinite);
  const label = Math.min(96, Math.max(28, ...rows.map(({ name }) => 12 + 6.5 * name.length)));
  const x = scale_with_zero(all, label, width - label - 2 * (VALUE + N));
  set_size(chart, width, HEAD + rows.length * ROW);
  const columns = ["right", "n", "wrong", "n"];
  const ends = [VALUE + 2 * N, VALUE + N, N, 0].map((from) => width - from);
  const heads = columns.map((text, i) => text_to(ends[i]!, 10, text));
  chart.replaceChildren(
    s("g", { class: "ll-columns" }, s("text", { x: 6, y: 10 }, "class"), ...heads),
    ...rows.map((row, i) => draw_row(row, HEAD + i * ROW, x, ends, width)),
  );
}

function draw_row(
  { name, chosen, mean, n, undecided }: ClassRow,
  y: number,
  x: Scale,
  ends: number[],
  width: number,
): SVGElement {
  const said = [undecided ? "correctness unknown" : "right", "wrong"].map(
    (how, i) => n[i]! > 0 && `${how} ${short(mean[i]!)} over ${count(n[i]!, "item")}`,
  );
  const label = `${name}: ${said.filter(Boolean).join(", ")}`;
  const bars = mean.map((value, i) =>
    Number.isNaN(value)
      ? null
      : draw_bar(x, value, {
          name: i ? "ll-second" : "ll-bar",
          y: y + 3 + 8 * i,
          height: 6,
          rx: 1.5,
        }),
  );
  const texts = [0, 1].flatMap((i) => [
    text_to(ends[2 * i]!, y + 14, n[i] ? short(mean[i]!) : "–"),
    faint_to(ends[2 * i + 1]!, y + 14, whole(n[i]!)),
  ]);
  return s(
    "g",
    { class: "ll-class-row", role: "listitem", "aria-label": label },
    s("title", {}, label),
    chosen && s("rect", { class: "ll-chosen", x: 0, y: y + 1, width, height: ROW - 2, rx: 3 }),
    s("text", { x: 6, y: y + 14 }, name.length > 14 ? `${name.slice(0, 13)}…` : name),
    ...bars,
    ...texts,
  );
}
