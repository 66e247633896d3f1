/** Which classes are taken for which: every pair of true and predicted class that occurs. */

/** A pair of classes and how many items it has. */
export interface Pair {
  truth: number;
  pred: number;
  n: number;
}

export interface Pairs {
  list: Pair[];
  /** By row: the place of its pair in `list`; -1 where a class is unknown. */
  of: Int32Array;
}

/** List the pairs that occur, in the order in which they are met. */
export function list_pairs(truth: Int32Array, pred: Int32Array): Pairs {
  const list: Pair[] = [];
  const places = new Map<number, number>();
  const of = Int32Array.from(truth, (t, row) => {
    const p = pred[row]!;
    if (t < 0 || p < 0) return -1;
    const key = t * 2 ** 24 + p;
    const known = places.get(key);
    const at = known ?? list.push({ truth: t, pred: p, n: 0 }) - 1;
    if (known === undefined) places.set(key, at);
    list[at]!.n += 1;
    return at;
  });
  return { list, of };
}

/** Of each pair, how many items the sample has. */
export function count_sampled({ list, of }: Pairs, roles: Uint8Array): Uint32Array {
  const counts = new Uint32Array(list.length);
  for (let row = 0; row < of.length; row++) if (roles[row] && of[row]! >= 0) counts[of[row]!]! += 1;
  return counts;
}

/** The rows of a pair, ascending. */
export function rows_of_pair({ list, of }: Pairs, at: number): Uint32Array {
  const rows = new Uint32Array(list[at]?.n ?? 0);
  let n = 0;
  for (let row = 0; row < of.length; row++) if (of[row] === at) rows[n++] = row;
  return rows;
}

/** The pair whose items, and no others, are selected; -1 for none. */
export function selected_pair({ list, of }: Pairs, picked: Uint32Array): number {
  const at = picked.length > 0 ? of[picked[0]!]! : -1;
  const all = at >= 0 && list[at]!.n === picked.length;
  return all && picked.every((row) => of[row] === at) ? at : -1;
}

/** The confusions, the most frequent first. */
export function worst({ list }: Pairs): number[] {
  const wrong = [...list.keys()].filter((at) => list[at]!.truth !== list[at]!.pred);
  return wrong.sort((a, b) => list[b]!.n - list[a]!.n || a - b);
}
