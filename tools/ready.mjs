#!/usr/bin/env node
// Makes the checkout ready to run: installs packages when the lock file changed, compiles and bundles what changed,
// and bundles the UI when its sources changed. Prints only what it does; `--quiet` prints nothing.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const quiet = process.argv.includes("--quiet");
const stampDir = join(root, "node_modules", ".deucalion");

/** Reads a stamp: the hash of the input that the last successful step saw. */
function stamped(name) {
  const file = join(stampDir, name);
  return existsSync(file) ? readFileSync(file, "utf8") : "";
}

function stamp(name, value) {
  mkdirSync(stampDir, { recursive: true });
  writeFileSync(join(stampDir, name), value);
}

function run(step, command, args) {
  if (!quiet) console.error(`ready: ${step}`);
  const done = spawnSync(command, args, { cwd: root, stdio: ["ignore", quiet ? "pipe" : 2, 2] });
  if (done.status !== 0) {
    if (quiet && done.stdout) process.stderr.write(done.stdout);
    console.error(`ready: ${step} failed (${command} ${args.join(" ")})`);
    process.exit(1);
  }
}

/** Files below `dir`, with size and time of change: enough to know that something changed. */
function fingerprint(dirs, skip) {
  const hash = createHash("sha256");
  const walk = (dir) => {
    for (const entry of readdirSync(dir, { withFileTypes: true }).sort((a, b) =>
      a.name < b.name ? -1 : 1,
    )) {
      if (skip.has(entry.name)) continue;
      const file = join(dir, entry.name);
      if (entry.isDirectory()) walk(file);
      else {
        const { size, mtimeMs } = statSync(file);
        hash.update(`${file}\0${size}\0${mtimeMs}\n`);
      }
    }
  };
  for (const dir of dirs) if (existsSync(join(root, dir))) walk(join(root, dir));
  return hash.digest("hex");
}

const lock = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
if (stamped("lock") !== lock) {
  run("npm ci", "npm", ["ci", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]);
  stamp("lock", lock);
}

const skip = new Set(["dist", "node_modules", "testdata"]);
const sources = fingerprint(
  ["lib", "app", "test", "bench", "tsconfig.base.json"].filter((d) => !d.endsWith(".json")),
  skip,
);
if (stamped("sources") !== sources || !existsSync(join(root, "app/dist/src/main.js"))) {
  run("tsc -b", join(root, "node_modules/.bin/tsc"), ["-b"]);
  stamp("sources", sources);
}

// Code caches are good for one version of Node.
const bundled = createHash("sha256").update(sources).update(process.version);
for (const name of ["bundle.mjs", "bundle-main.cjs", "warm-caches.mjs", "warm-cache.cjs"])
  bundled.update(readFileSync(join(root, "tools", name)));
const bundle = bundled.digest("hex");
if (stamped("bundle") !== bundle || !existsSync(join(root, "app/dist/bundle/main.js"))) {
  run("bundle", process.execPath, [join(root, "tools/bundle.mjs")]);
  stamp("bundle", bundle);
}

// The UI bundles the de-duplication of lib/model.
const ui = fingerprint(["ui", "lib/model/src"], skip);
if (stamped("ui") !== ui || !existsSync(join(root, "ui/dist"))) {
  run("vite build", "npm", ["run", "--silent", "build", "--workspace=ui"]);
  stamp("ui", ui);
}
