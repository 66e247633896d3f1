/** The paper's questions by name: what each asks, and the controls that answer it. */

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
  const label_class = class_of_interest(store);
  if (label_class < 0) return found;
  const conv = last_spatial(about.layers);
  const label = class_name(store, label_class);
  const words = cell_words(store, { label_class, right: false });
  const others = cell_words(store, { label_class, right: true });
  if (conv) found.push(top_question(conv, label, words));
  found.push({
    title: `Q3 mean pattern of ${latent}, ${words} against ${others}`,
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
  const taken = most_taken(store, label_class);
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

/** The chosen class if some of it is wrong, or the class with most errors; -1 where none is wrong. */
function class_of_interest(store: Store): number {
  const errors = store.get("class_errors");
  const chosen = store.get("class_index");
  if (errors[chosen]) return chosen;
  const most = errors.reduce((a, b) => Math.max(a, b), 0);
  return most > 0 ? errors.indexOf(most) : -1;
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
