/** The panes on made-up state in a plain page; `?width=420&theme=dark&state=running` sets the scene. */

import { encode } from "../src/codec";
import { h } from "../src/dom";
import define from "../src/index";
import type { Request, State } from "../src/protocol.gen";
import { write_members } from "../src/query";
import { write_roles } from "../src/sample";
import { FakeModel } from "./fake_model";
import { CLASSES, type MadeUp, made_up_quality, make_up, WIDTHS } from "./made_up";

const query = new URLSearchParams(location.search);
const made = make_up(Number(query.get("n") ?? 2000));

function answer(request: Request) {
  switch (request.kind) {
    case "hello":
    case "cancel":
      return { kind: "ok" as const };
    case "layer":
      return made.layer(request.layer);
    case "latent": {
      const name = made.state.about!.latent_layer;
      return {
        kind: "latent" as const,
        latent: encode(made.activations(name), [made.label.length, WIDTHS[name]!]),
      };
    }
    case "pictures":
      return { kind: "pictures" as const, pictures: request.rows.map(made.picture) };
    case "means":
      return means(request.question, made);
    case "quality":
      setTimeout(() => fake.reply({ ...made_up_quality(request, true), id: request.id }), 1500);
      return made_up_quality(request, false);
    default:
      return { kind: "error" as const, message: "The play page has no kernel to ask." };
  }
}

function means(
  question: Extract<Request, { kind: "means" }>["question"],
  { label, pred, state, activations }: MadeUp,
) {
  const roles = new Uint8Array(label.length);
  const member = new Uint8Array(label.length);
  const ranked = store_ranking(state);
  write_roles(ranked, question.fraction, question.j, roles);
  const { by, correctness } = question;
  write_members(
    label,
    pred,
    { label_class: CLASSES.indexOf(question.label), by, correctness, selection: null },
    member,
  );
  const units = WIDTHS[question.layer]!;
  const values = activations(question.layer);
  const mean = new Float64Array(units);
  let n_used = 0;
  roles.forEach((role, row) => {
    if (!role || !member[row]) return;
    n_used += 1;
    for (let u = 0; u < units; u++) mean[u]! += values[row * units + u]!;
  });
  return {
    kind: "means" as const,
    mean: encode(mean.map((sum) => sum / n_used)),
    n_used,
    exact: null,
    low: null,
    high: null,
    worth: "",
    note: `ran the model on ${n_used} items; 3.1 of 256 MB held`,
  };
}

function store_ranking({ ranked }: State) {
  const view = (array: { data: DataView }) =>
    [array.data.buffer as ArrayBuffer, array.data.byteOffset] as const;
  return {
    group: new Uint16Array(...view(ranked!.group)),
    rank: new Uint32Array(...view(ranked!.rank)),
    group_size: new Uint32Array(...view(ranked!.group_size)),
    log_ratio: new Float64Array(...view(ranked!.log_ratio)),
    uses_j: ranked!.uses_j,
    probability: ranked!.probability,
    weighted: ranked!.weighted,
    allocation: ranked!.allocation,
    floor: ranked!.floor,
  };
}

/** Scenes that a kernel would set. */
const SCENES: Record<string, Partial<State>> = {
  ready: {},
  running: {
    status: "running",
    doing: "Running MadeUpNet over the data: 640 of 2,000 items",
    progress: 0.32,
    about: null,
    items: null,
    points: null,
    ranked: null,
  },
  layout: { status: "running", doing: "t-SNE: step 250 of 750", progress: 0.33 },
  failed: {
    status: "failed",
    error: "MadeUpNet has no layer 'fc9'; the nearest names are 'fc1', 'fc2', 'fc3'.",
    about: null,
    items: null,
    points: null,
    ranked: null,
  },
  error: { error: "The ranking could not be made: there is one class only." },
  empty: { label: "seven", correctness: "incorrect", fraction: 0.01, j: 0 },
  wide: { layer: "conv2.relu" },
  count: { layer: "fc1.relu", measure: "count", fraction: 0.2 },
  unit: { unit: 31, color_by: "unit", label: "two" },
  missing: { fraction: 0.01, j: 0 },
  random: { sampler: "random" },
  compare: { label: "seven", correctness: "incorrect" },
  stopped: { status: "stopped" },
};

const state = { ...made.state, ...SCENES[query.get("state") ?? "ready"] };
const fake = new FakeModel(state, answer);
const main = document.querySelector("main")!;
main.style.width = query.has("width") ? `${query.get("width")}px` : "auto";
document.body.dataset.theme = query.get("theme") ?? "light";

const theme = h("button", { type: "button" }, "light / dark");
theme.addEventListener("click", () => {
  document.body.dataset.theme = document.body.dataset.theme === "dark" ? "light" : "dark";
});
const gone = h("button", { type: "button" }, "lose the kernel");
gone.addEventListener("click", () => fake.trigger("comm:close"));
const scenes = Object.keys(SCENES).map((name) => h("a", { href: `?state=${name}` }, name));
document.querySelector("nav")!.append(theme, gone, ...scenes);

const { initialize, render } = define();
const { signal } = new AbortController();
const props = { model: fake.model, signal } as unknown as Parameters<typeof initialize>[0];
initialize(props);
render({ ...props, el: main } as unknown as Parameters<typeof render>[0]);
if (query.has("compare")) {
  const chosen = query.get("compare") ?? "";
  setTimeout(() => {
    const select = [...main.querySelectorAll("select")].find((el) => el.value === "nothing")!;
    select.value = chosen;
    select.dispatchEvent(new Event("change", { bubbles: true }));
  }, 300);
}
if (query.has("gone")) setTimeout(() => fake.trigger("comm:close"), 600);
