/**
 * By how much two groups of items differ, unit by unit.
 *
 * `latentlens/core/effect.py` holds the same functions, and says why they are so;
 * `tests/golden/query.json` holds the two equal.
 */

const CONFIDENCE = 0.95;
/** A variance below this share of the squared mean is rounding. */
const ROUNDING = 1e-24;
/** Means of constant units that differ by less than this share of themselves are equal. */
const SAME = 1e-12;

/** What is known of one group: columns by unit. */
interface Moments {
  n: number;
  mean: Float64Array;
  /** Second to fourth central moment. */
  second: Float64Array;
  third: Float64Array;
  fourth: Float64Array;
}

/** Each unit's standardised difference; NaN where there is none. */
export interface Difference {
  /** Hedges' g, positive where the first group's mean is larger. */
  effect: Float64Array;
  /** Its interval for all units at once. */
  low: Float64Array;
  high: Float64Array;
  /** Of equal means, corrected for the number of units. */
  p: Float64Array;
  mean: Float64Array;
  other_mean: Float64Array;
  n_tested: number;
  n_stand: number;
  note: string;
}

/** Compare two groups of rows of a matrix with `units` columns. */
export function compare_groups(
  values: Float32Array,
  first: Uint32Array,
  second: Uint32Array,
  units: number,
): Difference {
  const one = moments(values, first, units);
  const two = moments(values, second, units);
  const found: Difference = {
    effect: new Float64Array(units),
    low: new Float64Array(units).fill(Number.NaN),
    high: new Float64Array(units).fill(Number.NaN),
    p: new Float64Array(units).fill(Number.NaN),
    mean: one.mean,
    other_mean: two.mean,
    n_tested: 0,
    n_stand: 0,
    note: "",
  };
  const enough = Math.min(one.n, two.n) >= 2;
  if (!enough) found.note = few_words(one.n, two.n);
  for (let u = 0; u < units; u++) {
    found.effect[u] = hedges(one, two, u);
    if (enough) found.p[u] = p_value(one, two, u);
    if (!Number.isNaN(found.p[u]!)) found.n_tested += 1;
  }
  const tail = (1 - CONFIDENCE) / Math.max(found.n_tested, 1) / 2;
  for (let u = 0; u < units; u++) {
    if (Number.isNaN(found.p[u]!)) continue;
    const half = half_width(one, two, u, found.effect[u]!, tail);
    found.low[u] = found.effect[u]! - half;
    found.high[u] = found.effect[u]! + half;
  }
  correct(found.p);
  found.n_stand = found.p.filter((p) => p <= 1 - CONFIDENCE).length;
  return found;
}

function few_words(n: number, m: number): string {
  const [a, b] = [n, m].map((each) => each.toLocaleString("en-US"));
  return `The groups have ${a} and ${b} items here; two of each are needed.`;
}

function moments(values: Float32Array, rows: Uint32Array, units: number): Moments {
  const n = rows.length;
  const columns = () => new Float64Array(units);
  const [mean, second, third, fourth] = [columns(), columns(), columns(), columns()];
  for (const row of rows) for (let u = 0; u < units; u++) mean[u]! += values[row * units + u]!;
  for (let u = 0; u < units; u++) mean[u]! /= n;
  for (const row of rows) {
    for (let u = 0; u < units; u++) {
      const away = values[row * units + u]! - mean[u]!;
      const square = away * away;
      second[u]! += square;
      third[u]! += square * away;
      fourth[u]! += square * square;
    }
  }
  for (let u = 0; u < units; u++) {
    second[u]! /= n;
    third[u]! /= n;
    fourth[u]! /= n;
    if (second[u]! <= ROUNDING * mean[u]! ** 2) second[u] = 0;
  }
  return { n, mean, second, third, fourth };
}

/** Unbiased; NaN for one item. */
function variance({ n, second }: Moments, u: number): number {
  return n < 2 ? Number.NaN : (second[u]! * n) / (n - 1);
}

function pooled(one: Moments, two: Moments, u: number): number {
  return (one.second[u]! * one.n + two.second[u]! * two.n) / (one.n + two.n - 2);
}

function hedges(one: Moments, two: Moments, u: number): number {
  if (Math.min(one.n, two.n) < 2) return Number.NaN;
  const shared = pooled(one, two, u);
  const [a, b] = [one.mean[u]!, two.mean[u]!];
  if (shared <= 0) {
    return Math.abs(a - b) <= SAME * Math.max(Math.abs(a), Math.abs(b)) ? 0 : Number.NaN;
  }
  return (1 - 3 / (4 * (one.n + two.n - 2) - 1)) * ((a - b) / Math.sqrt(shared));
}

