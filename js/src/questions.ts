/** The paper's questions by name: what each asks, and the controls that answer it. */

import type { Cell } from "./cells";
import { encode } from "./codec";
import type { LayerInfo } from "./protocol.gen";
import type { Settable, Store } from "./store";
import { cell_words, class_name, unit_noun } from "./words";

/** One question of the menu. */
export interface NamedQuestion {
  title: string;
  /** The controls that answer it. */
  set(): Partial<Settable>;
}

/** Top units that are asked for by name. */
const K = 10;

const nothing = () => encode(new Uint32Array(0));

/** The questions that can be asked of this data, about the chosen class or the one with most errors. */
export function find_questions(store: Store): NamedQuestion[] {
  const about = store.get("about");
  if (!about) return [];
  const latent = about.latent_layer;
  const layer = store.get("layer") || latent;
  const found: NamedQuestion[] = [
    {
      title: `Q1 mean of all units of ${layer}, all classes`,
      set: () => ({
        ...PLAIN,
        label: "",
        correctness: "all",
        measure: "mean",
        selection: nothing(),
      }),
    },
  ];
  const wrong = wrong_cell(store);
  const right = wrong && store.get("cells")[2 * wrong.label_class];
  if (!wrong || !right) return found;
  const conv = last_spatial(about.layers);
  const label = class_name(store, wrong.label_class);
  const words = cell_words(store, wrong);
  if (conv) found.push(top_question(conv, label, words));
  found.push({
    title: `Q3 mean pattern of ${latent}, ${words} against ${cell_words(store, right)}`,
    set: () => ({
      ...PLAIN,
      layer: latent,
      label,
      correctness: "incorrect",
      compare: "correctness",
      measure: "mean",
      selection: nothing(),
    }),
  });
  const taken = most_taken(store, wrong.label_class);
  if (taken) found.push(taken_question(store, taken, conv?.name ?? latent));
  return found;
}

const PLAIN = { compare: "nothing" } as const;

function top_question(conv: LayerInfo, label: string, words: string): NamedQuestion {
  const k = Math.min(K, conv.keep);
  return {
    title: `Q2 top ${k} ${unit_noun(conv)}s of ${conv.name} for ${words}`,
    set: () => ({
      ...PLAIN,
      layer: conv.name,
      label,
      correctness: "incorrect",
      k,
      measure: "max",
      selection: nothing(),
    }),
  };
}

/** The last layer that has places: its units form channels, or it was pooled to them. */
function last_spatial(layers: LayerInfo[]): LayerInfo | undefined {
  return layers.filter(({ shape, reduce }) => shape.length === 3 || reduce === "channel").at(-1);
}

/** The wrong items of the chosen class, or of the class that has most; null where none is wrong. */
function wrong_cell(store: Store): Cell | null {
  const wrong = store.get("cells").filter(({ right, n }) => !right && n > 0);
  const chosen = wrong.find(({ label_class }) => label_class === store.get("class_index"));
  if (chosen) return chosen;
  return wrong.reduce<Cell | null>((most, cell) => (most && most.n >= cell.n ? most : cell), null);
}

/** A class, and what its items, or those called so, most often are instead. */
interface Mistake {
  truth: number;
  pred: number;
}

function most_taken(store: Store, label_class: number): Mistake | null {
  const [truth, pred] = [store.get("truth"), store.get("pred")];
  const by_true = store.get("by") === "true";
  const times = new Map<number, number>();
  for (let i = 0; i < truth.length; i++) {
    const [own, other] = by_true ? [truth[i]!, pred[i]!] : [pred[i]!, truth[i]!];
    if (own === label_class && other >= 0 && other !== own)
      times.set(other, (times.get(other) ?? 0) + 1);
  }
  let best = -1;
  for (const [other, n] of times) if (n > (times.get(best) ?? 0)) best = other;
  if (best < 0) return null;
  return by_true ? { truth: label_class, pred: best } : { truth: best, pred: label_class };
}

function taken_question(store: Store, { truth, pred }: Mistake, layer: string): NamedQuestion {
  const [from, to] = [class_name(store, truth), class_name(store, pred)];
  const rows = (): Uint32Array => {
    const [t, p] = [store.get("truth"), store.get("pred")];
    return Uint32Array.from(Array.from(t.keys()).filter((i) => t[i] === truth && p[i] === pred));
  };
  return {
    title: `Q5 maximally activated units of ${layer} for ${from} taken for ${to}`,
    set: () => ({
      ...PLAIN,
      layer,
      label: store.get("by") === "true" ? from : to,
      correctness: "incorrect",
      measure: "count",
      selection: encode(rows()),
    }),
  };
}
