/** Columns of the metadata, asked for by name when something shown needs them, and of the frame. */

import { decode_as } from "./codec";
import type { ColumnReply, Trust } from "./protocol.gen";
import { words } from "./rpc";
import { type Column, FIELDS, LEVELS, type Vocabulary } from "./search_terms";
import type { LensStore, Store } from "./store";

/** In `Trust.kept`: not measured. */
export const NOT_MEASURED = 255;

/** Say that columns are needed; they come, or why they cannot. */
export function want(store: Store, names: Iterable<string>): void {
  const there = column_names(store);
  const more = [...names].filter((name) => there.includes(name) && !store.get("wanted").has(name));
  if (more.length > 0) store.set({ wanted: new Set([...store.get("wanted"), ...more]) });
}

/** Bytes of columns that are fetched for tooltips; others follow when they are used. */
const TIP_BUDGET = 16e6;

/** The first look at an item fetches what its tooltip says. */
export function want_for_tips(store: Store): void {
  const each = 8 * Math.max(1, store.get("about")?.n_items ?? 1);
  want(store, column_names(store).slice(0, Math.floor(TIP_BUDGET / each)));
}

export function column_names(store: Store): string[] {
  return (store.get("about")?.columns ?? []).map(({ name }) => name);
}

/** Fetch what is wanted, one column after the other. */
export function keep_columns(store: LensStore, signal: AbortSignal): void {
  const asked = new Set<string>();
  const fetch = async (name: string): Promise<void> => {
    const items = store.get("items");
    try {
      const column = read_column(await store.ask({ kind: "column", column: name }));
      if (store.get("items") !== items) return;
      store.set({ columns: new Map([...store.get("columns"), [name, column]]) });
    } catch (error) {
      if (store.get("items") !== items) return;
      const errors = new Map([...store.get("column_errors"), [name, words(error)]]);
      store.set({ column_errors: errors });
    } finally {
      asked.delete(name);
      // An answer about older items answers nothing.
      if (store.get("items") !== items && !signal.aborted) ask_next();
    }
  };
  const ask_next = (): void => {
    if (!store.get("items") || asked.size > 0) return;
    const [held, errors] = [store.get("columns"), store.get("column_errors")];
    const next = [...store.get("wanted")].find((name) => !held.has(name) && !errors.has(name));
    if (next === undefined) return;
    asked.add(next);
    void fetch(next);
  };
  store.watch(["wanted", "items", "columns", "column_errors"], ask_next, signal);
  // What a kernel that had gone refused is asked again of one that is back.
  store.watch(
    ["kernel_gone"],
    () => {
      const failed = store.get("column_errors").size > 0;
      if (failed && !store.get("kernel_gone")) store.set({ column_errors: new Map() });
    },
    signal,
  );
  store.watch(["color_by", "about"], () => want(store, [store.get("color_by")]), signal);
}

function read_column({ values, levels }: ColumnReply): Column {
  const numbers = values.dtype === "float64";
  return numbers
    ? { values: decode_as(values, "float64"), levels: null }
    : { values: decode_as(values, "int32"), levels };
}

/** What a search may speak of. */
export function vocabulary(store: Store): Vocabulary {
  const about = store.get("about");
  const columns = (about?.columns ?? []).map(({ name, kind }): [string, boolean] => [
    name,
    kind === "number",
  ]);
  return {
    n_items: about?.n_items ?? 0,
    classes: about?.classes ?? [],
    columns: new Map([
      ...(store.get("loss") ? ([["loss", true]] as const) : []),
      ...columns,
      ...FIELDS,
    ]),
  };
}

/** A column by its name: of the metadata, or what follows from the state; none while not here. */
export function column_here(store: Store, name: string): Column | undefined {
  const make = Object.hasOwn(OWN, name) ? OWN[name] : undefined;
  if (!make) return store.get("columns").get(name);
  const values = make(store);
  const levels = LEVELS.get(name) ?? (/^(true|pred)$/.test(name) ? classes_of(store) : null);
  return values ? { values, levels } : undefined;
}

type Values = Column["values"];

const classes_of = (store: Store) => store.get("about")?.classes ?? [];
const rows_of = (store: Store) => Uint32Array.from(store.get("truth").keys());
const ranked = (store: Store, values: (store: Store) => Values): Values | null =>
  store.get("ranking") && values(store);

/** The columns of the frame that are not in the metadata, and `kept`. */
const OWN: Record<string, (store: Store) => Values | null | undefined> = {
  loss: (store) => store.get("loss"),
  kept: (store) => store.get("kept"),
  row: rows_of,
  position: (store) => store.get("ids") ?? rows_of(store),
  true: (store) => store.get("truth"),
  pred: (store) => store.get("pred"),
  correct: (store) => {
    const pred = store.get("pred");
    const state = (t: number, p: number) => (t < 0 || p < 0 ? -1 : Number(t === p));
    return store.get("truth").map((t, row) => state(t, pred[row]!));
  },
  margin: (store) => store.get("ranking")?.log_ratio,
  group: (store) => store.get("ranking")?.group,
  rank: (store) => store.get("ranking")?.rank,
  role: (store) => ranked(store, () => store.get("roles")),
  in_sample: (store) => ranked(store, () => store.get("roles").map((role) => Number(role > 0))),
  x: (store) => store.get("xy")?.filter((_, i) => i % 2 === 0),
  y: (store) => store.get("xy")?.filter((_, i) => i % 2 === 1),
};

/** Why a column cannot be searched now; empty where it is on its way. */
export function why_not_here(store: Store, name: string): string {
  if (name === "kept") return "What the map keeps of neighbours has not been measured yet.";
  if (name === "x" || name === "y") return "There is no map yet.";
  if (Object.hasOwn(OWN, name)) return "The sampler has not ranked the items yet.";
  return store.get("column_errors").get(name) ?? "";
}

/** Share of each item's neighbours that the map keeps, NaN where it was not measured. */
export function read_kept({ kept, k }: Trust): Float64Array {
  const counts = decode_as(kept, "uint8");
  return Float64Array.from(counts, (n) => (n === NOT_MEASURED ? Number.NaN : n / k));
}

/** A value as people read it; empty where it is missing. */
export function value_words({ values, levels }: Column, row: number): string {
  const value = values[row] ?? Number.NaN;
  if (levels) return levels[value] ?? "";
  return Number.isNaN(value) ? "" : String(Number(value.toPrecision(6)));
}
