import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { junitText } from "./junit.ts";
import { colouredDiff } from "./result-text.ts";
import { type RulesTestOptions, runTestFile } from "./run-test-file.ts";

const folder = fileURLToPath(
  new URL("../../../../../lib/rules/testdata/unit-tests/", import.meta.url),
);
const files = readdirSync(folder).filter((name) => name.endsWith(".test.yml"));

const options: RulesTestOptions = {
  run: null,
  diff: false,
  debug: false,
  ignoreUnknownFields: false,
  engine: {},
};

async function run(name: string, changes: Partial<RulesTestOptions> = {}) {
  const notes: string[] = [];
  const outcome = await runTestFile(folder + name, { ...options, ...changes }, (line) =>
    notes.push(line),
  );
  return { ...outcome, notes };
}

for (const name of files) {
  test(`unit tests of rules: ${name} ends as with promtool`, async () => {
    const { errors } = await run(name);
    if (!name.startsWith("fails-")) {
      assert.deepEqual(errors, []);
      return;
    }
    const want = readFileSync(folder + name.replace(".test.yml", ".out"), "utf8");
    const got = ["  FAILED:", ...errors].join("\n").replaceAll(folder, "");
    const lines = (text: string) => text.split("\n").filter((line) => line !== "");
    assert.deepEqual(lines(got), lines(want));
  });
}

test("--run takes only test groups that match", async () => {
  const { suite } = await run("shop.test.yml", { run: ["^half", "nothing"] });
  assert.deepEqual(
    suite.cases.map(({ name }) => name),
    ["half of the orders fail"],
  );
});

test("--ignore-unknown-fields reads a file that has others", async () => {
  const { errors } = await run("fails-form.test.yml", { ignoreUnknownFields: true });
  assert.ok(errors.every((error) => !error.includes("not found in type")));
});

test("--debug tells of each test and of its data", async () => {
  const { notes } = await run("order.test.yml", { debug: true });
  assert.equal(notes[0], "DEBUG: Starting test unnamed#0");
  assert.ok(notes.includes('{__name__="two"} =>'));
  assert.ok(notes.includes("31 @[120000]"));
});

test("--diff shows the lines that differ", async () => {
  const { errors } = await run("fails-shop.test.yml", { diff: true });
  assert.match(errors[0]!, /diff: {3}\[/);
  assert.equal(
    colouredDiff("a\nb", "a\nc"),
    "  a\n\u001b[0;31m- b\u001b[0m\n\u001b[0;32m+ c\u001b[0m",
  );
});

test("junitText() counts failures and escapes what they say", () => {
  const text = junitText([
    { name: "a.yml", timestamp: "t", aborted: null, cases: [{ name: "one", failures: ["<x>\n"] }] },
    { name: "b.yml", timestamp: "", aborted: "broken", cases: [] },
  ]);
  assert.equal(
    text,
    '<testsuites><testsuite name="a.yml" tests="1" failures="1" errors="0" skipped="0" timestamp="t">' +
      '<testcase name="one"><failure>&lt;x&gt;&#xA;</failure></testcase></testsuite>' +
      '<testsuite name="b.yml" tests="1" failures="0" errors="1" skipped="0" timestamp="">' +
      '<testcase name="unknown"><error>broken</error></testcase></testsuite></testsuites>',
  );
});
