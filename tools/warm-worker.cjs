// Runs a worker of the bundle, `<name> <worker> <bucket folder> <scratch folder>`, over the blocks of a bucket, and writes what
// V8 compiled in it beside the bundle.
"use strict";
const { readdirSync, readFileSync, renameSync, writeFileSync } = require("node:fs");
const { join } = require("node:path");
const { setFlagsFromString } = require("node:v8");
const { isMainThread, parentPort, Worker } = require("node:worker_threads");

const [bundle, worker, directory, scratch] = process.argv.slice(2);

if (isMainThread) {
  const config = { type: "FILESYSTEM", prefix: "", config: { directory } };
  const thread = new Worker(__filename, { argv: process.argv.slice(2), workerData: config });
  const answers = [];
  thread.on("message", (answer) => answers.shift()(answer));
  const ask = (task) =>
    new Promise((resolve) => {
      answers.push(resolve);
      thread.postMessage(task);
    });
  const metaOf = (id) => {
    try {
      return [JSON.parse(readFileSync(join(directory, id, "meta.json"), "utf8"))];
    } catch {
      return [];
    }
  };
  const work = async () => {
    const options = { dedup: "", acceptMalformedIndex: false, replicas: [""] };
    for (const meta of readdirSync(directory).flatMap(metaOf).slice(0, 2)) {
      const dir = join(scratch, meta.ulid);
      const { ok, result } = await ask({ kind: "merge", sources: [meta], dir, options });
      if (ok) await ask({ kind: "verify", meta, dir, written: result });
    }
    await ask({ kind: "keep" });
    await thread.terminate();
  };
  void work();
} else {
  // What ran once at the start stays in the cache, too.
  setFlagsFromString("--no-flush-bytecode");
  const script = require(`${bundle}.${worker}.cjs`);
  parentPort.on("message", ({ kind }) => {
    if (kind !== "keep") return;
    // V8 takes a cache only in a process with the same flags: these are a compactor's when it starts its threads.
    setFlagsFromString("--flush-bytecode");
    setFlagsFromString("--heap-growing-percent=400");
    setFlagsFromString("--max-inlined-bytecode-size-cumulative=450");
    const file = `${bundle}.${worker}.cache`;
    writeFileSync(`${file}.${process.pid}`, script.createCachedData());
    renameSync(`${file}.${process.pid}`, file);
  });
}
