// Go's regular expressions that look for matches anywhere in a text, and replace them.
import { RE2JS } from "re2js";
import { ModelError } from "./errors.ts";
import { expandTemplate, goRegexMessage } from "./regex.ts";
import { expandedSize } from "./regex-size.ts";

/** Largest pattern, repetitions counted as often as they may repeat. */
const patternUnitsMax = 65_536;

/** An expression that is not anchored; the dot does not match a line feed. */
export interface RegexSearch {
  /** True if some part of the text matches. */
  found(text: string): boolean;
  /** Go's `ReplaceAllString`: `$1`, `${name}` and `$$` of the replacement are expanded. */
  replaceAll(text: string, replacement: string): string;
}

/** Compiles an expression as Go's `regexp.Compile`. Throws MODEL_REGEX with Go's message. */
export function compileSearch(pattern: string): RegexSearch {
  const size = Math.max(pattern.length, expandedSize(pattern));
  if (size > patternUnitsMax) {
    const text = `error parsing regexp: expression too large (${size}, the limit is ${patternUnitsMax})`;
    throw new ModelError("MODEL_REGEX", text, { size, max: patternUnitsMax });
  }
  let compiled: RE2JS;
  try {
    compiled = RE2JS.compile(pattern);
  } catch (thrown) {
    throw new ModelError("MODEL_REGEX", goRegexMessage(thrown), { pattern }, { cause: thrown });
  }
  return {
    found: (text) => compiled.matcher(text).find(),
    replaceAll: (text, replacement) => {
      const names = compiled.namedGroups();
      const parts = expandTemplate(replacement, (name) => names[name] ?? -1);
      const matcher = compiled.matcher(text);
      let out = "";
      let from = 0;
      // As Go: an empty match right behind a match does not count.
      let last = -1;
      while (matcher.find()) {
        const start = matcher.start();
        const end = matcher.end();
        if (start === end && start === last) continue;
        out += text.slice(from, start);
        for (const part of parts) {
          if (typeof part === "string") out += part;
          else if (part >= 0 && part <= matcher.groupCount()) out += matcher.group(part) ?? "";
        }
        from = end;
        last = end;
      }
      return out + text.slice(from);
    },
  };
}
