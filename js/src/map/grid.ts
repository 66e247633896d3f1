/** A uniform grid over a layout: which item is nearest to the pointer. */

import type { Point } from "../geometry";

export interface Grid {
  xy: Float32Array;
  side: number;
  /** Where each cell's rows begin in `rows`; one entry more than there are cells. */
  start: Uint32Array;
  rows: Uint32Array;
}

const LARGEST_SIDE = 1024;
/** Rounding may leave an item just outside the square. */
const RIM = 1.001;

/** Sorts items into cells of the square [-1, 1]; items outside it cannot be found. */
export function build_grid(xy: Float32Array): Grid {
  const n = xy.length / 2;
  const side = Math.min(LARGEST_SIDE, Math.max(1, Math.ceil(Math.sqrt(n / 2))));
  const cell = new Uint32Array(n);
  const start = new Uint32Array(side * side + 2);
  for (let row = 0; row < n; row++) {
    cell[row] = cell_of(xy[2 * row]!, xy[2 * row + 1]!, side);
    start[cell[row]! + 1]!++;
  }
  for (let c = 1; c < start.length; c++) start[c]! += start[c - 1]!;
  const free = start.slice();
  const rows = new Uint32Array(n);
  for (let row = 0; row < n; row++) rows[free[cell[row]!]!++] = row;
  return { xy, side, start, rows };
}

/** The cell of a place; one past the last for places outside the square. */
function cell_of(x: number, y: number, side: number): number {
  if (!(Math.abs(x) <= RIM && Math.abs(y) <= RIM)) return side * side;
  return line(y, side) * side + line(x, side);
}

/** The line of cells, of `side`, that a coordinate in [-1, 1] falls into. */
function line(value: number, side: number): number {
  return Math.min(side - 1, Math.max(0, Math.floor(((value + 1) / 2) * side)));
}

/**
 * The nearest row within `radius` that `accept` lets through, or -1.
 *
 * Of equally near rows the first.
 */
export function nearest(
  grid: Grid,
  at: Point,
  radius: number,
  accept: (row: number) => boolean = () => true,
): number {
  const { side, start, rows, xy } = grid;
  let [best, best_square] = [-1, radius * radius];
  const [x0, x1] = [line(at.x - radius, side), line(at.x + radius, side)];
  const [y0, y1] = [line(at.y - radius, side), line(at.y + radius, side)];
  for (let y = y0; y <= y1; y++) {
    // Cells of one line of the grid follow each other, and so do their rows.
    const last = start[y * side + x1 + 1]!;
    for (let i = start[y * side + x0]!; i < last; i++) {
      const row = rows[i]!;
      const square = (xy[2 * row]! - at.x) ** 2 + (xy[2 * row + 1]! - at.y) ** 2;
      if (square > best_square) continue;
      const nearer = square < best_square || (square === best_square && (best < 0 || row < best));
      if (nearer && accept(row)) [best, best_square] = [row, square];
    }
  }
  return best;
}
