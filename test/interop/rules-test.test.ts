// Unit tests of rules: `tools rules-test` and a real promtool agree which files succeed.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { promtoolBinary, repositoryRoot } from "../support/mod.ts";

const folder = join(repositoryRoot, "lib/rules/testdata/unit-tests");

test("rules-test and promtool end alike", () => {
  const files = readdirSync(folder).filter(
    (name) => name.endsWith(".test.yml") && !name.includes("new-"),
  );
  assert.ok(files.length >= 8);
  const promtool = promtoolBinary();
  const theirs = files.map(
    (name) => spawnSync(promtool, ["test", "rules", name], { cwd: folder }).status === 0,
  );
  assert.deepEqual(
    theirs,
    files.map((name) => !name.startsWith("fails-")),
  );
  const main = join(repositoryRoot, "app/dist/src/main.js");
  const args = [main, "tools", "rules-test", ...files];
  const { status, stdout } = spawnSync(process.execPath, args, { cwd: folder, encoding: "utf8" });
  assert.equal(status, 1);
  const ours = stdout.split("\n").filter((line) => /^ {2}(SUCCESS|FAILED:)$/.test(line));
  assert.deepEqual(
    ours.map((line) => line === "  SUCCESS"),
    theirs,
  );
});
