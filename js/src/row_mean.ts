/** The mean of rows that come and go. */

function add_row(values: Float32Array, row: number, times: number, out: Float64Array): void {
  const start = row * out.length;
  for (let u = 0; u < out.length; u++) out[u]! += times * values[start + u]!;
}

/** A sum is taken anew when this many rows per row of the matrix have come or gone. */
const REFRESH = 4;
/** Beside the largest sum there was, what is smaller than this is rounding. */
const ROUNDING = 1e-12;

/**
 * The mean of some rows of a matrix, kept up as rows come and go.
 *
 * Every move of a slider changes the sample a little; reading the whole of it
 * again takes 20 ms at 70,000 rows of 84, reading what changed takes 1.
 */
export class RowMean {
  private values: Float32Array | null = null;
  private held = new Uint8Array(0);
  private sum = new Float64Array(0);
  private largest = new Float64Array(0);
  private mean = new Float64Array(0);
  private changed = 0;

  /** The mean of `rows`, ascending; the array given back is used again. */
  of(values: Float32Array, rows: Uint32Array, n_items: number): Float64Array {
    const width = values.length / Math.max(n_items, 1);
    if (values !== this.values || this.held.length !== n_items) {
      this.values = values;
      this.held = new Uint8Array(n_items);
      this.sum = new Float64Array(width);
      this.largest = new Float64Array(width);
      this.mean = new Float64Array(width);
    }
    const changes = this.count_changes(rows);
    const anew = changes > rows.length || this.changed + changes > REFRESH * n_items;
    if (anew) this.add_anew(values, rows);
    else this.add_changes(values, rows);
    this.changed = anew ? 0 : this.changed + changes;
    for (let u = 0; u < width; u++) {
      this.largest[u] = Math.max(this.largest[u]!, Math.abs(this.sum[u]!));
      const rounding = Math.abs(this.sum[u]!) < ROUNDING * this.largest[u]!;
      this.mean[u] = rounding ? 0 : this.sum[u]! / rows.length;
    }
    return this.mean;
  }

  private count_changes(rows: Uint32Array): number {
    let same = 0;
    let before = 0;
    for (let i = 0; i < this.held.length; i++) before += this.held[i]!;
    for (let r = 0; r < rows.length; r++) same += this.held[rows[r]!]!;
    return before + rows.length - 2 * same;
  }

  private add_anew(values: Float32Array, rows: Uint32Array): void {
    this.held.fill(0);
    this.sum.fill(0);
    this.largest.fill(0);
    for (let r = 0; r < rows.length; r++) {
      this.held[rows[r]!] = 1;
      add_row(values, rows[r]!, 1, this.sum);
    }
  }

  private add_changes(values: Float32Array, rows: Uint32Array): void {
    let next = 0;
    for (let row = 0; row < this.held.length; row++) {
      const is = next < rows.length && rows[next] === row ? 1 : 0;
      next += is;
      const times = is - this.held[row]!;
      if (times !== 0) add_row(values, row, times, this.sum);
      this.held[row] = is;
    }
  }
}
