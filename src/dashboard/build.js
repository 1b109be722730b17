// Builds the page into src/procpulse/web/static, or into the folder that is named.
//
//   node build.js [FOLDER]

import { cp, mkdir, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = dirname(fileURLToPath(import.meta.url));
const target = resolve(process.argv[2] ?? join(here, "../procpulse/web/static"));

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await build({
  absWorkingDir: here,
  entryPoints: [
    { in: "view/main.js", out: "app" },
    { in: "view/app.css", out: "app" },
  ],
  bundle: true,
  minify: true,
  format: "esm",
  target: ["es2022", "chrome105", "firefox110", "safari16"],
  legalComments: "inline",
  outdir: target,
  logLevel: "warning",
});
// The page last: where it is, all of it is.
await cp(join(here, "view/icon.svg"), join(target, "icon.svg"));
await cp(join(here, "view/index.html"), join(target, "index.html"));
