/** A store over a made-up record, with frames that pass when a test says so. */

import { vi } from "vitest";
import { type Answerer, FakeModel } from "../play/fake_model";
import { type MadeUp, make_up, WIDTHS } from "../play/made_up";
import { encode } from "../src/codec";
import { start_effects } from "../src/effects";
import type { Pane } from "../src/panes/pane";
import type { Request, State } from "../src/protocol.gen";
import { LensStore } from "../src/store";

/** Longer than any timer of the lens but the one for a silent kernel. */
const REST_MS = 200;
/** A question, its answer, what follows from it, and once more. */
const ROUNDS = 5;

/** happy-dom lays nothing out; panes get this width. */
const WIDTH = 480;

export function lay_out(): void {
  for (const key of ["clientWidth", "offsetWidth"]) {
    Object.defineProperty(HTMLElement.prototype, key, { configurable: true, get: () => WIDTH });
  }
  globalThis.ResizeObserver = class {
    constructor(private readonly run: ResizeObserverCallback) {}
    observe(): void {
      this.run([], this as unknown as ResizeObserver);
    }
    unobserve(): void {}
    disconnect(): void {}
  };
  globalThis.IntersectionObserver = class {
    constructor(private readonly run: IntersectionObserverCallback) {}
    observe(): void {
      const entry = { isIntersecting: true } as IntersectionObserverEntry;
      this.run([entry], this as unknown as IntersectionObserver);
    }
    disconnect(): void {}
  } as unknown as typeof IntersectionObserver;
}

export interface Scene {
  made: MadeUp;
  fake: FakeModel;
  store: LensStore;
  stop: AbortController;
  el: HTMLElement;
  /** Let one frame pass. */
  frame(): void;
  /** Let timers, answers and frames pass until nothing is left to do. */
  settle(): Promise<void>;
}

export function answer_from(made: MadeUp): Answerer {
  return (request: Request) => {
    switch (request.kind) {
      case "layer":
        return made.layer(request.layer);
      case "latent": {
        const name = made.state.about!.latent_layer;
        return {
          kind: "latent",
          latent: encode(made.activations(name), [made.label.length, WIDTHS[name]!]),
        };
      }
      case "pictures":
        return { kind: "pictures", pictures: request.rows.map(made.picture) };
      case "hello":
      case "cancel":
        return { kind: "ok" };
      default:
        return undefined;
    }
  };
}

interface Setting {
  n?: number;
  state?: Partial<State>;
  answer?: (made: MadeUp) => Answerer;
  pane?: Pane;
}

/** Make a store and mount a pane on it. */
export function scene({ n = 200, state = {}, answer = answer_from, pane }: Setting = {}): Scene {
  lay_out();
  const made = make_up(n);
  const fake = new FakeModel({ ...made.state, ...state }, answer(made), 1);
  const stop = new AbortController();
  const due: (() => void)[] = [];
  const store = new LensStore(fake.model, stop.signal, (run) => due.push(run));
  const frame = (): void => {
    for (const run of due.splice(0)) run();
  };
  vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
  const settle = async (): Promise<void> => {
    for (let round = 0; round < ROUNDS; round++) {
      await vi.advanceTimersByTimeAsync(REST_MS);
      frame();
    }
  };
  start_effects(store, stop.signal);
  const el = document.createElement("section");
  document.body.replaceChildren(el);
  pane?.(el, store, stop.signal);
  return { made, fake, store, stop, el, frame, settle };
}
