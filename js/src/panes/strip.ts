import { encode } from "../codec";
import { h, on, on_end, set_aria, set_text } from "../dom";
import { draw_picture } from "../pictures";
import { has_row } from "../query";
import type { Store } from "../store";
import { strongest } from "../unit";
import { class_name, count, ROLE_WORDS, short, unit_noun, whole } from "../words";
import { make_card } from "./card";
import type { Pane } from "./pane";

const SLOT = 76;
const PICTURE = 60;
/** Cards beyond each edge, so that scrolling finds them ready. */
const SPARE = 4;
/** Strongest inputs of a unit that are listed. */
const STRONGEST = 200;

/** Strips made so far, which names their cards apart. */
let strips = 0;

type Source = "sample" | "selection" | "unit" | "near";

const SOURCES: Source[] = ["sample", "selection", "unit", "near"];

/** The items themselves: the sample's outliers first, the selection, a unit's strongest inputs, or an item's nearest. */
export const strip: Pane = (el, store, signal) => {
  const card = make_card(el, "Inputs");
  const tabs = SOURCES.map((value) => h("button", { type: "button", value }, value));
  const bar = h(
    "div",
    { className: "ll-tabs", role: "group", aria: { label: "Which inputs" } },
    ...tabs,
  );
  const track = h("div", { className: "ll-track", role: "presentation" });
  const view = h("div", { className: "ll-strip", tabIndex: 0, role: "listbox" }, track);
  view.setAttribute("aria-label", "Inputs. Enter selects, n shows the nearest.");
  el.querySelector("header")?.append(bar);
  card.body.append(view);
  let source: Source = "sample";
  let rows: Uint32Array = new Uint32Array(0);
  let cards = new Map<number, Shown>();
  // What is chosen here must not make the strip turn away from where one is looking.
  let own = false;
  strips += 1;
  const id = `ll-strip-${strips}`;
  view.setAttribute("aria-multiselectable", "true");

  /** Draw the cards in view; one that says the same as before stays as it is. */
  const draw = (): void => {
    const first = Math.max(0, Math.floor(view.scrollLeft / SLOT) - SPARE);
    const end = Math.ceil((view.scrollLeft + view.clientWidth) / SLOT) + SPARE;
    const next = new Map<number, Shown>();
    for (let i = first; i < Math.min(rows.length, end); i++) {
      const row = rows[i]!;
      const facts = facts_of(store, row, source);
      const before = cards.get(row);
      const shown = before?.facts === facts ? before : { facts, el: make_item(store, row, source) };
      shown.el.style.transform = `translateX(${i * SLOT}px)`;
      shown.el.id = `${id}-${row}`;
      shown.el.setAttribute("aria-posinset", String(i + 1));
      shown.el.setAttribute("aria-setsize", String(rows.length));
      next.set(row, shown);
    }
    for (const [row, { el: old }] of cards) if (next.get(row)?.el !== old) old.remove();
    for (const { el: item } of next.values()) if (!item.parentNode) track.append(item);
    cards = next;
  };

  const list = (): void => {
    rows = rows_of(store, source);
    track.style.width = `${rows.length * SLOT}px`;
    view.classList.toggle("ll-bare", store.get("about")?.pictures === "none");
    for (const tab of tabs) set_aria(tab, "pressed", tab.value === source);
    tabs[1]!.disabled = store.get("picked").length === 0;
    tabs[2]!.disabled = store.get("unit") < 0;
    set_text(
      tabs[2]!,
      store.get("unit") < 0 ? "unit" : `${unit_noun(store.get("layer_info"))} ${store.get("unit")}`,
    );
    const focus = store.get("focus");
    tabs[3]!.disabled = focus < 0;
    set_text(tabs[3]!, focus < 0 ? "neighbours" : `near #${position_of(store, focus)}`);
    card.n(count(rows.length, "item"));
    card.note(note_words(store, source, rows));
    card.instead(rows.length > 0 ? "" : nothing_words(store, source));
    draw();
  };

  const turn_to = (to: Source): void => {
    if (source !== to) view.scrollLeft = 0;
    source = to;
    list();
  };

  const choose = (selection: Uint32Array): void => {
    own = true;
    store.set({ selection: encode(selection) });
  };
  store.watch(
    ["picked"],
    () => {
      const there = store.get("picked").length > 0;
      if (own && (there || source !== "selection")) list();
      else turn_to(follow(source, "selection", there));
      own = false;
    },
    signal,
  );
  store.watch(["unit"], () => turn_to(follow(source, "unit", store.get("unit") >= 0)), signal);
  const all_anew = (): void => {
    for (const { el: item } of cards.values()) item.remove();
    cards.clear();
    list();
  };
  store.watch(["focus"], () => turn_to(follow(source, "near", store.get("focus") >= 0)), signal);
  store.watch(["near"], () => source === "near" && all_anew(), signal);
  store.watch(["items", "about"], all_anew, signal);
  store.watch(["sample_order"], () => (source === "sample" ? list() : draw()), signal);
  store.watch(["unit_values", "group_rows"], () => source === "unit" && list(), signal);
  store.watch(["pictures", "dragging"], () => draw_pictures(store, cards), signal);
  store.watch(["hover"], () => mark_hover(store, cards, view), signal);
  listen({ view, store, signal, rows: () => rows, choose });
  view.addEventListener("scroll", () => draw(), { signal, passive: true });
  on(
    bar,
    "click",
    ({ target }) => {
      const { value } = target as HTMLButtonElement;
      if (value) turn_to(value as Source);
    },
    signal,
  );
  const observer = new ResizeObserver(() => draw());
  observer.observe(view);
  on_end(signal, () => observer.disconnect());
};

