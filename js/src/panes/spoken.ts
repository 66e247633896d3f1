import { h, on_end, set_text } from "../dom";
import type { Store } from "../store";
import { count, sample_words } from "../words";
import type { Pane } from "./pane";

/** How long nothing may change before it is said: a slider's every step would be a din. */
const REST_MS = 700;

/** What has changed, said to those who hear the page: at rest, and each thing once. */
export const spoken: Pane = (el, store, signal) => {
  const said = h("p", { className: "ll-unseen", role: "status" });
  el.append(said);
  let last = sentences(store);
  let timer: ReturnType<typeof setTimeout> | undefined;
  const say = (): void => {
    const now = sentences(store);
    const news = now.filter((sentence, i) => sentence !== last[i] && sentence !== "");
    last = now;
    if (news.length > 0) set_text(said, news.join(" "));
  };
  store.watch(
    ["status", "counts", "ranked", "picked", "layer", "answer", "dragging", "points"],
    () => {
      clearTimeout(timer);
      if (!store.get("dragging")) timer = setTimeout(say, REST_MS);
    },
    signal,
  );
  on_end(signal, () => clearTimeout(timer));
};

/** One sentence on each thing, empty where there is nothing to say of it. */
function sentences(store: Store): string[] {
  const n_picked = store.get("picked").length;
  const points = store.get("points");
  return [
    STATUS[store.get("status")] ?? "",
    store.get("ranked") ? `${sample_words(store)}.` : "",
    n_picked > 0 ? `${count(n_picked, "item")} selected.` : "Nothing is selected.",
    store.get("answer") ? `The figures show layer ${store.get("layer")}.` : "",
    points?.done ? `The map is laid out by ${points.projection}.` : "",
  ];
}

const STATUS: Partial<Record<string, string>> = {
  running: "The model reads the data.",
  ready: "The data has been read.",
  stopped: "Reading was stopped.",
};
