#!/usr/bin/env node
// Makes the checkout ready to run: installs packages when the lock file changed, compiles and bundles what changed,
// and bundles the UI when its sources changed. Prints only what it does; `--quiet` prints nothing.
// Of several at once, as when services are started side by side, one does the work and the others wait for it.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
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

/** Outside of the checkout: installing packages empties node_modules. */
const owner = createHash("sha256").update(`${root}\0${process.getuid?.()}`).digest("hex");
const lockFile = join(tmpdir(), `deucalion-ready-${owner.slice(0, 16)}`);
/** Nobody takes so long; the lock is somebody's who is not there any more. */
const lockMs = 900_000;
let locked = false;

function sleep(ms) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/** True if whoever made the lock is not there any more. */
function isLeft() {
  try {
    const pid = Number(readFileSync(lockFile, "utf8"));
    const age = Date.now() - statSync(lockFile).mtimeMs;
    // Made, but not written yet.
    if (pid === 0) return age > 10_000;
    process.kill(pid, 0);
    // Numbers of processes come again.
    const other = `/proc/${pid}/cmdline`;
    return (
      age > lockMs || (existsSync(other) && !readFileSync(other, "utf8").includes("ready.mjs"))
    );
  } catch (error) {
    return error.code === "ESRCH";
  }
}

/** Waits until nobody else makes this checkout ready. Where no lock can be made there is none. */
function lock() {
  while (!locked) {
    try {
      writeFileSync(lockFile, String(process.pid), { flag: "wx" });
      process.on("exit", () => rmSync(lockFile, { force: true }));
    } catch (error) {
      if (error.code === "EEXIST") {
        if (isLeft()) rmSync(lockFile, { force: true });
        else sleep(100);
        continue;
      }
    }
    locked = true;
  }
}

/** Whether a step has to be done, asked again once nobody else can be doing it. */
function isDue(due) {
  if (!due()) return false;
  lock();
  return due();
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

const lockHash = createHash("sha256")
  .update(readFileSync(join(root, "package-lock.json")))
  .digest("hex");
if (isDue(() => stamped("lock") !== lockHash)) {
  run("npm ci", "npm", ["ci", "--no-audit", "--no-fund", "--prefer-offline", "--loglevel=error"]);
  stamp("lock", lockHash);
}

const skip = new Set(["dist", "node_modules", "testdata"]);
const sources = fingerprint(
  ["lib", "app", "test", "bench", "tsconfig.base.json"].filter((d) => !d.endsWith(".json")),
  skip,
);
const isThere = (path) => existsSync(join(root, path));
if (isDue(() => stamped("sources") !== sources || !isThere("app/dist/src/main.js"))) {
  run("tsc -b", join(root, "node_modules/.bin/tsc"), ["-b"]);
  stamp("sources", sources);
}

// Code caches are good for one version of Node.
const bundled = createHash("sha256").update(sources).update(process.version);
for (const name of [
  "bundle.mjs",
  "bundle-main.cjs",
  "warm-caches.mjs",
  "warm-writes.mjs",
  "warm-cache.cjs",
  "warm-worker.cjs",
])
  bundled.update(readFileSync(join(root, "tools", name)));
const bundle = bundled.digest("hex");
if (isDue(() => stamped("bundle") !== bundle || !isThere("app/dist/bundle/main.js"))) {
  run("bundle", process.execPath, [join(root, "tools/bundle.mjs")]);
  stamp("bundle", bundle);
}

// The UI bundles the de-duplication of lib/model.
const ui = fingerprint(["ui", "lib/model/src"], skip);
if (isDue(() => stamped("ui") !== ui || !isThere("ui/dist"))) {
  run("vite build", "npm", ["run", "--silent", "build", "--workspace=ui"]);
  stamp("ui", ui);
}
