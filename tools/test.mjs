#!/usr/bin/env node
// Runs every test below dist with node's test runner, or those whose path contains an argument:
// `npm test -- tsdb/index`. Ends with the plain line "N passed, N failed".
import { spawn } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const wanted = process.argv.slice(2).filter((a) => !a.startsWith("--"));

/** Where a compiled test comes from; one whose source was moved may still lie in dist. */
const sourceOf = (file) =>
  join(
    root,
    relative(root, file)
      .replace("/dist/", "/")
      .replace(/^ui.unit/, "ui/src"),
  ).replace(/js$/, "ts");

function testsBelow(dir, found) {
  for (const entry of readdirSync(dir, { withFileTypes: true })) {
    if (entry.name === "node_modules" || (entry.name === "src" && !dir.endsWith("dist"))) continue;
    const file = join(dir, entry.name);
    if (entry.isDirectory()) testsBelow(file, found);
    else if (entry.name.endsWith(".test.js") && existsSync(sourceOf(file))) found.push(file);
  }
  return found;
}

const name = (file) =>
  relative(root, file)
    .replace("/dist/src/", "/")
    .replace("/dist/", "/")
    .replace(/^lib\//, "");
const all = ["lib", "app", "ui", "test"].flatMap((dir) => testsBelow(join(root, dir), [])).sort();
const chosen =
  wanted.length === 0 ? all : all.filter((f) => wanted.some((w) => name(f).includes(w)));
if (chosen.length === 0) {
  console.error(`no test file matches ${wanted.join(" ")}`);
  process.exit(1);
}

const fileTimeoutMs = 900_000;
const slow = (file) => file.includes("/test/dist/");
const groups = [
  { files: chosen.filter((f) => !slow(f)), concurrency: 2 },
  { files: chosen.filter(slow), concurrency: 1 },
].filter((g) => g.files.length > 0);

/** Runs one group; resolves to the numbers that the runner's TAP summary gives. */
function runGroup({ files, concurrency }) {
  return new Promise((resolve) => {
    const child = spawn(
      process.execPath,
      [
        "--enable-source-maps",
        "--test",
        `--test-concurrency=${concurrency}`,
        // A file that hangs fails, instead of everything.
        `--test-timeout=${fileTimeoutMs}`,
        "--test-reporter=spec",
        "--test-reporter-destination=stderr",
        "--test-reporter=tap",
        "--test-reporter-destination=stdout",
        ...files,
      ],
      { cwd: root, stdio: ["ignore", "pipe", process.env.VERBOSE ? "inherit" : "pipe"] },
    );
    const count = { passed: 0, failed: 0, tests: 0 };
    const tail = [];
    child.stderr?.on("data", (data) => tail.push(data));
    createInterface({ input: child.stdout }).on("line", (line) => {
      const m = /^# (pass|fail|cancelled|tests) (\d+)$/.exec(line);
      if (m?.[1] === "pass") count.passed += Number(m[2]);
      else if (m?.[1] === "tests") count.tests += Number(m[2]);
      else if (m) count.failed += Number(m[2]);
    });
    child.on("close", (code) => {
      if (code !== 0) {
        const text = Buffer.concat(tail).toString();
        const at = text.lastIndexOf("failing tests:");
        process.stderr.write(at < 0 ? text : text.slice(at - 2));
        if (count.failed === 0) count.failed = 1;
      }
      resolve(count);
    });
  });
}

let passed = 0;
let failed = 0;
for (const group of groups) {
  const count = await runGroup(group);
  passed += count.passed;
  failed += count.failed;
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed === 0 && passed > 0 ? 0 : 1);
