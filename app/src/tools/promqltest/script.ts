// Test scripts cut into commands. The language is described in README.md.
import { parsePromDuration } from "@deucalion/base";
import { compileRegex, type Labels } from "@deucalion/model";
import { numberValue, unquoteGo } from "@deucalion/promql";
import { ScriptError } from "./errors.ts";
import { parseLabels, parseSeriesLine, type SequenceValue } from "./series-line.ts";
import { parseStartTimes } from "./start-times.ts";

/** One series of a `load` block. */
export interface LoadedSeries {
  readonly labels: Labels;
  readonly values: readonly SequenceValue[];
  /** Offsets of start timestamps from their samples, in ms; null for none; absent without an `@st` line. */
  readonly startOffsetsMs?: readonly (number | null)[];
}

/** What an error or annotation is compared with. */
export interface TextCheck {
  readonly matches: (text: string) => boolean;
  /** For reports of failures. */
  readonly wanted: string;
}

const anyText: TextCheck = { matches: () => true, wanted: "any" };

function exactly(message: string): TextCheck {
  return { matches: (text) => text === message, wanted: message };
}

function containing(pattern: string): TextCheck {
  const compiled = compileRegex(`(?:.*)(?:${pattern})(?:.*)`);
  return { matches: (text) => compiled.matches(text), wanted: `/${pattern}/` };
}

export interface ExpectedSeries {
  readonly labels: Labels;
  readonly values: readonly SequenceValue[];
  /** Place among the result lines, from 0. */
  readonly position: number;
}

export interface Expectations {
  ordered: boolean;
  fail: TextCheck | null;
  warn: TextCheck[];
  info: TextCheck[];
  noWarn: boolean;
  noInfo: boolean;
  text: string | null;
  scalar: number | null;
  series: ExpectedSeries[];
}

/** Times in ms since the epoch. */
export interface EvalCommand {
  readonly kind: "eval";
  /** Line in the file, from 1. */
  readonly line: number;
  readonly expr: string;
  readonly instant: boolean;
  /** Of an instant query: where it is evaluated. */
  evalMs: number;
  startMs: number;
  endMs: number;
  stepMs: number;
  expectsRangeVector: boolean;
  readonly expected: Expectations;
}

export interface LoadCommand {
  readonly kind: "load";
  readonly line: number;
  readonly stepMs: number;
  readonly customBuckets: boolean;
  readonly series: readonly LoadedSeries[];
}

export type Command = { readonly kind: "clear"; readonly line: number } | LoadCommand | EvalCommand;

/** A block that could not be read; it counts as a failed eval if it is one. */
export interface BrokenCommand {
  readonly kind: "broken";
  readonly line: number;
  readonly isEval: boolean;
  readonly reason: string;
}

/** Reads a script. A broken block does not keep the others from being read. */
export function parseScript(text: string): (Command | BrokenCommand)[] {
  const lines = text.split("\n").map((line) => {
    const trimmed = line.trim();
    return trimmed.startsWith("#") ? "" : trimmed;
  });
  const commands: (Command | BrokenCommand)[] = [];
  for (let i = 0; i < lines.length; i++) {
    const head = lines[i]!;
    if (head === "") continue;
    const word = head.split(/[\t ]+/, 1)[0]!.toLowerCase();
    if (word === "clear") {
      commands.push({ kind: "clear", line: i + 1 });
      continue;
    }
    let end = i + 1;
    while (end < lines.length && lines[end] !== "") end++;
    const isEval = word.startsWith("eval");
    try {
      if (!isEval && !word.startsWith("load"))
        throw new ScriptError("PROMQLTEST_SCRIPT", `invalid command: ${head}`);
      const block = lines.slice(i, end);
      commands.push(isEval ? parseEval(block, i + 1) : parseLoad(block, i + 1));
    } catch (thrown) {
      if (!(thrown instanceof Error)) throw thrown;
      commands.push({ kind: "broken", line: i + 1, isEval, reason: thrown.message });
    }
    i = end - 1;
  }
  return commands;
}

function parseLoad(block: readonly string[], line: number): LoadCommand {
  const found = /^load(?:_(with_nhcb))?\s+(\S+)$/i.exec(block[0]!);
  if (found === null) throw new ScriptError("PROMQLTEST_SCRIPT", `bad load: ${block[0]}`);
  const series = new Map<string, LoadedSeries>();
  let starts: { labels: Labels; offsets: (number | null)[] } | null = null;
  for (const text of block.slice(1)) {
    const marked = parseLabels(text);
    if (/^@st[ \t]/.test(marked.rest)) {
      starts = { labels: marked.labels, offsets: parseStartTimes(marked.rest.slice(3)) };
      continue;
    }
    const { labels, values } = parseSeriesLine(text);
    if (starts === null) {
      series.set(labels.key, { labels, values });
      continue;
    }
    if (starts.labels.key !== labels.key || starts.offsets.length !== values.length)
      throw new ScriptError("PROMQLTEST_SERIES", `@st line does not fit its series: ${text}`);
    series.set(labels.key, { labels, values, startOffsetsMs: starts.offsets });
    starts = null;
  }
  return {
    kind: "load",
    line,
    stepMs: parsePromDuration(found[2]!),
    customBuckets: found[1] !== undefined,
    series: [...series.values()],
  };
}

