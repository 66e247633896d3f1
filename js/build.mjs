// Bundles the widget into latentlens/static/, or the play page into play/build/.
import { copyFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as esbuild from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const watch = process.argv.includes("--watch");
const play = process.argv.includes("--play");

const shared = {
  bundle: true,
  target: "es2022",
  minify: !watch,
  sourcemap: watch ? "inline" : false,
  // JupyterLab has a global AMD loader, with which UMD packages would register.
  define: { "define.amd": "false" },
  legalComments: "none",
  logLevel: "info",
};

const widget = {
  ...shared,
  format: "esm",
  entryPoints: [
    { in: join(here, "src", "index.ts"), out: "widget" },
    { in: join(here, "src", "style.css"), out: "widget" },
  ],
  outdir: join(here, "..", "latentlens", "static"),
};

const exported = {
  ...shared,
  format: "iife",
  entryPoints: [
    { in: join(here, "src", "page", "page.ts"), out: "page" },
    { in: join(here, "src", "page", "page.css"), out: "page" },
  ],
  outdir: join(here, "..", "latentlens", "static"),
};

const play_page = {
  ...shared,
  // A module script cannot be loaded from file://.
  format: "iife",
  entryPoints: [
    { in: join(here, "play", "play.ts"), out: "play" },
    { in: join(here, "src", "style.css"), out: "widget" },
  ],
  outdir: join(here, "play", "build"),
};

if (watch) {
  await (await esbuild.context(widget)).watch();
  await (await esbuild.context(exported)).watch();
} else if (play) {
  await esbuild.build(play_page);
} else {
  await Promise.all([widget, exported].map((files) => esbuild.build(files)));
}
if (play) {
  await copyFile(join(here, "play", "index.html"), join(here, "play", "build", "index.html"));
}
