import { h, on } from "../dom";
import type { Store } from "../store";
import type { Pane } from "./pane";

interface Notice {
  tone: "error" | "warning" | "plain";
  title: string;
  text: string;
}

/** What went wrong or should be known, in words; each can be put away. */
export const notices: Pane = (el, store, signal) => {
  const put_away = new Set<string>();
  el.setAttribute("role", "status");

  const draw = (): void => {
    const shown = collect(store).filter(({ text }) => !put_away.has(text));
    el.replaceChildren(
      ...shown.map(({ tone, title, text }) =>
        h(
          "div",
          { className: "ll-notice", data: { tone } },
          h("b", {}, title),
          h("span", {}, text),
          h("button", { type: "button", aria: { label: `Put away: ${title}` }, value: text }, "×"),
        ),
      ),
    );
  };

  store.watch(["error", "status", "kernel_gone", "kernel_slow", "about", "ranked"], draw, signal);
  on(
    el,
    "click",
    ({ target }) => {
      const { value } = target as HTMLButtonElement;
      if (!value) return;
      put_away.add(value);
      draw();
    },
    signal,
  );
};

function collect(store: Store): Notice[] {
  const found: Notice[] = [];
  const error = store.get("error");
  if (error) found.push({ tone: "error", title: "Something went wrong", text: error });
  if (store.get("kernel_gone")) {
    found.push({
      tone: "warning",
      title: "Kernel gone",
      text:
        "The kernel that made this lens was restarted or has gone. What is here still works; " +
        "other samplers, layers, layouts and pictures need the cell to be run again.",
    });
  } else if (store.get("kernel_slow")) {
    found.push({
      tone: "plain",
      title: "No answer yet",
      text: "The kernel has been silent for a while: it is busy with a cell, or gone. What is here works meanwhile.",
    });
  }
  if (store.get("status") === "stopped") {
    found.push({
      tone: "plain",
      title: "Stopped",
      text: "The pass was stopped; what was done until then is shown.",
    });
  }
  const notes = [...(store.get("about")?.notes ?? []), ...(store.get("ranked")?.notes ?? [])];
  for (const note of notes) {
    found.push({ tone: "plain", title: "Note", text: note });
  }
  return found;
}
