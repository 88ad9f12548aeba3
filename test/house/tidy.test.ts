// Rules of the house that no linter knows: layers, names, first lines, words that must not be there.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { test } from "node:test";
import { repositoryRoot } from "../support/mod.ts";

/** Every file that git knows. */
const files = execFileSync("git", ["ls-files", "-z"], {
  cwd: repositoryRoot,
  encoding: "utf8",
  maxBuffer: 1 << 26,
})
  .split("\0")
  .filter((file) => file !== "" && existsSync(join(repositoryRoot, file)));

const sources = files.filter(
  (file) => /^(app|lib|bench|test|ui)\/.*\.tsx?$/.test(file) && !file.endsWith(".d.ts"),
);
const read = (file: string): string => readFileSync(join(repositoryRoot, file), "utf8");

/** What each package may import, from the bottom up. */
const layers: Readonly<Record<string, readonly string[]>> = {
  base: [],
  kernels: ["base"],
  model: ["base", "kernels"],
  objstore: ["base", "kernels"],
  rpc: ["base", "kernels"],
  tsdb: ["base", "kernels", "model"],
  promql: ["base", "kernels", "model"],
  rules: ["base", "kernels", "model", "promql"],
  blocks: ["base", "kernels", "model", "objstore", "rpc", "tsdb"],
  storeapi: ["base", "kernels", "model", "rpc", "tsdb", "promql"],
};

test("imports of packages go down", () => {
  const wrong: string[] = [];
  for (const file of sources) {
    const own = /^lib\/([^/]+)\/src\//.exec(file)?.[1];
    if (own === undefined || file.endsWith(".test.ts") || file.includes("/testing/")) continue;
    for (const [, name] of read(file).matchAll(/from "@deucalion\/([a-z]+)(?:\/testing)?"/g)) {
      if (!layers[own]!.includes(name!)) wrong.push(`${file} imports ${name}`);
    }
  }
  assert.deepEqual(wrong, []);
});

test("promql and the shared pure modules run in a browser: no Node built-ins", () => {
  const wrong = sources.filter(
    (file) =>
      /^lib\/(promql|model)\/src\//.test(file) &&
      !file.endsWith(".test.ts") &&
      !file.includes("/testing/") &&
      /from "node:/.test(read(file)),
  );
  assert.deepEqual(wrong, []);
});

test("files are named in kebab-case, and no folder is a drawer for leftovers", () => {
  const wrong = sources.filter(
    (file) =>
      !/^[a-z0-9.-]+$/.test(basename(file)) ||
      /\/(utils?|common|helpers?|misc|manager)(\/|\.ts)/.test(file),
  );
  assert.deepEqual(wrong, []);
});

test("the first line of a file says what it holds", () => {
  const wrong = sources.filter(
    (file) => !file.endsWith(".test.ts") && !/^(\/\/|\/\*\*)/.test(read(file)),
  );
  assert.deepEqual(wrong, []);
});

test("there are no default exports, star exports or enums", () => {
  const wrong = sources.filter((file) => {
    if (/^ui\/(vite|unit)/.test(file)) return false;
    return /^export default |^export \* from|^(export )?(const )?enum /m.test(read(file));
  });
  assert.deepEqual(wrong, []);
});

test("nothing names a registry's host or a path of somebody's machine", () => {
  const npm = ["npmjs", "yarnpkg"].map((name) => `registry.${name}`);
  const others = ["pypi", "deb.debian", "proxy.golang"].map((name) => `${name}.org`);
  const hosts = [...npm, ...others].join("|");
  const paths = ["/ho" + "me/", "/Us" + "ers/", "/wo" + "rk/", "/tm" + "p/peer"].join("|");
  const pattern = new RegExp(`${hosts}|(?<![\\w.])(${paths})`);
  const wrong = files.filter(
    (file) =>
      /\.(tsx?|mjs|json|md|yml|css|html|run)$|^\.ci\/|^bin\//.test(file) &&
      !/testdata/.test(file) &&
      pattern.test(read(file)),
  );
  assert.deepEqual(wrong, []);
});

test("every package says what it is", () => {
  const packages = readdirSync(join(repositoryRoot, "lib"));
  assert.deepEqual(
    packages.filter((name) => !existsSync(join(repositoryRoot, "lib", name, "README.md"))),
    [],
  );
});

test("the README opens with the two commands", () => {
  const lines = read("README.md")
    .split("\n")
    .filter((line) => line.startsWith("    npm "));
  assert.match(lines[0]!, /^ {4}npm start/);
  assert.match(lines[1]!, /^ {4}npm test/);
});
