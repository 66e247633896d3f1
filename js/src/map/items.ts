/** From the store to the scene: where the items are, their colours and their flags. */

import { column_names } from "../columns";
import { on_end } from "../dom";
import { normalise } from "../geometry";
import { write_members } from "../query";
import type { Store } from "../store";
import { type Colouring, colour_items } from "./colouring";
import { glide } from "./glide";
import { current_layout, OUTSIDE, SELECTED, WRONG } from "./scene";
import type { Stage } from "./stage";

export interface Listener {
  /** The items have come to rest in a new layout. */
  settled(): void;
  coloured(colouring: Colouring): void;
}

/** Keeps the stage's scene in step with the store until the signal aborts. */
export function follow_items(
  store: Store,
  stage: Stage,
  listener: Listener,
  signal: AbortSignal,
): { recolour(): void } {
  let stop = () => {};
  let rules: Uint8Array = new Uint8Array(0);

  const lay_out = () => {
    stop();
    const xy = store.get("xy");
    const n = xy ? xy.length / 2 : 0;
    const fresh = n !== stage.scene.n;
    const scene = fresh ? stage.reset(n) : stage.scene;
    const { xy: to, reach } = normalise(xy ?? new Float32Array(0));
    const before = fresh ? reach : scene.reach;
    scene.from = fresh ? to : current_layout(scene);
    scene.to = to;
    scene.mix = 0;
    stage.changed("layout");
    if (fresh) colour();
    if (fresh) flag();
    const step = (share: number) => {
      scene.mix = share;
      scene.reach = {
        x: before.x + (reach.x - before.x) * share,
        y: before.y + (reach.y - before.y) * share,
      };
      stage.changed();
      if (share === 1) listener.settled();
    };
    if (fresh) step(1);
    else stop = glide(step);
  };

  const colour = () => {
    const { scene, theme } = stage;
    const colouring = colour_items(store, theme, scene.n);
    scene.ink = colouring.ink;
    scene.palette = colouring.palette;
    hide();
    stage.changed("ink");
    listener.coloured(colouring);
  };
  const hide = () => {
    const { scene } = stage;
    const classes = ["label", "pred"].includes(store.get("color_by"));
    const hidden = store.get("hidden");
    scene.muted = Uint8Array.from(scene.palette, (_, i) => Number(classes && hidden.has(i - 1)));
    stage.changed("palette");
  };

  /** What does not change with the sample. */
  const flag = () => {
    rules = write_rules(store, stage.scene.n);
    stage.changed("flags");
    sample();
  };
  const sample = () => {
    const { flags } = stage.scene;
    const roles = store.get("roles");
    if (roles.length !== flags.length) flags.set(rules);
    else for (let i = 0; i < flags.length; i++) flags[i] = rules[i]! | roles[i]!;
    stage.changed("roles");
  };

  store.watch(["points"], lay_out, signal);
  store.watch(["color_by", "truth", "pred", "loss", "about"], colour, signal);
  watch_when(store, signal, "margin", ["ranking"], colour);
  watch_when(store, signal, "unit", ["unit_values"], colour);
  watch_when(store, signal, "kept", ["map_trust"], colour);
  const of_column = () => column_names(store).includes(store.get("color_by"));
  store.watch(["columns", "column_errors"], () => of_column() && colour(), signal);
  store.watch(["hidden"], hide, signal);
  store.watch(["truth", "pred", "class_index", "by", "correctness", "picked"], flag, signal);
  store.watch(["roles"], sample, signal);
  on_end(signal, () => stop());
  return { recolour: colour };
}

/** Calls `run` when a key changes that only one way of colouring depends on. */
function watch_when(
  store: Store,
  signal: AbortSignal,
  by: string,
  keys: Parameters<Store["watch"]>[0],
  run: () => void,
): void {
  store.watch(keys, () => store.get("color_by") === by && run(), signal);
}

/** Flags for who is outside the group, wrong and selected. */
export function write_rules(store: Store, n: number): Uint8Array {
  const [truth, pred] = [store.get("truth"), store.get("pred")];
  const flags = new Uint8Array(n);
  if (truth.length === n) {
    // The selection is shown, not a filter: the rest stays open to the next lasso.
    write_members(truth, pred, { ...store.get("group"), selection: null }, flags);
    for (let i = 0; i < n; i++) {
      const wrong = truth[i]! >= 0 && pred[i]! >= 0 && truth[i] !== pred[i];
      flags[i] = (flags[i] ? 0 : OUTSIDE) | (wrong ? WRONG : 0);
    }
  }
  for (const row of store.get("picked")) if (row < n) flags[row]! |= SELECTED;
  return flags;
}
