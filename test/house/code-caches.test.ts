// The bundle's code caches are ones that V8 takes: a cache that is refused costs each start as much as all else in it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../support/mod.ts";

/** Runs in a process as services start: prints which caches are taken. */
const look = `
const { readdirSync, readFileSync } = require("node:fs");
const { Script } = require("node:vm");
const { setFlagsFromString } = require("node:v8");
const dir = process.argv[1];
const name = /deucalion-[0-9a-f]+/.exec(readFileSync(dir + "/main.js", "latin1"))[0];
const source = readFileSync(dir + "/" + name + ".js", "latin1");
const caches = readdirSync(dir).filter((file) => file.startsWith(name) && file.endsWith(".cache"));
console.log(JSON.stringify(caches.map((file) => {
  const cachedData = readFileSync(dir + "/" + file);
  // A compactor changes these before it starts threads.
  const inThread = file.includes(".block-worker.");
  setFlagsFromString("--heap-growing-percent=" + (inThread ? 400 : 0));
  setFlagsFromString("--max-inlined-bytecode-size-cumulative=" + (inThread ? 450 : 920));
  // Under one name V8 would take the second from what it compiled for the first.
  const { cachedDataRejected } = new Script(source, { filename: dir + "/" + file + ".js", cachedData });
  return [file.split(".")[1], cachedDataRejected];
})));`;

test("the bundle has code caches that V8 takes", () => {
  const dir = join(repositoryRoot, "app/dist/bundle");
  assert.ok(readdirSync(dir).includes("main.js"));
  const { NODE_OPTIONS: _, ...env } = process.env;
  const text = execFileSync(process.execPath, ["-e", look, dir], { env, encoding: "utf8" });
  const caches = JSON.parse(text) as [command: string, refused: boolean][];
  assert.ok(caches.length > 0, "no caches");
  assert.deepEqual(
    caches.filter(([, refused]) => refused),
    [],
  );
});