/** Turn to what has just been chosen, and away from what has just been let go. */
function follow(now: Source, to: Source, there: boolean): Source {
  if (there) return to;
  return now === to ? "sample" : now;
}

function rows_of(store: Store, source: Source): Uint32Array {
  if (source === "selection") return store.get("picked");
  if (source === "sample") return store.get("sample_order");
  if (source === "near") return near_rows(store);
  const values = store.get("unit_values");
  return values ? strongest(values, store.get("group_rows"), STRONGEST) : new Uint32Array(0);
}

/** The clicked item, and those nearest to it. */
function near_rows(store: Store): Uint32Array {
  const near = store.get("near");
  return near?.rows.length ? Uint32Array.of(near.row, ...near.rows) : new Uint32Array(0);
}

function position_of(store: Store, row: number): number {
  return store.get("ids")?.[row] ?? row;
}

function note_words(store: Store, source: Source, rows: Uint32Array): string {
  if (source === "sample") {
    const ends = store.get("ranked")?.uses_j;
    const added = store.get("counts").n_added > 0 ? "What was added stands last." : "";
    return [ends && "Outliers first, then exemplars, the surest leading.", added]
      .filter(Boolean)
      .join(" ");
  }
  if (source === "selection") return "";
  if (source === "near") {
    const of = position_of(store, store.get("focus"));
    return `#${of} and the items nearest to it in the latent, with their distance (exact).`;
  }
  const { n_run = 0, limit = null } = store.get("unit_known") ?? {};
  if (limit === null) return "Strongest first.";
  const values = store.get("unit_values")!;
  const sure = rows.filter((row) => values[row]! >= limit).length;
  const run = n_run > 0 ? " and the model run on the sample" : "";
  return (
    `Strongest first, of those known by the index${run}. ` +
    `The first ${whole(sure)} are certain: all others are at most ${short(limit)}.`
  );
}

function nothing_words(store: Store, source: Source): string {
  if (source === "selection") return "Nothing is selected.";
  if (source === "sample") return "There is no sample yet.";
  if (source === "near") return store.get("near")?.error || "Looking for neighbours.";
  if (!store.get("unit_values")) return store.get("layer_error") || "Asking the kernel.";
  return "Of no item of the group is this unit's value known.";
}

/** A card and what it says that may change. */
interface Shown {
  el: HTMLElement;
  facts: string;
}

function facts_of(store: Store, row: number, source: Source): string {
  const value = value_of(store, row, source);
  return [source, store.get("roles")[row], has_row(store.get("picked"), row), value].join();
}

