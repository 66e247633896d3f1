/** What is asked for only once the controls are at rest. */

import { on_end } from "./dom";
import type { LensStore } from "./store";

/** How long the controls must rest before the kernel is asked. */
const REST_MS = 120;

export type Keys = Parameters<LensStore["watch"]>[0];

/** Run once the keys have not changed for a while. */
export function at_rest(store: LensStore, keys: Keys, run: () => void, signal: AbortSignal): void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  store.watch(
    keys,
    () => {
      clearTimeout(timer);
      timer = setTimeout(run, REST_MS);
    },
    signal,
  );
  on_end(signal, () => clearTimeout(timer));
}
