// Label matchers, and the linear-time regular expressions behind them.
import { type CompiledRegex, compileRegex } from "./regex.ts";

export type MatchType = "=" | "!=" | "=~" | "!~";

/** Matches one label of a series; an absent label has the value "". */
export class Matcher {
  readonly type: MatchType;
  readonly name: string;
  readonly value: string;
  /** The compiled expression of `=~` and `!~`. */
  readonly regex: CompiledRegex | null;

  /** Throws MODEL_REGEX, in Go's words, if the expression does not parse. */
  constructor(type: MatchType, name: string, value: string) {
    this.type = type;
    this.name = name;
    this.value = value;
    this.regex = type === "=~" || type === "!~" ? compileRegex(value) : null;
  }

  matches(value: string): boolean {
    switch (this.type) {
      case "=":
        return value === this.value;
      case "!=":
        return value !== this.value;
      case "=~":
        return this.regex!.matches(value);
      case "!~":
        return !this.regex!.matches(value);
    }
  }

  /** True if a series without the label matches. */
  get matchesEmpty(): boolean {
    return this.matches("");
  }

  toString(): string {
    const name = /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(this.name) ? this.name : JSON.stringify(this.name);
    return `${name}${this.type}${JSON.stringify(this.value)}`;
  }
}
