import { draw_bars, draw_overlay, type Sign } from "../attribution";
import { decode_as, encode } from "../codec";
import { h, on, set_text } from "../dom";
import { draw_picture } from "../pictures";
import type { ItemReply, SaliencyMethod, SaliencyReply, SaliencyRequest } from "../protocol.gen";
import { Dropped, words } from "../rpc";
import type { Store } from "../store";
import { class_name, percent, short, unit_noun } from "../words";
import { make_card } from "./card";
import type { Pane } from "./pane";

/** The picture's longer side in CSS pixels. */
const SIZE = 256;

const METHODS: readonly (readonly [SaliencyMethod | "", string, string])[] = [
  ["", "none", ""],
  [
    "gradient_x_input",
    "gradient × input",
    "Gradient times input need not add up where the model bends.",
  ],
  [
    "integrated_gradients",
    "integrated gradients",
    "Integrated gradients add up but for the steps of the path.",
  ],
  ["occlusion", "occlusion", "Occlusion need not add up where pixels act together."],
];

/** One item by itself: what it is, what the model says of it, and what in it speaks for that. */
export const closeup: Pane = (el, store, signal) => {
  const card = make_card(el, "Item");
  const close = h("button", { type: "button", title: "Close the item" }, "×");
  close.setAttribute("aria-label", "Close the item");
  el.querySelector("header")?.append(h("span", { className: "ll-push" }), close);
  const figure = h("div", { className: "ll-figure" });
  const facts = h("dl", { className: "ll-item-facts" });
  const method = menu(
    "Attribution",
    METHODS.map(([value, title]) => [value, title]),
  );
  const target = menu("of", []);
  const sign = menu("Show", [
    ["both", "for and against"],
    ["for", "what speaks for it"],
    ["against", "what speaks against it"],
  ]);
  const opacity = h("input", { type: "range", min: "0", max: "1", step: "0.05", value: "0.75" });
  const strength = field("Overlay", opacity);
  const bar = h("progress", { max: 1 });
  bar.setAttribute("aria-label", "Progress of the attribution");
  const stop = h("button", { type: "button" }, "Stop");
  const working = h("span", { className: "ll-item-working", hidden: true }, bar, stop);
  const said = h("p", { className: "ll-item-said", role: "status" });
  const why = h("p", { className: "ll-item-said" });
  const controls = h(
    "div",
    { className: "ll-item-controls" },
    method.label,
    target.label,
    sign.label,
    strength,
    working,
  );
  card.body.append(figure, h("div", { className: "ll-item-side" }, facts, controls, why, said));

  let row = -1;
  let items = store.get("items");
  /** Whether the click on the map came after the selection. */
  let by_focus = false;
  let asked = 0;
  /** What the newest attribution was asked of. */
  let aimed_at = "";
  let known: ItemReply | null = null;
  let found: SaliencyReply | null = null;

  const draw_figure = (): void => {
    const picture = known?.picture ?? store.picture(row);
    const map = found && decode_as(found.map, "float32");
    const shape = found?.map.shape ?? [];
    const shown = draw_picture(picture, SIZE);
    shown.classList.add("ll-large");
    const parts: Node[] = [h("div", { className: "ll-layers" }, shown)];
    if (map && shape.length === 2) {
      const over = draw_overlay(map, shape, SIZE, sign.value as Sign);
      over.style.opacity = opacity.value;
      over.setAttribute("aria-label", label_of(found!, map));
      parts[0]!.appendChild(over);
    } else if (map) parts.push(draw_bars(map, SIZE, sign.value as Sign, label_of(found!, map)));
    if (map) parts.push(legend(map, found!.of));
    figure.replaceChildren(...parts);
    for (const part of [sign.label, strength]) part.hidden = !found;
    strength.hidden ||= shape.length !== 2;
  };

  const draw = (): void => {
    el.hidden = row < 0;
    if (row < 0) return;
    card.n(`#${store.get("ids")?.[row] ?? row}`);
    facts.replaceChildren(...fact_list(store, row, known));
    const { about, kernel_gone } = {
      about: store.get("about"),
      kernel_gone: store.get("kernel_gone"),
    };
    const none = about?.no_saliency || (kernel_gone ? GONE : "");
    set_text(why, none);
    controls.hidden = none !== "" && !found;
    method.select.disabled = target.select.disabled = none !== "";
    set_options(target.select, targets(store, row));
    draw_figure();
  };

  const explain = async (): Promise<void> => {
    const mine = ++asked;
    const aim = aim_of(store, target.value);
    aimed_at = JSON.stringify(aim);
    found = null;
    set_text(said, "");
    draw_figure();
    const how = method.value as SaliencyMethod;
    if (!how || row < 0) return;
    try {
      const reply = await store.ask({ kind: "saliency", row, method: how, ...aim });
      if (signal.aborted || mine !== asked) return;
      found = reply;
      set_text(said, completeness(reply));
    } catch (error) {
      if (signal.aborted || mine !== asked) return;
      set_text(said, error instanceof Dropped ? "Stopped." : `No attribution: ${words(error)}`);
    }
    draw_figure();
  };

  const look = async (): Promise<void> => {
    const [picked, focus] = [store.get("picked"), store.get("focus")];
    const wanted = picked.length === 1 && !by_focus ? picked[0]! : focus;
    const of_items = store.get("items");
    if (wanted === row && of_items === items) return;
    row = wanted;
    items = of_items;
    known = null;
    draw();
    void explain();
    if (row < 0) return;
    try {
      const reply = await store.ask({ kind: "item", row });
      if (signal.aborted || reply.row !== row || items !== of_items) return;
      known = reply;
      draw();
    } catch {
      // What is known without the kernel stands there already.
    }
  };

  const chosen = (): void => {
    if (store.get("picked").length === 1) by_focus = false;
  };
  const clicked = (): void => {
    by_focus = store.get("focus") >= 0;
  };
  store.watch(["picked"], chosen, signal);
  store.watch(["focus"], clicked, signal);
  store.watch(["picked", "focus", "items"], () => void look(), signal);
  store.watch(["about", "kernel_gone", "unit", "layer", "pictures"], draw, signal);
  const aim_again = (): void => {
    if (row >= 0 && JSON.stringify(aim_of(store, target.value)) !== aimed_at) void explain();
  };
  store.watch(["about", "unit", "layer"], aim_again, signal);
  store.watch(
    ["waiting"],
    () => {
      const waiting = store.get("waiting").saliency;
      working.hidden = !waiting;
      if (waiting?.total) bar.value = waiting.done / waiting.total;
      else bar.removeAttribute("value");
    },
    signal,
  );
  on(method.select, "change", () => void explain(), signal);
  on(target.select, "change", () => void explain(), signal);
  on(sign.select, "change", draw_figure, signal);
  on(opacity, "input", draw_figure, signal);
  on(
    stop,
    "click",
    () => void store.ask({ kind: "cancel", what: "saliency" }).catch(() => {}),
    signal,
  );
  on(
    close,
    "click",
    () => {
      if (store.get("picked").length === 1) store.set({ selection: encode(new Uint32Array(0)) });
      store.set({ focus: -1 });
    },
    signal,
  );
};

