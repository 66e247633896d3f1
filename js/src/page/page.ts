/** Shows the lens of an exported page; the widget's bundle hands itself over. */

import type widget from "../index";
import type { PageContents } from "../protocol.gen";
import { words } from "../rpc";
import { Host } from "./host";

type Widget = typeof widget;

declare global {
  var latentlens_page: (widget: Widget) => Promise<void>;
}

globalThis.latentlens_page = async (widget) => {
  const el = document.getElementById("lens")!;
  watch_theme(document.getElementById("theme") as HTMLButtonElement);
  try {
    const contents = JSON.parse(text_of("contents")) as PageContents;
    const model = await new Host(contents, (block) => text_of(`block-${block}`)).model();
    const { signal } = new AbortController();
    const { initialize, render } = widget();
    const props = { model, signal } as unknown as Parameters<typeof initialize>[0];
    el.replaceChildren();
    initialize(props);
    render({ ...props, el } as unknown as Parameters<typeof render>[0]);
  } catch (error) {
    el.replaceChildren(`This page could not be shown: ${words(error)}`);
  }
};

function text_of(id: string): string {
  const found = document.getElementById(id);
  if (!found) throw new Error("The page is damaged: a part of it is missing.");
  return found.textContent ?? "";
}

/** The page follows the system's scheme until its reader chooses the other. */
function watch_theme(button: HTMLButtonElement): void {
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const now = (): string => root.dataset.theme ?? (dark.matches ? "dark" : "light");
  const show = (): void => {
    button.textContent = now() === "dark" ? "Light" : "Dark";
    button.title = `Show the page in ${now() === "dark" ? "light" : "dark"} colours`;
  };
  button.hidden = false;
  button.addEventListener("click", () => {
    root.dataset.theme = now() === "dark" ? "light" : "dark";
    show();
  });
  dark.addEventListener("change", show);
  show();
}