const instantPattern = /^eval(?:_(fail|warn|ordered|info))?\s+instant\s+at\s+(\S+)\s+(.+)$/;
const rangePattern =
  /^eval(?:_(fail|warn|info))?\s+range\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)\s+(.+)$/;

function parseEval(block: readonly string[], line: number): EvalCommand {
  const head = block[0]!;
  const instant = instantPattern.exec(head);
  const range = rangePattern.exec(head);
  const found = instant ?? range;
  if (found === null) throw new ScriptError("PROMQLTEST_SCRIPT", `bad eval: ${head}`);
  const startMs = parsePromDuration(found[2]!);
  const command: EvalCommand = {
    kind: "eval",
    line,
    expr: (instant?.[3] ?? range?.[5])!,
    instant: instant !== null,
    evalMs: startMs,
    startMs,
    endMs: range === null ? startMs : parsePromDuration(range[3]!),
    stepMs: range === null ? 0 : parsePromDuration(range[4]!),
    expectsRangeVector: false,
    expected: {
      ordered: found[1] === "ordered",
      fail: found[1] === "fail" ? anyText : null,
      warn: found[1] === "warn" ? [anyText] : [],
      info: found[1] === "info" ? [anyText] : [],
      noWarn: false,
      noInfo: false,
      text: null,
      scalar: null,
      series: [],
    },
  };
  parseExpectations(command, block.slice(1));
  return command;
}

function parseExpectations(command: EvalCommand, lines: readonly string[]): void {
  const { expected } = command;
  for (const line of lines) {
    const old = /^expected_fail_(message|regexp)\s*(.*)$/.exec(line);
    if (old !== null && expected.fail !== null) {
      expected.fail = old[1] === "message" ? exactly(old[2]!) : containing(old[2]!);
      return;
    }
    if (line === "expect" || line.startsWith("expect ")) {
      parseExpect(command, line);
      continue;
    }
    const plain = /^([+-]?)(\S+)$/.exec(line);
    const read = plain === null ? null : numberValue(plain[2]!);
    if (read !== null && "value" in read) {
      expected.scalar = plain![1] === "-" ? -read.value : read.value;
      return;
    }
    const { labels, values } = parseSeriesLine(line);
    if (values.length > 1 && command.instant && !command.expectsRangeVector)
      throw new ScriptError("PROMQLTEST_SCRIPT", `several values for an instant query: ${line}`);
    const position = expected.series.length;
    const known = expected.series.findIndex((other) => other.labels.key === labels.key);
    if (known >= 0) expected.series.splice(known, 1);
    expected.series.push({ labels, values, position });
  }
}

function parseExpect(command: EvalCommand, line: string): void {
  const { expected } = command;
  const range = /^expect range vector\s+from\s+(\S+)\s+to\s+(\S+)\s+step\s+(\S+)$/.exec(line);
  if (range !== null) {
    command.expectsRangeVector = true;
    command.startMs = parsePromDuration(range[1]!);
    command.endMs = command.evalMs = parsePromDuration(range[2]!);
    command.stepMs = parsePromDuration(range[3]!);
    return;
  }
  const text = /^expect string (.*)$/.exec(line);
  if (text !== null) {
    expected.text = unquoteGo(text[1]!);
    if (expected.text === null) throw new ScriptError("PROMQLTEST_SCRIPT", `bad string: ${line}`);
    return;
  }
  const found = /^expect\s+(ordered|fail|warn|no_warn|info|no_info)(?:\s+(regex|msg):(.+))?$/.exec(
    line,
  );
  if (found === null) throw new ScriptError("PROMQLTEST_SCRIPT", `bad expect: ${line}`);
  const [, kind, form, rest] = found;
  const check: TextCheck =
    form === undefined
      ? anyText
      : form === "msg"
        ? exactly(rest!.trim())
        : containing(rest!.trim());
  if (kind === "ordered") expected.ordered = true;
  else if (kind === "no_warn") expected.noWarn = true;
  else if (kind === "no_info") expected.noInfo = true;
  else if (kind === "fail") {
    if (expected.fail !== null)
      throw new ScriptError("PROMQLTEST_SCRIPT", "several expect fail lines");
    expected.fail = check;
  } else expected[kind as "warn" | "info"].push(check);
}
