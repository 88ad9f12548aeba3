// Every flag that the help of the real programs lists is in our tables, of the same kind and with the same default.
import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { commands } from "../commands.ts";

const conformance = fileURLToPath(
  new URL("../../../../../shared/conformance/cli/", import.meta.url),
);
const differences = fileURLToPath(new URL("../../../../docs/differences.md", import.meta.url));
const present = existsSync(conformance);

interface Listed {
  readonly name: string;
  readonly boolean: boolean;
  readonly repeated: boolean;
  readonly value: string;
}

/** The flags of a help text. */
function listedFlags(help: string): Listed[] {
  const found: Listed[] = [];
  for (const line of help.split("\n")) {
    const flag = /^ {2}(?:-\w, | {4})--(\[no-\])?([a-zA-Z0-9._-]+)(?:=(\S*(?: \.\.\.)?))?/.exec(
      line,
    );
    if (flag === null) continue;
    const value = flag[3] ?? "";
    found.push({
      name: flag[2]!,
      boolean: flag[1] !== undefined,
      repeated: value.endsWith(" ..."),
      value: value.replace(/ \.\.\.$/, ""),
    });
  }
  return found;
}

/** Defaults that are not Thanos' on purpose; each is in docs/differences.md. */
const otherDefaults = new Set(["query deduplication.func", "query store.response-timeout"]);

for (const { path, load } of commands) {
  const file = join(conformance, `thanos-${path.replaceAll(" ", "-")}--help.txt`);
  const skip = !present || !existsSync(file);
  test(`flags of ${path} are those of Thanos`, { skip }, async () => {
    const { flags } = await load();
    const text = readFileSync(differences, "utf8");
    for (const listed of listedFlags(readFileSync(file, "utf8"))) {
      if (listed.name === "help" || listed.name === "version") continue;
      const pair = flags[listed.name.replace(/-file$/, "")];
      const spec = flags[listed.name] ?? (pair?.pair ? pair : undefined);
      assert.ok(spec !== undefined, `--${listed.name} is missing`);
      assert.equal(spec.hidden, false, `--${listed.name} is hidden`);
      assert.equal(spec.boolean, listed.boolean, `--${listed.name} takes a value or not`);
      if (spec.pair) continue;
      assert.equal(spec.repeated, listed.repeated, `--${listed.name} repeats or not`);
      if (spec.boolean || spec.placeholder === listed.value || !/^["0-9a-z]/.test(listed.value))
        continue;
      if (otherDefaults.has(`${path} ${listed.name}`)) {
        assert.ok(
          text.includes(`--${listed.name}`),
          `--${listed.name} is not in docs/differences.md`,
        );
        continue;
      }
      const want = listed.value.replace(/^"|"$|\.\.\.$/g, "").replace(/"$/, "");
      const show = (texts: readonly string[]) => spec.show(spec.parse(texts));
      const [first = ""] = spec.defaults;
      const same = first === want || show([first]) === show([want]);
      assert.ok(same, `--${listed.name}: default ${first}, want ${want}`);
    }
  });
}

test("each flag that Thanos' help does not list is hidden or in docs/differences.md", {
  skip: !present,
}, async () => {
  const text = readFileSync(differences, "utf8");
  for (const { path, load } of commands) {
    const file = join(conformance, `thanos-${path.replaceAll(" ", "-")}--help.txt`);
    if (!existsSync(file)) continue;
    const listed = new Set(listedFlags(readFileSync(file, "utf8")).map((flag) => flag.name));
    for (const [name, spec] of Object.entries((await load()).flags)) {
      if (spec.hidden || listed.has(name)) continue;
      assert.ok(text.includes(`--${name}`), `${path} --${name} is not explained`);
    }
  }
});
