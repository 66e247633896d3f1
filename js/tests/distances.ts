/** How far colours are apart, worked out plainly. */

import { as_seen, oklab, type Rgb } from "../src/palette";

/** How far two colours are apart in OKLab; black and white are 1 apart. */
export function colour_distance(a: Rgb, b: Rgb): number {
  const [p, q] = [oklab(a), oklab(b)];
  return Math.hypot(p[0]! - q[0]!, p[1]! - q[1]!, p[2]! - q[2]!);
}

/** How far two colours are apart under the worst of normal, protan and deutan sight. */
export function deficient_distance(a: Rgb, b: Rgb): number {
  const [p, q] = [as_seen(a), as_seen(b)];
  return Math.min(
    ...[0, 3, 6].map((o) =>
      Math.hypot(p[o]! - q[o]!, p[o + 1]! - q[o + 1]!, p[o + 2]! - q[o + 2]!),
    ),
  );
}
