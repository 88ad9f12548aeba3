// What may stand between a binary operator and its right side: bool, on, ignoring, group_left, group_right, fill.
import type { VectorMatching } from "./ast.ts";
import type { TokenStream } from "./lex/token-stream.ts";
import { beginsOperand } from "./lex/tokens.ts";
import { literalValue } from "./parse-duration.ts";
import { parseGrouping } from "./parse-selector.ts";

type Draft<T> = { -readonly [K in keyof T]: T[K] };

export interface BinaryModifiers {
  readonly returnBool: boolean;
  readonly matching: VectorMatching;
}

/** Reads the modifiers; `unexpected` names the token that does not fit inside `fill(…)`. */
export function parseBinaryModifiers(
  stream: TokenStream,
  unexpected: () => never,
): BinaryModifiers {
  const returnBool = stream.takeIf("bool") !== null;
  const matching: Draft<VectorMatching> = {
    card: "one-to-one",
    labels: [],
    on: false,
    include: [],
  };
  const way = stream.takeIf("on") ?? stream.takeIf("ignoring");
  if (way !== null) {
    matching.on = way.type === "on";
    matching.labels = parseGrouping(stream).labels;
    const group = stream.takeIf("group_left") ?? stream.takeIf("group_right");
    if (group !== null) {
      matching.card = group.type === "group_left" ? "many-to-one" : "one-to-many";
      if (!mayFollowGroup(stream.peek().type)) matching.include = parseGrouping(stream).labels;
    }
  }
  parseFill(stream, matching, unexpected);
  return { returnBool, matching };
}

/** What may follow `group_left` without labels of its own; anything else is taken for their parenthesis. */
function mayFollowGroup(type: string): boolean {
  return type !== "(" && beginsOperand(type);
}

function parseFill(
  stream: TokenStream,
  matching: Draft<VectorMatching>,
  unexpected: () => never,
): void {
  if (stream.takeIf("fill") !== null) {
    matching.fillLeft = matching.fillRight = fillValue(stream, unexpected);
    return;
  }
  const first = stream.takeIf("fill_left") ?? stream.takeIf("fill_right");
  if (first === null) return;
  const left = first.type === "fill_left";
  matching[left ? "fillLeft" : "fillRight"] = fillValue(stream, unexpected);
  if (stream.takeIf(left ? "fill_right" : "fill_left") === null) return;
  matching[left ? "fillRight" : "fillLeft"] = fillValue(stream, unexpected);
}

function fillValue(stream: TokenStream, unexpected: () => never): number {
  if (stream.takeIf("(") === null) unexpected();
  const sign = stream.takeIf("-") ?? stream.takeIf("+");
  const token = stream.peek();
  if (token.type !== "NUMBER" && token.type !== "DURATION") unexpected();
  stream.take();
  const value = literalValue(stream, token);
  if (stream.takeIf(")") === null) unexpected();
  return sign?.type === "-" ? -value : value;
}