/** One item: its picture, what it is and what it was taken for. */
function make_item(store: Store, row: number, source: Source): HTMLElement {
  const truth = store.get("truth")[row] ?? -1;
  const pred = store.get("pred")[row] ?? -1;
  const wrong = truth >= 0 && pred >= 0 && truth !== pred;
  const role = store.get("roles")[row];
  const name = [truth, pred].map((c) => (c < 0 ? "?" : class_name(store, c)));
  const value = value_of(store, row, source);
  const position = position_of(store, row);
  const said = wrong ? `true ${name[0]}, predicted ${name[1]}` : name[truth < 0 ? 1 : 0]!;
  const item = h(
    "div",
    {
      className: `ll-item${wrong ? " ll-wrong" : ""}`,
      data: { row: String(row) },
      role: "option",
      title: `Item ${position}: ${said}${role ? `, ${ROLE_WORDS[role]}` : ""}${
        value === undefined
          ? ""
          : `, ${source === "near" ? "distance" : "activation"} ${short(value)}`
      }`,
    },
    h("div", { className: "ll-picture" }, draw_picture(store.picture(row), PICTURE)),
    h(
      "div",
      { className: "ll-class" },
      role ? h("i", { className: "ll-role", data: { role: ROLE_WORDS[role] ?? "" } }) : null,
      name[truth < 0 ? 1 : 0]!,
      // Beside neighbours the line below is for how far they are.
      wrong && source === "near" ? ` → ${name[1]!}` : null,
    ),
    wrong && source !== "near"
      ? h("div", { className: "ll-taken" }, "→ ", name[1]!)
      : h("div", { className: "ll-under" }, value === undefined ? `#${position}` : short(value)),
  );
  set_aria(item, "selected", has_row(store.get("picked"), row));
  item.classList.toggle("ll-hover", store.get("hover") === row);
  return item;
}

/** What stands under an item: its activation, or how far it is. */
function value_of(store: Store, row: number, source: Source): number | undefined {
  if (source === "unit") return store.get("unit_values")?.[row];
  const near = source === "near" ? store.get("near") : null;
  const at = near ? near.rows.indexOf(row) : -1;
  return near && at >= 0 ? near.distance[at] : undefined;
}

function draw_pictures(store: Store, cards: Map<number, Shown>): void {
  for (const [row, { el }] of cards) {
    const frame = el.querySelector(".ll-picture");
    if (!frame?.querySelector(".ll-coming")) continue;
    const picture = store.picture(row);
    if (picture) frame.replaceChildren(draw_picture(picture, PICTURE));
  }
}

function mark_hover(store: Store, cards: Map<number, Shown>, view: HTMLElement): void {
  const hover = store.get("hover");
  // Who hears the page is told of the card that the keys have come to.
  view.setAttribute("aria-activedescendant", cards.get(hover)?.el.id ?? "");
  for (const [row, { el }] of cards) el.classList.toggle("ll-hover", row === hover);
}

/** A selection with a row added, or without it if it was there. */
export function toggled(picked: Uint32Array, row: number): Uint32Array {
  const others = picked.filter((other) => other !== row);
  if (others.length < picked.length) return others;
  return Uint32Array.from([...picked, row]).sort();
}

interface Hands {
  view: HTMLElement;
  store: Store;
  signal: AbortSignal;
  rows: () => Uint32Array;
  choose: (rows: Uint32Array) => void;
}

function listen({ view, store, signal, rows, choose }: Hands): void {
  const row_of = (target: EventTarget | null): number => {
    const item = (target as Element).closest<HTMLElement>("[data-row]");
    return item ? Number(item.dataset.row) : -1;
  };
  const toggle = (row: number): void => choose(toggled(store.get("picked"), row));
  const click = (event: MouseEvent): void => {
    const row = row_of(event.target);
    if (row < 0) return;
    if (event.shiftKey || event.ctrlKey || event.metaKey) toggle(row);
    else choose(is_only(store, row) ? new Uint32Array(0) : Uint32Array.of(row));
  };
  const press = (event: KeyboardEvent): void => {
    const at = rows().indexOf(store.get("hover"));
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (event.key === "Enter" && at >= 0) toggle(rows()[at]!);
    else if (event.key === "n" && at >= 0) store.set({ focus: rows()[at]! });
    else if (step) walk(view, store, rows(), at + step);
    else return;
    event.preventDefault();
  };
  const over = ({ target }: Event): void => store.set({ hover: row_of(target) });
  on(view, "pointerover", over, signal);
  on(view, "pointerleave", () => store.set({ hover: -1 }), signal);
  on(view, "click", click, signal);
  on(view, "keydown", press, signal);
  on(
    view,
    "dblclick",
    ({ target }) => {
      const row = row_of(target);
      if (row >= 0) store.set({ focus: row });
    },
    signal,
  );
}

function is_only(store: Store, row: number): boolean {
  const picked = store.get("picked");
  return picked.length === 1 && picked[0] === row;
}

/** Move the eye to the next card and keep it in view. */
function walk(view: HTMLElement, store: Store, rows: Uint32Array, to: number): void {
  const at = Math.min(Math.max(to, 0), rows.length - 1);
  const row = rows[at];
  if (row === undefined) return;
  store.set({ hover: row });
  const left = at * SLOT;
  if (left < view.scrollLeft) view.scrollLeft = left;
  const right = left + SLOT - view.clientWidth;
  if (right > view.scrollLeft) view.scrollLeft = right;
}
