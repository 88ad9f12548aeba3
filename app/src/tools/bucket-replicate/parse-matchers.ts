// Reads `--matcher` of `tools bucket replicate`: comma separated matchers in Alertmanager's grammar.
import { Matcher, type MatchType } from "@deucalion/model";
import { AppError } from "../../errors.ts";

const matcherForm = /^\s*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*(.*?)\s*$/s;

/** Cuts at commas that are not within double quotes. */
function tokensOf(text: string): string[] {
  const tokens: string[] = [];
  let token = "";
  let quoted = false;
  let escaped = false;
  for (const char of text) {
    if (char === "," && !quoted) {
      tokens.push(token);
      token = "";
      escaped = false;
      continue;
    }
    if (char === '"' && !escaped) quoted = !quoted;
    escaped = char === "\\" && !escaped;
    token += char;
  }
  if (token.trim() !== "") tokens.push(token.trim());
  return tokens;
}

/** The value of a matcher: quotes around it are optional, `\"`, `\\` and `\n` are escapes, other backslashes are not. */
function matcherValue(raw: string): string {
  const quoted = raw.startsWith('"');
  const text = quoted ? raw.slice(1) : raw;
  let value = "";
  let closed = !quoted;
  for (let i = 0; i < text.length; i++) {
    const char = text[i]!;
    if (char === '"') {
      if (closed || i < text.length - 1) throw quoteError(raw);
      closed = true;
    } else if (char === "\\" && i < text.length - 1) {
      const next = text[++i]!;
      if (next === "n") value += "\n";
      else value += next === '"' || next === "\\" ? next : char + next;
    } else value += char;
  }
  if (!closed) throw quoteError(raw);
  return value;
}

function quoteError(raw: string): AppError {
  return new AppError("APP_CONFIG", `matcher value contains unescaped double quote: ${raw}`);
}

/** The matchers of a text, which may stand in braces; "" has none. Throws APP_CONFIG. */
export function parseMatchers(text: string): Matcher[] {
  const inner = text.replace(/^\{/, "").replace(/\}$/, "");
  return tokensOf(inner).map((token) => {
    const [, name, type, raw] = matcherForm.exec(token) ?? [];
    if (name === undefined || raw === undefined)
      throw new AppError("APP_CONFIG", `bad matcher format: ${token}`);
    try {
      return new Matcher(type as MatchType, name, matcherValue(raw));
    } catch (cause) {
      if (cause instanceof AppError) throw cause;
      throw new AppError("APP_CONFIG", `matcher ${token}: ${String(cause)}`, {}, { cause });
    }
  });
}