/** The larger of Student's and Welch's, two-sided. */
function p_value(one: Moments, two: Moments, u: number): number {
  const shared = pooled(one, two, u);
  if (!(shared > 0)) return Number.NaN;
  const gap = Math.abs(one.mean[u]! - two.mean[u]!);
  const parts = [variance(one, u) / one.n, variance(two, u) / two.n] as const;
  const student = upper_tail(gap / Math.sqrt(shared * (1 / one.n + 1 / two.n)), one.n + two.n - 2);
  const welch = upper_tail(gap / Math.sqrt(parts[0] + parts[1]), freedom(one, two, parts));
  return 2 * Math.max(student, welch);
}

function half_width(one: Moments, two: Moments, u: number, g: number, tail: number): number {
  const shared = pooled(one, two, u);
  const parts = [pull(one, 1), pull(two, -1)] as const;
  function pull(group: Moments, sign: number): number {
    const lean = (g * (group.n - 1)) / (one.n + two.n - 2) / shared;
    const spread =
      variance(group, u) / shared -
      (sign * lean * group.third[u]!) / Math.sqrt(shared) +
      (lean * lean * (group.fourth[u]! - group.second[u]! ** 2)) / 4;
    return Math.max(spread, 0) / group.n;
  }
  const plain = 1 / one.n + 1 / two.n + (g * g) / (2 * (one.n + two.n));
  const error = Math.sqrt(Math.max(parts[0] + parts[1], plain));
  return t_quantile(tail, freedom(one, two, parts)) * error;
}

/** Welch's degrees of freedom, at least 1. */
function freedom(one: Moments, two: Moments, [a, b]: readonly [number, number]): number {
  const below = (a * a) / (one.n - 1) + (b * b) / (two.n - 1);
  return below > 0 ? Math.max((a + b) ** 2 / below, 1) : 1;
}

/** Holm's correction, in place; NaN is no test. */
function correct(p: Float64Array): void {
  const order = Array.from(p.keys())
    .filter((u) => !Number.isNaN(p[u]!))
    .sort((a, b) => p[a]! - p[b]! || a - b);
  let least = 0;
  order.forEach((u, at) => {
    least = Math.max(least, p[u]! * (order.length - at));
    p[u] = Math.min(least, 1);
  });
}

// -- Student's distribution ----------------------------------------------------

/** Chance of a value above `t`, which is not negative. */
export function upper_tail(t: number, df: number): number {
  return 0.5 * incomplete_beta(df / 2, 0.5, df / (df + t * t), (t * t) / (df + t * t));
}

/** The value with a chance of `tail` above it. */
export function t_quantile(tail: number, df: number): number {
  // From the left Newton's steps cannot overshoot: the tail is convex. The normal distribution's
  // value lies there; M. Abramowitz and I. Stegun, 26.2.23, give it to 4.5e-4.
  const r = Math.sqrt(-2 * Math.log(Math.min(tail, 0.5)));
  const below = 2.515517 + r * (0.802853 + r * 0.010328);
  const z = r - below / (1 + r * (1.432788 + r * (0.189269 + r * 0.001308)));
  let t = Math.max(0, z - 0.001);
  const scale = Math.exp(log_gamma((df + 1) / 2) - log_gamma(df / 2)) / Math.sqrt(Math.PI * df);
  for (let step = 0; step < 200; step++) {
    const density = scale * (1 + (t * t) / df) ** (-(df + 1) / 2);
    const move = (upper_tail(t, df) - tail) / density;
    t += move;
    if (Math.abs(move) <= 1e-13 * t) break;
  }
  return t;
}

/** Regularised, for x and y = 1 - x; W. Press et al., "Numerical Recipes", 3rd ed., 6.4. */
function incomplete_beta(a: number, b: number, x: number, y: number): number {
  if (x <= 0) return 0;
  if (y <= 0) return 1;
  const front = Math.exp(
    log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * Math.log(x) + b * Math.log(y),
  );
  if (x < (a + 1) / (a + b + 2)) return (front * continued_fraction(a, b, x)) / a;
  return 1 - (front * continued_fraction(b, a, y)) / b;
}

function continued_fraction(a: number, b: number, x: number): number {
  const tiny = 1e-300;
  const kept = (value: number): number => (Math.abs(value) < tiny ? tiny : value);
  let c = 1;
  let d = 1 / kept(1 - ((a + b) * x) / (a + 1));
  let all = d;
  for (let m = 1; m < 1000; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / kept(1 + even * d);
    c = kept(1 + even / c);
    all *= d * c;
    d = 1 / kept(1 + odd * d);
    c = kept(1 + odd / c);
    all *= d * c;
    if (Math.abs(d * c - 1) < 1e-15) break;
  }
  return all;
}

/** Stirling's series, from where it has full precision. */
function log_gamma(x: number): number {
  let shift = 0;
  while (x < 12) shift -= Math.log(x++);
  const r = 1 / (x * x);
  const series =
    (1 / 12 -
      r * (1 / 360 - r * (1 / 1260 - r * (1 / 1680 - r * (1 / 1188 - (r * 691) / 360360))))) /
    x;
  return shift + (x - 0.5) * Math.log(x) - x + Math.log(2 * Math.PI) / 2 + series;
}
