/** What is fetched from the kernel as the state changes, and where it is put. */

import { decode_as } from "./codec";
import { keep_columns } from "./columns";
import { on_end } from "./dom";
import { keep_history } from "./history";
import type { Means, Near, QualityQuestion, Told } from "./local";
import { keep_neurons } from "./neurons";
import type { Answer, QualityReply, Question } from "./protocol.gen";
import type { Figures } from "./query";
import { bytes_of, read_index } from "./record";
import { at_rest } from "./rest";
import { Dropped, words } from "./rpc";
import type { LensStore } from "./store";

/** Neighbours of the clicked item that are shown. */
const NEIGHBORS = 10;
/** What takes the kernel seconds is asked for later. */
const QUALITY_REST_MS = 400;

/** Keep all that comes from the kernel when it is asked in step with the state. */
export function start_effects(store: LensStore, signal: AbortSignal): void {
  forget_old_items(store, signal);
  keep_index(store, signal);
  keep_latent(store, signal);
  keep_means(store, signal);
  keep_told(store, signal);
  keep_quality(store, signal);
  keep_columns(store, signal);
  keep_near(store, signal);
  keep_history(store, signal);
  keep_neurons(store, signal);
}

function forget_old_items(store: LensStore, signal: AbortSignal): void {
  let items = store.get("items");
  store.watch(
    ["items"],
    () => {
      if (store.get("items") === items) return;
      items = store.get("items");
      store.layers.clear();
      store.forget_pictures();
      store.set({ index: null, latent: null, means: null, told: null, quality: null });
      store.set({ contrast_told: null, unit_told: null });
      store.set({ columns: new Map(), column_errors: new Map(), focus: -1 });
    },
    signal,
  );
}

function keep_index(store: LensStore, signal: AbortSignal): void {
  let asked = "";
  const fetch = async (layer: string): Promise<void> => {
    asked = layer;
    const items = store.get("items");
    try {
      const reply = await store.ask({ kind: "layer", layer });
      if (store.get("items") !== items) return;
      const index = read_index(reply);
      store.layers.put(layer, index, bytes_of(index));
      if (store.get("layer") === layer) store.set({ index, layer_error: "" });
    } catch (error) {
      const current = store.get("layer") === layer && store.get("items") === items;
      if (current) store.set({ layer_error: words(error) });
    } finally {
      if (asked === layer) asked = "";
      // An answer about older items answers nothing.
      if (store.get("items") !== items && !signal.aborted) keep();
    }
  };
  const keep = (): void => {
    const info = store.get("layer_info");
    const ready = info?.in_browser && store.get("items");
    const index = info && ready ? (store.layers.get(info.name) ?? null) : null;
    store.set({ index, layer_error: "" });
    if (info && ready && !index && asked !== info.name) void fetch(info.name);
  };
  store.watch(["items", "layer_info", "kernel_gone"], keep, signal);
}

function keep_latent(store: LensStore, signal: AbortSignal): void {
  let asked = false;
  const fetch = async (): Promise<void> => {
    asked = true;
    const items = store.get("items");
    try {
      const { latent } = await store.ask({ kind: "latent" });
      if (store.get("items") === items) store.set({ latent: decode_as(latent, "float32") });
    } catch (error) {
      if (store.get("items") === items) store.set({ layer_error: words(error) });
    } finally {
      asked = false;
      if (store.get("items") !== items && !signal.aborted) keep();
    }
  };
  const keep = (): void => {
    const about = store.get("about");
    const wanted = about?.latent_in_browser && about.latent_layer === store.get("layer");
    if (wanted && store.get("items") && !store.get("latent") && !asked) void fetch();
  };
  store.watch(["items", "about", "layer", "kernel_gone"], keep, signal);
}

function keep_means(store: LensStore, signal: AbortSignal): void {
  const fetch = async (asked: Question): Promise<void> => {
    try {
      // The line that comes with it is also about the top k; another k needs no other mean.
      const question = { ...asked, k: store.get("k_here") };
      const reply = await store.ask({ kind: "means", question });
      const { mean, low, high, worth, note, effective_n } = reply;
      const ends = [low, high].map((end) => end && decode_as(end, "float64"));
      const [lower = null, upper = null] = ends;
      const found = {
        mean: decode_as(mean, "float64"),
        low: lower,
        high: upper,
        effective_n,
        worth,
        note,
      };
      store.set({ means: { asked, ...found, error: "" } });
    } catch (error) {
      if (error instanceof Dropped) return;
      const nothing = { mean: null, low: null, high: null, effective_n: 0, worth: "", note: "" };
      store.set({ means: { asked, ...nothing, error: words(error) } });
    }
  };
  at_rest(
    store,
    ["means_question", "items", "about", "ranked", "used_rows", "kernel_gone"],
    () => {
      const question = store.get("means_question");
      // What is worked out here still has its interval from the kernel.
      const here = store.get("mean_here") && !store.get("ranking")?.probability;
      const known = is_answered(store.get("means"), question);
      if (here || known || !store.get("ranked") || !store.get("layer_info")) return;
      if (store.get("used_rows").length > 0) void fetch(question);
    },
    signal,
  );
}

