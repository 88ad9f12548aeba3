// Fast paths of regular expressions against re2js, messages against Go's, and replacement.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { RE2JS } from "re2js";
import { compileRegex, compileReplacer, quoteRegex } from "./regex.ts";

function reference(pattern: string): ((value: string) => boolean) | null {
  try {
    RE2JS.compile(pattern);
    const compiled = RE2JS.compile(`^(?s:${pattern})$`);
    return (value) => compiled.matches(value);
  } catch {
    return null;
  }
}

const piece = fc.constantFrom(
  ..."ab".split(""),
  "\\.",
  "\\|",
  "\\\\",
  "\\-",
  "\\_",
  "\\d",
  ".",
  ".*",
  ".+",
  "*",
  "?",
  "+",
  "|",
  "(",
  ")",
  "(?:",
  "(?i)",
  "[ab]",
  "{2}",
  "^",
  "$",
  "\u0000",
  "\n",
  "é",
  "😀",
  " ",
  "-",
  "\\",
  "(?i:",
);
const patterns = fc.array(piece, { maxLength: 7 }).map((parts) => parts.join(""));
const values = fc
  .array(fc.constantFrom(..."abAB.|\\-d \n\u0000é".split(""), "😀"), { maxLength: 5 })
  .map((parts) => parts.join(""));

test("compileRegex() agrees with re2js on every shape", () => {
  fc.assert(
    fc.property(patterns, fc.array(values, { minLength: 8, maxLength: 8 }), (pattern, list) => {
      const expected = reference(pattern);
      if (expected === null) {
        assert.throws(() => compileRegex(pattern), { code: "MODEL_REGEX" });
        return;
      }
      const regex = compileRegex(pattern);
      for (const value of [...list, ...(regex.literals ?? [])]) {
        assert.equal(regex.matches(value), expected(value), `${pattern} on ${value}`);
        if (regex.matches(value)) {
          assert.ok(value.startsWith(regex.prefix), `${pattern}: prefix ${regex.prefix}`);
          assert.ok(regex.literals === null || regex.literals.includes(value));
        }
      }
    }),
    { numRuns: 3000 },
  );
});

test("compileRegex() fails in Go's words", () => {
  const messages: [string, string][] = [
    ["[", "missing closing ]: `[`"],
    ["a**", "invalid nested repetition operator: `**`"],
    ["(", "missing closing ): `(`"],
    ["a)", "unexpected ): `a)`"],
    ["*a", "missing argument to repetition operator: `*`"],
    ["a\\", "trailing backslash at end of expression: ``"],
  ];
  for (const [pattern, message] of messages) {
    assert.throws(() => compileRegex(pattern), { message: `error parsing regexp: ${message}` });
  }
});

// biome-ignore-start lint/suspicious/noTemplateCurlyInString: templates of Go
test("compileReplacer() expands groups as Go does", () => {
  const cases: [string, string, string, string | null][] = [
    ["(.*)", "x-$1", "abc", "x-abc"],
    ["(a)(b)?", "$2|${1}x|$3|$$|$", "a", "|ax||$|$"],
    ["(?P<first>a+)(.*)", "${first}_$2", "aab", "aa_b"],
    ["(a)", "$1x", "a", ""],
    ["(a)", "${1", "a", "${1"],
    ["(a)", "$-", "a", "$-"],
    ["b", "y", "abc", null],
    ["source-value-(.*)", "value-$1", "source-value-10", "value-10"],
  ];
  for (const [pattern, template, value, expected] of cases) {
    assert.equal(compileReplacer(pattern, template)!(value), expected, pattern);
  }
  assert.equal(compileReplacer("(.*", "$1"), null);
});
// biome-ignore-end lint/suspicious/noTemplateCurlyInString: templates of Go

test("quoteRegex() makes a pattern of the text alone", () => {
  fc.assert(
    fc.property(values, (text) => {
      assert.ok(compileRegex(quoteRegex(text)).matches(text));
    }),
  );
});

test("compileRegex() compiles a long pattern once while somebody has it", () => {
  const patterns = Array.from({ length: 40 }, (_, i) => `(?:${"a?".repeat(3000)}|b${i})`);
  const compiled = patterns.map((pattern) => compileRegex(pattern));
  assert.equal(compileRegex(patterns.at(-1)!), compiled.at(-1));
  assert.equal(compiled[7]!.matches("b7"), true);
  assert.equal(compiled[7]!.matches("b8"), false);
  const huge = `${"x".repeat(2 ** 21)}|y`;
  assert.equal(compileRegex(huge).matches("y"), true);
});
