/**
 * How near a sample's answer is to the exact one.
 *
 * `latentlens/core/metrics.py` holds the same functions; `tests/golden/query.json` holds
 * the two equal.
 */

/** Of how many items each unit is the maximum. */
export interface Histogram {
  counts: Uint32Array;
  /** Items without a maximal unit, every unit being zero. */
  none: number;
}

export type Numbers = Float32Array | Float64Array | Uint32Array;

/** The k units of largest value; equal values stand in order of their unit. */
export function top_units(values: Numbers, k: number): number[] {
  const best: number[] = [];
  for (let unit = 0; unit < values.length; unit++) {
    const value = values[unit]!;
    if (best.length === k && !(value > values[best[k - 1]!]!)) continue;
    let at = Math.min(best.length, k - 1);
    while (at > 0 && value > values[best[at - 1]!]!) {
      best[at] = best[at - 1]!;
      at -= 1;
    }
    best[at] = unit;
  }
  return best;
}

/** Jensen-Shannon distance of two histograms, logarithms to base 2, "none" being a last bin. */
export function js_distance(p: Histogram, q: Histogram): number {
  const total_p = sum(p.counts) + p.none;
  const total_q = sum(q.counts) + q.none;
  if (total_p === 0 || total_q === 0) return total_p === total_q ? 0 : 1;
  let divergence = js_term(p.none / total_p, q.none / total_q);
  for (let u = 0; u < p.counts.length; u++) {
    if (p.counts[u] || q.counts[u]) {
      divergence += js_term(p.counts[u]! / total_p, q.counts[u]! / total_q);
    }
  }
  return Math.sqrt(Math.min(Math.max(divergence / 2, 0), 1));
}

function js_term(p: number, q: number): number {
  const middle = (p + q) / 2;
  return (p > 0 ? p * Math.log2(p / middle) : 0) + (q > 0 ? q * Math.log2(q / middle) : 0);
}

/** One minus the cosine of the angle; 0 if both are zero, 1 if one is. */
export function cosine_distance(u: Float64Array, v: Float64Array): number {
  const scale_u = largest(u);
  const scale_v = largest(v);
  if (scale_u === 0 || scale_v === 0) return scale_u === scale_v ? 0 : 1;
  let uv = 0;
  let uu = 0;
  let vv = 0;
  for (let i = 0; i < u.length; i++) {
    // Scaled to a largest entry of 1: squares of extreme entries leave float64.
    const a = u[i]! / scale_u;
    const b = v[i]! / scale_v;
    uv += a * b;
    uu += a * a;
    vv += b * b;
  }
  return Math.min(Math.max(1 - uv / (Math.sqrt(uu) * Math.sqrt(vv)), 0), 2);
}

function largest(values: Float64Array): number {
  let most = 0;
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]!));
  return most;
}

function sum(values: Uint32Array): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i]!;
  return total;
}