const GONE = "Attributions need the kernel, which has gone.";

interface Menu {
  label: HTMLElement;
  select: HTMLSelectElement;
  readonly value: string;
}

function menu(caption: string, options: (readonly [string, string])[]): Menu {
  const select = h("select", {});
  set_options(select, options);
  return {
    label: field(caption, select),
    select,
    get value() {
      return select.value;
    },
  };
}

function field(caption: string, control: HTMLElement): HTMLElement {
  return h("label", { className: "ll-field" }, h("span", {}, caption), control);
}

/** Put options in place of the old ones, keeping the choice where it is still there. */
function set_options(select: HTMLSelectElement, options: (readonly [string, string])[]): void {
  const before = select.value;
  select.replaceChildren(...options.map(([value, title]) => h("option", { value }, title)));
  if (options.some(([value]) => value === before)) select.value = before;
}

/** What an attribution is asked of, by what the menu says. */
function aim_of(store: Store, target: string): Pick<SaliencyRequest, "target" | "layer" | "unit"> {
  if (target !== "unit") return { target, layer: "", unit: -1 };
  return { target: "pred", layer: store.get("layer"), unit: store.get("unit") };
}

/** What can be attributed: the predicted and the true class, and the unit that was picked. */
function targets(store: Store, row: number): (readonly [string, string])[] {
  const [pred, truth] = [store.get("pred")[row] ?? -1, store.get("truth")[row] ?? -1];
  const unit = store.get("unit");
  return [
    ["pred", pred < 0 ? "predicted class" : `predicted class ${class_name(store, pred)}`],
    ...(truth < 0 ? [] : [["label", `true class ${class_name(store, truth)}`] as const]),
    ...(unit < 0
      ? []
      : [
          [
            "unit",
            `${unit_noun(store.get("layer_info"))} ${unit} of ${store.get("layer")}`,
          ] as const,
        ]),
  ];
}

function fact_list(store: Store, row: number, known: ItemReply | null): HTMLElement[] {
  const said = (number: number | undefined): string =>
    number === undefined || number < 0 ? "unknown" : class_name(store, number);
  const loss = store.get("loss")?.[row];
  const likely = known?.classes.map(
    (number, at) => `${class_name(store, number)}: ${percent(known.probability[at]!)}`,
  );
  const facts: [string, string | undefined][] = [
    ["true", said(store.get("truth")[row])],
    ["predicted", said(store.get("pred")[row])],
    ["loss", loss === undefined || Number.isNaN(loss) ? undefined : `${short(loss)} nats`],
    ["probability", likely?.join(", ") || undefined],
    ...(known?.metadata ?? []).map(([name = "", value]): [string, string | undefined] => [
      name,
      value,
    ]),
  ];
  return facts.flatMap(([name, value]) =>
    value === undefined ? [] : [h("dt", {}, name), h("dd", {}, value)],
  );
}

/** What the attributions add up to, and what they should. */
function completeness({ method, of, score, baseline_score, total, error }: SaliencyReply): string {
  const due = score - baseline_score;
  const share = due === 0 ? "" : ` (${percent(Math.abs(error / due))} of it)`;
  const side = due < 0 ? "below" : "above";
  const note = METHODS.find(([name]) => name === method)![2];
  return (
    `Attributions for ${of} add up to ${short(total)}; its score is ${short(Math.abs(due))} ${side} that of an ` +
    `input of zeros. Completeness error ${short(error)}${share}. ${note}`
  );
}

function label_of({ method, of }: SaliencyReply, map: Float32Array): string {
  const [low, high] = [
    map.reduce((a, b) => Math.min(a, b), 0),
    map.reduce((a, b) => Math.max(a, b), 0),
  ];
  return `${method.replaceAll("_", " ")} for ${of}: from ${short(low)} to ${short(high)}`;
}

/** The scale's colours with what they stand for. */
function legend(map: Float32Array, of: string): HTMLElement {
  const most = map.reduce((a, b) => Math.max(a, Math.abs(b)), 0);
  return h(
    "div",
    { className: "ll-item-legend" },
    h("span", {}, `${short(-most)} against ${of}`),
    h("i", { className: "ll-diverging" }),
    h("span", {}, `+${short(most)} for ${of}`),
  );
}
