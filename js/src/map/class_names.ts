/** Names on the map where there are too many classes for a key: of those largest on screen. */

import { on_end, s } from "../dom";
import type { Point } from "../geometry";
import { both_ends } from "../words";
import { MANY } from "./class_list";
import type { Colouring } from "./colouring";
import { OUTSIDE, type Scene } from "./scene";
import type { Stage } from "./stage";
import { type Size, to_layout, to_screen, type View } from "./view";

/** One name for so many square CSS pixels of the map, and no more than so many. */
const ROOM_PX = 20_000;
const MOST = 24;
/** What a name takes, about, in CSS pixels. */
const LETTER_PX = 6.6;
const WIDE_PX = 11;
/** Letters as wide as they are high, such as Chinese and Korean ones and pictures. */
const WIDE = /[\u1100-\u115f\u2e80-\u{10ffff}]/gu;
const LINE_PX = 15;
const LONGEST = 18;
/** Items that are looked at; the scene's order is random, so that these stand for all. */
const ENOUGH = 50_000;
/** A class whose items lie further apart than this share of the map has no place of its own. */
const SPREAD = 0.12;
/** Names are chosen anew when nothing has moved for so long. */
const REST_MS = 120;

/** A class's name, and the layout point it stands over. */
export interface PlacedName {
  name: string;
  at: Point;
}

export interface ClassNames {
  /** Take the names of what the items are coloured by. */
  take(colouring: Colouring): void;
  /** A frame has been drawn: follow the items. */
  follow(): void;
}

/** Keep names over the items of many classes; of few, the legend has every name. */
export function make_class_names(
  layer: SVGGElement,
  stage: Stage,
  signal: AbortSignal,
): ClassNames {
  let names: string[] = [];
  let placed: PlacedName[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;

  const place = (): void => {
    placed.forEach(({ at }, i) => {
      const { x, y } = to_screen(stage.view, stage.size, at);
      layer.children[i]!.setAttribute("transform", `translate(${x.toFixed(1)} ${y.toFixed(1)})`);
    });
  };
  const choose = (now: PlacedName[]): void => {
    placed = now;
    layer.replaceChildren(...placed.map(({ name }) => s("text", {}, name)));
    place();
  };
  const follow = (): void => {
    clearTimeout(timer);
    const { scene } = stage;
    if (names.length === 0 || scene.mix < 1) {
      if (placed.length > 0) choose([]);
      return;
    }
    place();
    const anew = () => choose(choose_names(stage.scene, names, stage.view, stage.size));
    timer = setTimeout(anew, REST_MS);
  };
  on_end(signal, () => clearTimeout(timer));
  return {
    take({ key }) {
      names = key.kind === "classes" && key.names.length > MANY ? key.names : [];
      follow();
    },
    follow,
  };
}

/** The names of the classes largest on screen, each in the middle of its items, none on another. */
export function choose_names(scene: Scene, names: string[], view: View, size: Size): PlacedName[] {
  const classes = places_by_class(scene, view, size);
  const n = classes.reduce((sum, { places }) => sum + places.length, 0);
  const most = Math.min(MOST, Math.floor((size.width * size.height) / ROOM_PX));
  const taken: Box[] = [];
  const found: PlacedName[] = [];
  for (const { c, places } of classes) {
    if (found.length >= most) break;
    const middle = middle_of(places);
    const everywhere = spread_of(places, middle) > (SPREAD * (size.width + size.height)) / 2;
    // What fills the screen is spread too, but there is no doubt where it is.
    if (everywhere && places.length < n / 2) continue;
    const name = both_ends(names[c] ?? "", LONGEST);
    const box = box_of(name, middle, size);
    if (taken.some((other) => overlap(box, other))) continue;
    taken.push(box);
    found.push({ name, at: to_layout(view, size, box) });
  }
  return found;
}

interface ClassPlaces {
  c: number;
  places: Point[];
}

/** Where the items of each class are on screen, those of the group asked about; most items first. */
function places_by_class(scene: Scene, view: View, size: Size): ClassPlaces[] {
  const found = new Map<number, Point[]>();
  for (const row of scene.order.subarray(0, ENOUGH)) {
    const ink = scene.ink[row]!;
    if (ink === 0 || scene.muted[ink] || scene.flags[row]! & OUTSIDE) continue;
    const at = to_screen(view, size, { x: scene.to[2 * row]!, y: scene.to[2 * row + 1]! });
    if (at.x < 0 || at.y < 0 || at.x > size.width || at.y > size.height) continue;
    const places = found.get(ink - 1);
    if (places) places.push(at);
    else found.set(ink - 1, [at]);
  }
  return Array.from(found, ([c, places]) => ({ c, places })).sort(
    (a, b) => b.places.length - a.places.length || a.c - b.c,
  );
}

function middle_of(places: Point[]): Point {
  return { x: median(places.map(({ x }) => x)), y: median(places.map(({ y }) => y)) };
}

/** How far half of the items are from the middle at most, in CSS pixels. */
function spread_of(places: Point[], { x, y }: Point): number {
  return median(places.map((at) => Math.hypot(at.x - x, at.y - y)));
}

function median(values: number[]): number {
  return Float64Array.from(values).sort()[values.length >> 1]!;
}

/** The room of a name, by its middle. */
interface Box extends Point {
  width: number;
}

/** Over the middle of a class, and whole on screen. */
function box_of(name: string, { x, y }: Point, { width, height }: Size): Box {
  const n_wide = name.match(WIDE)?.length ?? 0;
  const room = LETTER_PX * ([...name].length - n_wide) + WIDE_PX * n_wide;
  const inside = (at: number, margin: number, end: number): number =>
    Math.max(margin, Math.min(at, end - margin));
  return { x: inside(x, room / 2, width), y: inside(y, LINE_PX / 2, height), width: room };
}

function overlap(a: Box, b: Box): boolean {
  return Math.abs(a.x - b.x) < (a.width + b.width) / 2 && Math.abs(a.y - b.y) < LINE_PX;
}
