// The functions that Prometheus adds to templates.
import { messageOf } from "@deucalion/base";
import { compileSearch } from "@deucalion/model";
import type { RuleSample } from "../deps.ts";
import { parseDuration } from "../rulefile/parse-duration.ts";
import { escapeQuery } from "./builtins.ts";
import { byBytes } from "./go/by-bytes.ts";
import { durationPointer } from "./go/go-time.ts";
import {
  type FunctionLookup,
  GoFailure,
  type GoFunction,
  GoInterface,
  GoMap,
  GoPointer,
  GoSlice,
  GoStruct,
  GoText,
  type GoValue,
} from "./go/go-value.ts";
import { toLower, toTitle, toUpper } from "./go/letter-case.ts";
import { stripDomain, stripPort } from "./host-port.ts";
import {
  floatToTime,
  humanize,
  humanize1024,
  humanizeDuration,
  humanizePercentage,
  humanizeTimestamp,
  toFloat,
} from "./humanize.ts";
import { sampleValue } from "./sample-value.ts";

/** What the functions of one expansion know. */
export interface FunctionContext {
  /** Milliseconds. */
  readonly timeMs: number;
  /** Null where the process has none: the functions then fail as Prometheus' do. */
  readonly externalUrl: string | null;
  /** The answer to a query. Throws what is to end the execution. */
  readonly query: (text: string) => readonly RuleSample[];
}

const nilPointer = "runtime error: invalid memory address or nil pointer dereference";
const queryResult = "template.queryResult";
const samplePointer = "*template.sample";

function labelsMap(sample: RuleSample): GoMap {
  return new GoMap("string", new Map(sample.labels));
}

function sampleOf(sample: RuleSample): GoPointer {
  const fields = new Map<string, GoValue>([
    ["Labels", labelsMap(sample)],
    ["Value", new GoInterface(sampleValue(sample))],
  ]);
  return new GoPointer(samplePointer, new GoStruct("template.sample", fields));
}

function labelOf(sample: GoValue, name: string): string {
  return String((structOf(sample).fields.get("Labels") as GoMap).get(name) ?? "");
}

function structOf(sample: GoValue): GoStruct {
  const { target } = sample as GoPointer;
  if (!(target instanceof GoStruct)) throw new GoFailure(nilPointer);
  return target;
}

function withText(change: (text: string) => string): GoFunction {
  return { params: ["string"], call: ([text]) => change(text as string) };
}

function withNumber(change: (value: GoValue) => GoValue): GoFunction {
  return { params: ["any"], call: ([value]) => change(value) };
}

function search(pattern: string): ReturnType<typeof compileSearch> {
  try {
    return compileSearch(pattern);
  } catch (thrown) {
    throw new GoFailure(messageOf(thrown));
  }
}

function replaceAll(pattern: string, replacement: string, text: string): string {
  try {
    return compileSearch(pattern).replaceAll(text, replacement);
  } catch (thrown) {
    const shown = pattern.includes("`") ? JSON.stringify(pattern) : `\`${pattern}\``;
    throw new GoFailure(`regexp: Compile(${shown}): ${messageOf(thrown)}`);
  }
}

function durationSeconds(text: string): number {
  const negative = text.startsWith("-");
  try {
    const ms = parseDuration(negative ? text.slice(1) : text);
    return (negative ? -ms : ms) / 1000;
  } catch (thrown) {
    throw new GoFailure(messageOf(thrown));
  }
}

function toTime(given: GoValue): GoValue {
  const time = floatToTime(toFloat(given));
  if (time === null) throw new GoFailure("value is NaN or Inf");
  return time;
}

function toDuration(given: GoValue): GoValue {
  const nanos = toFloat(given) * 1e9;
  const fits = Math.abs(nanos) < 2 ** 63;
  return durationPointer(fits ? BigInt(Math.trunc(nanos)) : -(1n << 63n));
}

function pathOf(url: string): string {
  const path = /^[a-zA-Z][a-zA-Z0-9+.-]*:\/\/[^/?#]*([^?#]*)/.exec(url)?.[1] ?? "";
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}

/** Functions that need nothing but their arguments. */
const pureFunctions: Readonly<Record<string, GoFunction>> = {
  first: {
    params: [queryResult],
    call: ([result]) => {
      const { items } = result as GoSlice;
      if (items.length === 0) throw new GoFailure("first() called on vector with no elements");
      return items[0];
    },
  },
  label: {
    params: ["string", samplePointer],
    call: ([name, sample]) => labelOf(sample, name as string),
  },
  value: { params: [samplePointer], call: ([sample]) => structOf(sample).fields.get("Value") },
  strvalue: { params: [samplePointer], call: ([sample]) => labelOf(sample, "__value__") },
  args: {
    params: ["any"],
    variadic: true,
    call: (args) => new GoMap("any", new Map(args.map((arg, index) => [`arg${index}`, arg]))),
  },
  sortByLabel: {
    params: ["string", queryResult],
    call: ([name, result]) => {
      const label = name as string;
      const { items } = result as GoSlice;
      items.sort((a, b) => byBytes(labelOf(a, label), labelOf(b, label)));
      return result;
    },
  },
  reReplaceAll: {
    params: ["string", "string", "string"],
    call: ([pattern, replacement, text]) =>
      replaceAll(pattern as string, replacement as string, text as string),
  },
  match: {
    params: ["string", "string"],
    call: ([pattern, text]) => search(pattern as string).found(text as string),
  },
  safeHtml: {
    params: ["string"],
    call: ([text]) => new GoText("template.HTML", text as string),
  },
  title: withText(toTitle),
  toUpper: withText(toUpper),
  toLower: withText(toLower),
  graphLink: withText((expr) => `/graph?g0.expr=${escapeQuery(expr)}&g0.tab=0`),
  tableLink: withText((expr) => `/graph?g0.expr=${escapeQuery(expr)}&g0.tab=1`),
  stripPort: withText(stripPort),
  stripDomain: withText(stripDomain),
  urlQueryEscape: withText(escapeQuery),
  parseDuration: { params: ["string"], call: ([text]) => durationSeconds(text as string) },
  humanize: withNumber(humanize),
  humanize1024: withNumber(humanize1024),
  humanizeDuration: withNumber(humanizeDuration),
  humanizePercentage: withNumber(humanizePercentage),
  humanizeTimestamp: withNumber(humanizeTimestamp),
  toTime: withNumber(toTime),
  toDuration: withNumber(toDuration),
};

const pure: ReadonlyMap<string, GoFunction> = new Map(Object.entries(pureFunctions));

function contextual(context: FunctionContext): Readonly<Record<string, GoFunction>> {
  const url = (): string => {
    if (context.externalUrl === null) throw new GoFailure(nilPointer);
    return context.externalUrl;
  };
  return {
    query: {
      params: ["string"],
      call: ([text]) => new GoSlice(queryResult, context.query(text as string).map(sampleOf)),
    },
    now: { params: [], call: () => context.timeMs / 1000 },
    externalURL: { params: [], call: () => url() },
    pathPrefix: { params: [], call: () => pathOf(url()) },
  };
}

/** Finds the functions of one expansion by name. */
export function templateFunctions(context: FunctionContext): FunctionLookup {
  const own = contextual(context);
  return (name) => pure.get(name) ?? (Object.hasOwn(own, name) ? own[name] : undefined);
}

/** Names of the functions that Prometheus adds. */
export const functionNames: readonly string[] = [
  ...pure.keys(),
  "query",
  "now",
  "externalURL",
  "pathPrefix",
];
