// Entry of the bundle: runs the script beside it, from the command's code cache where V8 accepts that.
// `@name@` becomes the name of the script when the bundle is made. The same text lies under the names of workers,
// `@name@.<worker>.cjs`, and runs their part of the script.
"use strict";
const { readFileSync } = require("node:fs");
const { Script } = require("node:vm");

/** What V8 compiled when this command was started at the time the bundle was made. */
function codeCache(command) {
  if (!/^[a-z-]+$/.test(command)) return undefined;
  try {
    return readFileSync(`${__dirname}/@name@.${command}.cache`);
  } catch {
    return undefined;
  }
}

const worker = __filename.match(/@name@\.([a-z-]+)\.cjs$/)?.[1];
const filename = `${__dirname}/@name@.js`;
const script = new Script(readFileSync(filename, "latin1"), {
  filename,
  cachedData: codeCache(worker ?? process.argv[2] ?? ""),
});
const { pathToFileURL } = require("node:url");
const { createRequire } = require("node:module");
const parts = script.runInThisContext()({
  url: (path) => pathToFileURL(`${__dirname}/${path}`).href,
  worker: (name) => pathToFileURL(`${__dirname}/@name@.${name}.cjs`),
  // A script from a code cache cannot import; this file can.
  import: (name) => import(name),
  resolve: (path, name) => pathToFileURL(createRequire(`${__dirname}/${path}`).resolve(name)).href,
});
const loaded = new Map();

/** Runs a part of the script once; other names are packages and modules of Node. */
function load(name) {
  const part = parts[name];
  if (part === undefined) return require(name);
  let exported = loaded.get(name);
  if (exported === undefined) {
    exported = {};
    loaded.set(name, exported);
    part(exported, load);
  }
  return exported;
}

load(`./${worker ?? "main"}.js`);
module.exports = script;
