/** What all panes with a figure have in common. */

import { h, on, on_end, set_aria, set_text } from "../dom";
import type { Kind } from "../protocol.gen";
import type { Figures } from "../query";
import type { Store } from "../store";
import { KIND_TITLES, waiting_words, whole } from "../words";
import { brief } from "../worth";

/** A titled pane: its head says how the figure is known, from how many items, and how good it is. */
export interface Card {
  body: HTMLElement;
  /** How the figure is known; null hides the badge. */
  kind(kind: Kind | null): void;
  n(text: string): void;
  /** How near the figure is to the exact one, and what there is to say of that. */
  score(name: string, value: string, title: string, aside?: string): void;
  /** Under the figure, in small print. */
  note(text: string): void;
  /** What the figure is worth, in one line, of which the first clause is always seen. */
  worth(line: string): void;
  /** In place of the figure; empty shows the figure. */
  instead(text: string): void;
  /** The figure answers an older question. */
  stale(is: boolean): void;
}

/** Fill `el` with a titled pane. */
export function make_card(el: HTMLElement, title: string): Card {
  const badge = h("span", { className: "ll-badge", hidden: true });
  const n = h("span", { className: "ll-n" });
  const score = h("span", { className: "ll-score" });
  const body = h("div", { className: "ll-body" });
  const note = h("p", { className: "ll-note" });
  const short = h("span");
  const full = h("span", { className: "ll-worth-full" });
  const worth = h("p", { className: "ll-worth", hidden: true, role: "note" }, short, full);
  const instead = h("p", { className: "ll-instead", hidden: true });
  const head = h("header", { className: "ll-head" }, h("h3", {}, title), badge, n, score);
  el.classList.add("ll-card");
  el.setAttribute("role", "region");
  el.setAttribute("aria-label", title);
  el.append(head, body, instead, note, worth);
  return {
    body,
    kind(kind) {
      badge.hidden = kind === null;
      if (!kind) return;
      set_text(badge, kind);
      badge.dataset.kind = kind;
      badge.title = KIND_TITLES[kind];
    },
    n: (text) => set_text(n, text),
    score(name, value, explained, aside = "") {
      score.title = explained;
      score.replaceChildren(
        ...(value ? [`${name} `, h("b", {}, value), " ", h("small", {}, aside)] : []),
      );
    },
    note: (text) => set_text(note, text),
    worth(line) {
      const first = brief(line);
      worth.hidden = line === "";
      set_text(short, first === line ? line : `${first} …`);
      set_text(full, first === line ? "" : line);
      worth.setAttribute("aria-label", line);
      worth.tabIndex = first === line ? -1 : 0;
    },
    instead(text) {
      set_text(instead, text);
      instead.hidden = text === "";
      body.hidden = text !== "";
      if (!text) return;
      note.textContent = "";
      worth.hidden = true;
    },
    stale: (is) => void el.classList.toggle("ll-stale", is),
  };
}

/**
 * The answer to draw; null while it is coming, which the card says.
 *
 * Meanwhile an older figure stays, paler, where there is one.
 */
export function answer_for(card: Card, chart: Element, store: Store): Figures | null {
  const figures = store.get("answer");
  card.stale(!figures);
  if (!figures && !chart.childElementCount) card.instead(waiting_words(store));
  return figures;
}

/** From how many items of the group a figure is. */
export function n_words({ n_used, n_group }: Figures): string {
  return `n ${whole(n_used)} of ${whole(n_group)}`;
}

/** From this width of the lens on, cards that can be folded begin open, unless they never do. */
const WIDE = 720;

/** A card's fold, which is remembered in this browser by the card's name. */
export interface Fold {
  open(): boolean;
}

/** Let a card fold down to its head; `turned` is called whenever it does. */
export function make_fold(
  el: HTMLElement,
  name: string,
  turned: (open: boolean) => void,
  signal: AbortSignal,
  begins_open = true,
): Fold {
  const title = el.querySelector("h3")!;
  const button = h("button", { type: "button", className: "ll-fold" }, title.textContent);
  const width = (el.closest(".ll") ?? el).clientWidth;
  let open = recall(name) ?? (begins_open && (width === 0 || width >= WIDE));
  const show = (): void => {
    set_aria(button, "expanded", open);
    el.classList.toggle("ll-shut", !open);
  };
  title.replaceChildren(button);
  on(
    button,
    "click",
    () => {
      open = !open;
      remember(name, open);
      show();
      turned(open);
    },
    signal,
  );
  show();
  return { open: () => open };
}

const FOLDS = "latentlens:fold:";

/** Null where nothing is remembered, or the page may remember nothing. */
function recall(name: string): boolean | null {
  try {
    const held = localStorage.getItem(FOLDS + name);
    return held === null ? null : held === "open";
  } catch {
    return null;
  }
}

function remember(name: string, open: boolean): void {
  try {
    localStorage.setItem(FOLDS + name, open ? "open" : "shut");
  } catch {
    // A page without storage forgets, which does no harm.
  }
}

/** Call when the element comes into view and when it leaves it. */
export function on_visible(
  el: Element,
  run: (visible: boolean) => void,
  signal: AbortSignal,
): void {
  if (!("IntersectionObserver" in globalThis)) {
    run(true);
    return;
  }
  const observer = new IntersectionObserver((entries) => {
    const last = entries.at(-1);
    if (last && !signal.aborted) run(last.isIntersecting);
  });
  observer.observe(el);
  on_end(signal, () => observer.disconnect());
}

/** Call when the element's width changes; gives what it is in CSS pixels, 0 before it is known. */
export function on_width(el: Element, run: () => void, signal: AbortSignal): () => number {
  let width = 0;
  let frame = 0;
  const look = (): void => {
    const now = Math.floor(el.clientWidth);
    if (now === width) return;
    width = now;
    run();
  };
  // Drawing changes sizes again, which must not happen while sizes are being observed.
  const observer = new ResizeObserver(() => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(look);
  });
  observer.observe(el);
  const stop = (): void => {
    observer.disconnect();
    cancelAnimationFrame(frame);
  };
  on_end(signal, stop);
  return () => width;
}

/** Count this view among those that show a figure, or not; once it is closed, not. */
export function view_counter(
  store: Store,
  key: "contrast_views" | "quality_views",
  signal: AbortSignal,
): (shown: boolean) => void {
  let counted = false;
  const set = (shown: boolean): void => {
    if (shown === counted) return;
    counted = shown;
    store.set({ [key]: store.get(key) + (shown ? 1 : -1) });
  };
  on_end(signal, () => set(false));
  return set;
}
