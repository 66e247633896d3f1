/** From item to item by keys. */

import type { Point } from "../geometry";

/** A point's place, and the direction one goes in; a unit vector, y upwards. */
export interface Step {
  from: Point;
  along: Point;
  /** Items less far ahead are passed over, so that one sees each step. */
  least: number;
}

/**
 * The next item in a direction; -1 if there is none.
 *
 * Of all circles that leave `from` in the direction, the smallest that meets an item: near
 * comes before far, and straight ahead before aside.
 */
export function next_item(
  xy: Float32Array,
  { from, along, least }: Step,
  may: (row: number) => boolean,
): number {
  let best = -1;
  let smallest = Number.POSITIVE_INFINITY;
  for (let row = 0; 2 * row < xy.length; row++) {
    const [x, y] = [xy[2 * row]! - from.x, xy[2 * row + 1]! - from.y];
    const ahead = x * along.x + y * along.y;
    if (ahead < least) continue;
    const diameter = (x * x + y * y) / ahead;
    if (diameter < smallest && may(row)) {
      smallest = diameter;
      best = row;
    }
  }
  return best;
}

/** The item nearest to a place; -1 if there is none. */
export function nearest_item(
  xy: Float32Array,
  { x, y }: Point,
  may: (row: number) => boolean,
): number {
  let best = -1;
  let smallest = Number.POSITIVE_INFINITY;
  for (let row = 0; 2 * row < xy.length; row++) {
    const distance = (xy[2 * row]! - x) ** 2 + (xy[2 * row + 1]! - y) ** 2;
    if (distance < smallest && may(row)) {
      smallest = distance;
      best = row;
    }
  }
  return best;
}
