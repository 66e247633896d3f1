/** Columns of the metadata: asked for by name when something shown needs them. */

import { decode_as } from "./codec";
import type { ColumnReply, Trust } from "./protocol.gen";
import { words } from "./rpc";
import type { Column, Vocabulary } from "./search";
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
      ["kept", true] as const,
    ]),
  };
}

/** All columns that are here, with those that follow from the state. */
export function columns_here(store: Store): Map<string, Column> {
  const own = new Map<string, Column>(store.get("columns"));
  const loss = store.get("loss");
  const kept = store.get("kept");
  if (loss) own.set("loss", { values: loss, levels: null });
  if (kept) own.set("kept", { values: kept, levels: null });
  return own;
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
