// Runs one service of the bundle, `<name> <command> flag...`, and when it ends writes what V8 compiled beside it.
"use strict";
const { renameSync, writeFileSync } = require("node:fs");

const [bundle] = process.argv.splice(2, 1);
const command = process.argv[2];
const script = require(`${bundle}.cjs`);
process.on("exit", (code) => {
  if (code !== 0) return;
  const file = `${bundle}.${command}.cache`;
  writeFileSync(`${file}.${process.pid}`, script.createCachedData());
  renameSync(`${file}.${process.pid}`, file);
});
