// Alternations are matched as the automaton matches them.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { compileRegex } from "./regex.ts";
import { matchAlternation } from "./regex-alternation.ts";

test("matchAlternation() agrees with the automaton", () => {
  const literal = fc.stringMatching(/^[ab:é😀]{0,3}$/u);
  const dots = fc.constantFrom("", ".*", ".+");
  const escaped = literal.map((text) => text.replaceAll(":", "\\:"));
  const part = fc.tuple(dots, escaped, dots).map((parts) => parts.join(""));
  const pattern = fc
    .tuple(fc.array(part, { minLength: 1, maxLength: 4 }), fc.constantFrom("", "(", "(?:"))
    .map(([parts, open]) => `${open}${parts.join("|")}${open === "" ? "" : ")"}`);
  fc.assert(
    fc.property(pattern, fc.stringMatching(/^[ab:é😀\n]{0,6}$/u), (text, value) => {
      const matches = matchAlternation(text);
      if (matches === null) return;
      assert.equal(matches(value), RE2JS.compile(`^(?s:${text})$`).matches(value), text);
    }),
    { numRuns: 3000 },
  );
});

test("matchAlternation() leaves other patterns alone", () => {
  for (const text of [
    "a+|b",
    "a|b)",
    "(a|b)|(c)",
    "a?",
    "[ab]|c",
    ".|a",
    ".*.*",
    "a\\d|b",
    "a.*b|c",
  ]) {
    assert.equal(matchAlternation(text), null, text);
  }
});

test("compileRegex() takes long alternations and refuses other long patterns", () => {
  const words = Array.from({ length: 60_000 }, (_, i) => `value-${i}`);
  const regex = compileRegex(words.map((word) => `${word}x.*`).join("|"));
  assert.ok(regex.matches("value-59999xyz"));
  assert.ok(!regex.matches("value-60000xyz"));
  assert.throws(() => compileRegex(words.map((word) => `${word}[xy]`).join("|")), {
    code: "MODEL_REGEX",
    message: /^error parsing regexp: expression too large \(\d+, the limit is 65536\)$/,
  });
});
