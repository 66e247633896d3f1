/** Dragging the brackets of the lanes, and moving them by keys. */

import { on, on_end } from "../dom";
import { type Cut, cut_at } from "../ranks";
import type { Store } from "../store";
import { type End, LABEL, type Lane } from "./margin_lanes";

/** A step of the keys in items, and of the larger ones as a share of the lane. */
const STEP = 1;
const LARGE_STEP = 0.05;

interface Hands {
  chart: SVGElement;
  store: Store;
  lanes: () => Lane[];
  signal: AbortSignal;
}

/** What is held: a lane's end, and how many items the other end has meanwhile. */
interface Held {
  lane: Lane;
  end: End;
  other: number;
}

/** Let hands move the brackets; fraction and j follow. */
export function listen({ chart, store, lanes, signal }: Hands): void {
  let held: Held | null = null;
  const grip_of = (target: EventTarget | null): Held | null => {
    const grip = (target as Element).closest<SVGElement>("[data-end]");
    const lane = lanes().find(({ group }) => String(group) === grip?.dataset.lane);
    if (!grip || !lane) return null;
    const end = grip.dataset.end as End;
    return { lane, end, other: end === "outlier" ? lane.taken.tail : lane.taken.head };
  };
  const drop = (): void => {
    if (held) store.set({ dragging: false });
    held = null;
  };
  const down = (event: PointerEvent): void => {
    held = grip_of(event.target);
    if (!held || store.get("ranking")?.allocation === "fixed") {
      held = null;
      return;
    }
    event.preventDefault();
    held.lane.ends[held.end]?.grip.focus();
    chart.setPointerCapture?.(event.pointerId);
    store.set({ dragging: true });
  };
  const move = (event: PointerEvent): void => {
    if (!held) return;
    const { lane, end } = held;
    const share = (event.clientX - chart.getBoundingClientRect().left - LABEL) / lane.width;
    const items = Math.round((end === "outlier" ? share : 1 - share) * lane.size);
    pull(store, held, items);
  };
  const press = (event: KeyboardEvent): void => {
    const at = grip_of(event.target);
    if (!at) return;
    if (event.key === "ArrowUp" || event.key === "ArrowDown")
      walk(lanes(), at, event.key === "ArrowUp" ? -1 : 1);
    else if (!pull_by_key(store, at, event.key)) return;
    event.preventDefault();
  };
  on(chart, "pointerdown", down, signal);
  on(chart, "pointermove", move, signal);
  for (const end of ["pointerup", "pointercancel"] as const) on(chart, end, drop, signal);
  on(chart, "keydown", press, signal);
  on_end(signal, drop);
}

/** Set fraction and j such that an end of a lane holds so many items. */
function pull(store: Store, { lane, end, other }: Held, items: number): void {
  const ranking = store.get("ranking");
  if (!ranking || ranking.allocation === "fixed") return;
  const n = Math.min(Math.max(items, 0), lane.size - other);
  const cut: Cut = end === "outlier" ? { head: n, tail: other } : { head: other, tail: n };
  const found = cut_at(ranking, store.get("truth").length, lane.group, cut);
  if (found) store.set(ranking.uses_j ? found : { fraction: found.fraction });
}

/** Left and right move the bracket itself, whichever end it is. */
function pull_by_key(store: Store, at: Held, key: string): boolean {
  const { lane, end } = at;
  const now = end === "outlier" ? lane.taken.head : lane.taken.tail;
  const away = end === "outlier" ? 1 : -1;
  const large = Math.max(1, Math.round(LARGE_STEP * lane.size));
  const to: Record<string, number> = {
    ArrowRight: now + away * STEP,
    ArrowLeft: now - away * STEP,
    PageUp: now + large,
    PageDown: now - large,
    Home: 0,
    End: lane.size - at.other,
  };
  if (!(key in to)) return false;
  pull(store, at, to[key]!);
  return true;
}

/** Go to the same end of the next lane, which becomes the one that Tab finds. */
function walk(lanes: Lane[], { lane, end }: Held, step: number): void {
  const next = lanes[lanes.indexOf(lane) + step];
  if (!next) return;
  for (const { grip } of Object.values(lane.ends)) grip.setAttribute("tabindex", "-1");
  for (const { grip } of Object.values(next.ends)) grip.setAttribute("tabindex", "0");
  next.ends[end]?.grip.focus();
}
