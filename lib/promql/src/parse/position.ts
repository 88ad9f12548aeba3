// Places in the text of a query, written as Prometheus writes them: `line:column`, columns counted in bytes from 1.
import { PromqlError } from "../errors.ts";
import type { Range } from "./ast.ts";

export interface LineColumn {
  readonly line: number;
  readonly column: number;
}

/** Line and column (bytes of UTF-8, from 1) of a UTF-16 offset. */
export function lineColumn(text: string, offset: number): LineColumn {
  const before = text.slice(0, offset);
  let line = 1;
  for (let at = before.indexOf("\n"); at >= 0; at = before.indexOf("\n", at + 1)) line++;
  const lineStart = before.lastIndexOf("\n") + 1;
  return { line, column: Buffer.byteLength(before.slice(lineStart)) + 1 };
}

/** `line:col` of an offset, or Prometheus' words where there is none. */
export function startText(text: string, offset: number): string {
  if (text === "") return "unknown position";
  if (offset < 0 || offset > text.length) return "invalid position";
  const { line, column } = lineColumn(text, offset);
  return `${line}:${column}`;
}

/** The suffix of annotations: ` (1:5)`. */
export function positionText(text: string, range: Range): string {
  return ` (${startText(text, range.start)})`;
}

/** A PROMQL_PARSE error in Prometheus' words: `1:5: parse error: …`. */
export function parseError(text: string, offset: number, message: string): PromqlError {
  const place = startText(text, offset);
  return new PromqlError("PROMQL_PARSE", `${place}: parse error: ${message}`, {
    ...(text === "" ? { line: 1, column: 1 } : lineColumn(text, Math.max(0, offset))),
  });
}
