import assert from "node:assert/strict";
import { test } from "node:test";
import { compileRegex } from "./regex.ts";
import { expandedSize } from "./regex-size.ts";

test("expandedSize() writes repetitions out", () => {
  const sizes: [string, number][] = [
    ["abc", 3],
    ["a*b+", 4],
    ["a{1000}", 1000],
    ["a{2,5}b", 6],
    ["(ab){10}", 30],
    ["((a{10}){10}){10}", 1110],
    ["[^]a{2}]{3}", 3],
    ["[[:alpha:]x]{3}", 3],
    ["\\{9}{2}", 4],
    ["a{x}", 4],
    ["x{,5}", 5],
  ];
  for (const [pattern, size] of sizes) assert.equal(expandedSize(pattern), size, pattern);
});

test("expandedSize() bounds what malformed patterns cost, too", () => {
  for (const pattern of ["(", ")", "[", "a{", "(((a{1000}", "[[:", "\\"])
    assert.ok(expandedSize(pattern) <= 1000 + pattern.length, pattern);
});

test("compileRegex() refuses a short pattern that repeats too much, at once", () => {
  const before = performance.now();
  assert.throws(() => compileRegex("(?:a{900}b)".repeat(1000)), {
    code: "MODEL_REGEX",
    message: "error parsing regexp: expression too large (904000, the limit is 65536)",
  });
  assert.ok(performance.now() - before < 500);
});

test("compileRegex() gives the same object for the same pattern, and forgets old ones", () => {
  const first = compileRegex("first[0-9]+");
  assert.equal(compileRegex("first[0-9]+"), first);
  for (let i = 0; i < 100; i++) compileRegex(`other${i}[0-9]`);
  assert.notEqual(compileRegex("first[0-9]+"), first);
});
