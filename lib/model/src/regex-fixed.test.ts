import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { compileRegex } from "./regex.ts";
import { matchFixed } from "./regex-fixed.ts";

const never = (): never => assert.fail("the automaton was asked");

test("matchFixed() takes dotted values with or without something behind", () => {
  const address = matchFixed("10.3.0.5.*", never)!;
  assert.deepEqual(
    ["10.3.0.5", "10.3.0.51:9100", "10x3.0.5", "10.3.0.4", "110.3.0.5", ""].map(address),
    [true, true, true, false, false, false],
  );
  const escaped = matchFixed("node-1\\.example\\.com:91..", never)!;
  assert.deepEqual(
    ["node-1.example.com:9100", "node-1xexample.com:9100", "node-1.example.com:910"].map(escaped),
    [true, false, false],
  );
  const tail = matchFixed(".+\\.local", never)!;
  assert.deepEqual(["a.local", ".local", "xlocal"].map(tail), [true, false, false]);
  for (const other of [
    "a|b",
    "a?b.c",
    "[a]b.",
    "x{2}.",
    "a\\d.",
    "a.*b",
    ".*a.*",
    "^a.",
    "(a).b",
  ]) {
    assert.equal(matchFixed(other, never), null, other);
  }
});

test("expressions of a fixed length match what the automaton matches", () => {
  const part = fc.constantFrom(
    "a",
    "b",
    ".",
    "\\.",
    "\\\\",
    "\n",
    "-",
    "\\-",
    ".*",
    ".+",
    "é",
    "😀",
  );
  const pattern = fc.array(part, { minLength: 1, maxLength: 6 }).map((parts) => parts.join(""));
  const value = fc.string({
    unit: fc.constantFrom("a", "b", ".", "\\", "\n", "-", "é", "😀"),
    maxLength: 7,
  });
  fc.assert(
    fc.property(pattern, value, (text, one) => {
      const want = RE2JS.compile(`^(?s:${text})$`).matches(one);
      assert.equal(compileRegex(text).matches(one), want, `${JSON.stringify(text)} ${one}`);
    }),
    { numRuns: 3000 },
  );
});
