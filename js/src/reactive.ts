/** Values, values derived from them, and who is told when they change. */

import { on_end } from "./dom";

/** What it takes to make a derived value: the keys it is made from, and how. */
export interface Recipe<T> {
  needs: readonly (keyof T)[];
  make: (...values: never[]) => unknown;
}

/** Recipes by key. */
export type Recipes<T, D extends keyof T> = { readonly [K in D]: Recipe<T> };

interface Node {
  value: unknown;
  version: number;
  seen: number[];
}

interface Watcher<T> {
  roots: ReadonlySet<keyof T>;
  run: () => void;
}

/** Run once, on the next frame. */
export type Schedule = (run: () => void) => void;

/**
 * A small graph of values.
 *
 * A derived value is made when it is asked for and one of its needs has changed
 * since; watchers run at most once per frame, however many keys changed. A
 * recipe may give back the same array with new contents.
 */
export class Reactive<T extends object, D extends keyof T> {
  private readonly nodes = new Map<keyof T, Node>();
  private readonly watchers = new Set<Watcher<T>>();
  private readonly dirty = new Set<keyof T>();
  private due = false;

  constructor(
    start: Omit<T, D>,
    private readonly recipes: Recipes<T, D>,
    private readonly schedule: Schedule,
    private readonly before_frame: () => void = () => {},
  ) {
    for (const [key, value] of Object.entries(start)) {
      this.nodes.set(key as keyof T, { value, version: 1, seen: [] });
    }
    for (const key of Object.keys(recipes)) {
      this.nodes.set(key as keyof T, { value: undefined, version: 0, seen: [] });
    }
  }

  /** How many watchers there are. */
  get size(): number {
    return this.watchers.size;
  }

  get<K extends keyof T>(key: K): T[K] {
    return this.fresh(key).value as T[K];
  }

  /** Change values; returns the keys that differ from before. */
  set(patch: Partial<Omit<T, D>>): (keyof T)[] {
    const changed: (keyof T)[] = [];
    for (const [key, value] of Object.entries(patch)) {
      const node = this.nodes.get(key as keyof T);
      if (!node || Object.is(node.value, value)) continue;
      node.value = value;
      node.version += 1;
      changed.push(key as keyof T);
      this.dirty.add(key as keyof T);
    }
    if (changed.length > 0) this.wake();
    return changed;
  }

  /** Run now, and then whenever one of the keys, or what it is made from, has changed. */
  watch(keys: readonly (keyof T)[], run: () => void, signal: AbortSignal): void {
    if (signal.aborted) return;
    const watcher = { roots: this.roots(keys), run };
    this.watchers.add(watcher);
    on_end(signal, () => this.watchers.delete(watcher));
    run();
  }

  /** Ask for a frame even if nothing has changed. */
  wake(): void {
    if (this.due) return;
    this.due = true;
    this.schedule(() => this.flush());
  }

  /** Tell the watchers what has changed since they were last told. */
  flush(): void {
    this.due = false;
    this.before_frame();
    const changed = [...this.dirty];
    this.dirty.clear();
    for (const watcher of [...this.watchers]) {
      if (!this.watchers.has(watcher)) continue;
      if (changed.some((key) => watcher.roots.has(key))) settle(watcher.run);
    }
  }

  private fresh(key: keyof T): Node {
    const node = this.nodes.get(key);
    if (!node) throw new Error(`There is no value called "${String(key)}".`);
    const recipe = (this.recipes as Partial<Recipes<T, keyof T>>)[key];
    if (!recipe) return node;
    const needs = recipe.needs.map((need) => this.fresh(need));
    const current = node.version > 0 && needs.every((need, i) => need.version === node.seen[i]);
    if (current) return node;
    const value = recipe.make(...(needs.map((need) => need.value) as never[]));
    // Equal objects may have new contents; equal plain values are the same.
    const same = Object.is(value, node.value) && (value === null || typeof value !== "object");
    if (!same || node.version === 0) node.version += 1;
    node.value = value;
    node.seen = needs.map((need) => need.version);
    return node;
  }

  private roots(keys: readonly (keyof T)[], found = new Set<keyof T>()): Set<keyof T> {
    for (const key of keys) {
      const recipe = (this.recipes as Partial<Recipes<T, keyof T>>)[key];
      if (recipe) this.roots(recipe.needs, found);
      else found.add(key);
    }
    return found;
  }
}

/** One watcher's failure must not keep the others from being told. */
function settle(run: () => void): void {
  try {
    run();
  } catch (error) {
    reportError(error);
  }
}
