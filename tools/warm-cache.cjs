// Runs one service of the bundle, `<name> <command> flag...`, and when it ends writes what V8 compiled beside it.
"use strict";
const { renameSync, writeFileSync } = require("node:fs");
const os = require("node:os");
const { setFlagsFromString } = require("node:v8");

// What ran once at the start stays in the cache, too.
setFlagsFromString("--no-flush-bytecode");
const [bundle] = process.argv.splice(2, 1);
const command = process.argv[2];
// With one core a compactor has no thread, and what it does to blocks is compiled here.
if (command === "compact") os.availableParallelism = () => 1;
const script = require(`${bundle}.cjs`);
process.on("exit", (code) => {
  if (code !== 0) return;
  // V8 takes a cache only from a process with the same flags: services change the others while they run.
  setFlagsFromString("--flush-bytecode");
  setFlagsFromString("--heap-growing-percent=0");
  setFlagsFromString("--max-inlined-bytecode-size-cumulative=920");
  const file = `${bundle}.${command}.cache`;
  writeFileSync(`${file}.${process.pid}`, script.createCachedData());
  renameSync(`${file}.${process.pid}`, file);
});