function keep_told(store: LensStore, signal: AbortSignal): void {
  const fetch = async (asked: Question): Promise<void> => {
    try {
      const { answer } = await store.ask({ kind: "answer", question: asked });
      store.set({ told: { asked, figures: read_answer(answer), error: "" } });
    } catch (error) {
      if (error instanceof Dropped) return;
      store.set({ told: { asked, figures: null, error: words(error) } });
    }
  };
  at_rest(
    store,
    ["question", "items", "layer_info", "ranked", "kernel_gone"],
    () => {
      const info = store.get("layer_info");
      const question = store.get("question");
      const known = is_answered(store.get("told"), question);
      if (info && !info.in_browser && store.get("ranked") && !known) void fetch(question);
    },
    signal,
  );
}

function keep_near(store: LensStore, signal: AbortSignal): void {
  const fetch = async (row: number): Promise<void> => {
    let near: Near;
    try {
      const found = await store.ask({ kind: "neighbors", row, n: NEIGHBORS });
      const rows = decode_as(found.rows, "uint32");
      near = { row, rows, distance: decode_as(found.distance, "float32"), error: "" };
    } catch (error) {
      if (error instanceof Dropped) return;
      const none = { rows: new Uint32Array(0), distance: new Float32Array(0) };
      near = { row, ...none, error: words(error) };
    }
    if (store.get("focus") === row) store.set({ near });
  };
  store.watch(
    ["focus"],
    () => {
      const row = store.get("focus");
      if (row === (store.get("near")?.row ?? -1)) return;
      store.set({ near: null });
      if (row >= 0) void fetch(row);
    },
    signal,
  );
}

function keep_quality(store: LensStore, signal: AbortSignal): void {
  const known = new Map<string, QualityReply>();
  let items = store.get("items");
  let open = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  const is_asked = (key: string): boolean => quality_key(store.get("quality_question")) === key;

  const fetch = async (asked: QualityQuestion): Promise<void> => {
    const key = quality_key(asked);
    const of_these = store.get("items");
    open = key;
    const take = (reply: QualityReply): void => {
      if (store.get("items") !== of_these) return;
      known.set(key, reply);
      if (is_asked(key)) store.set({ quality: { asked, reply, error: "" } });
    };
    try {
      take(await store.ask({ kind: "quality", ...asked }, undefined, take));
    } catch (error) {
      if (error instanceof Dropped || !is_asked(key)) return;
      const last = store.get("quality") ?? { asked, reply: null };
      store.set({ quality: { ...last, error: words(error) } });
    } finally {
      if (open === key) open = "";
    }
  };
  store.watch(
    ["quality_question", "quality_views", "items", "kernel_gone", "dragging"],
    () => {
      clearTimeout(timer);
      if (store.get("items") !== items) known.clear();
      items = store.get("items");
      const asked = store.get("quality_question");
      if (!asked || store.get("quality_views") === 0) return;
      const key = quality_key(asked);
      const reply = known.get(key);
      const shown = store.get("quality")?.reply === reply;
      if (reply && !shown) store.set({ quality: { asked, reply, error: "" } });
      const busy = store.get("kernel_gone") || store.get("dragging") || open === key;
      if (!reply?.done && !busy) timer = setTimeout(() => void fetch(asked), QUALITY_REST_MS);
    },
    signal,
  );
  on_end(signal, () => clearTimeout(timer));
}

/** One name for all that the quality of a sample depends on. */
export function quality_key(asked: QualityQuestion | null): string {
  if (!asked) return "";
  const { sampler, j, fraction, by, k, added } = asked;
  return [sampler, j, fraction, by, k, added ? decode_as(added, "uint32") : ""].join(" ");
}

function is_answered(newest: Means | Told | null, question: Question): boolean {
  return newest?.asked === question && newest.error === "";
}

/** Read the kernel's answer as it travels. */
export function read_answer(answer: Answer): Figures {
  return {
    ...answer,
    counts: decode_as(answer.counts, "uint32"),
    exact_counts: decode_as(answer.exact_counts, "uint32"),
    mean: answer.mean && decode_as(answer.mean, "float64"),
    exact_mean: answer.exact_mean && decode_as(answer.exact_mean, "float64"),
  };
}
