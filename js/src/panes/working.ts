import { h, on, set_text } from "../dom";
import { percent } from "../words";
import type { Pane } from "./pane";

/** What stands in the lens's place until there is something to show. */
export const working: Pane = (el, store, signal) => {
  const title = h("p", { className: "ll-working-title" });
  const bar = h("progress", { max: 1 });
  bar.setAttribute("aria-label", "Progress");
  const share = h("span", { className: "ll-value" });
  const stop = h("button", { type: "button" }, "Stop");
  el.append(title, h("div", { className: "ll-working-bar" }, bar, share, stop));

  store.watch(
    ["status", "doing", "progress", "kernel_gone", "error"],
    () => {
      const running = store.get("status") === "running" && !store.get("kernel_gone");
      const progress = store.get("progress");
      set_text(title, words_for(store.get("status"), store.get("doing")));
      set_text(share, running && progress > 0 ? percent(progress) : "");
      if (progress > 0) bar.value = progress;
      else bar.removeAttribute("value");
      bar.hidden = !running;
      stop.hidden = !running;
    },
    signal,
  );
  const cancel = (): void => {
    stop.disabled = true;
    store
      .ask({ kind: "cancel" })
      .catch(() => {})
      .finally(() => {
        stop.disabled = false;
      });
  };
  on(stop, "click", cancel, signal);
};

function words_for(status: string, doing: string): string {
  if (status === "failed") return "There is nothing to show.";
  if (status === "stopped") return "Stopped before there was anything to show.";
  if (status === "waiting") return doing || "Waiting for the kernel.";
  return doing || "Working.";
}
