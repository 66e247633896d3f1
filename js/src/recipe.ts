/** How a value is tied to what it is made from, and buffers that recipes use again. */

import type { Truth } from "./store";

type Values<N extends readonly (keyof Truth)[]> = { -readonly [I in keyof N]: Truth[N[I]] };

/** Tie a value to what it is made from, and to nothing else. */
export function from<const N extends readonly (keyof Truth)[], V>(
  needs: N,
  make: (...values: Values<N>) => V,
) {
  return { needs, make: make as unknown as (...values: never[]) => V };
}

/** An array that is made anew only when its length changes. */
function buffer<T>(make: (length: number) => T & { length: number }): (length: number) => T {
  let held: (T & { length: number }) | undefined;
  return (length) => {
    if (held?.length !== length) held = make(length);
    return held;
  };
}

export const bytes = () => buffer((n) => new Uint8Array(n));
export const whole_numbers = () => buffer((n) => new Uint32Array(n));
export const single = () => buffer((n) => new Float32Array(n));
