// Relabelling of series that come in, in Prometheus' rules.
import { createHash } from "node:crypto";
import { messageOf } from "@deucalion/base";
import {
  compileRegex,
  compileReplacer,
  decodeLabels,
  encodeLabels,
  type Labels,
  type Replacer,
} from "@deucalion/model";
import { ProtoWriter } from "@deucalion/rpc";
import { parse } from "yaml";
import { AppError } from "../errors.ts";
import { SeriesList } from "./write/series-list.ts";
import { metadataField, TimeSeriesView } from "./write/time-series.ts";

const actions = [
  "replace",
  "keep",
  "drop",
  "keepequal",
  "dropequal",
  "hashmod",
  "labelmap",
  "labeldrop",
  "labelkeep",
  "lowercase",
  "uppercase",
] as const;
type Action = (typeof actions)[number];

/** One rule, ready to run. */
export interface RelabelRule {
  readonly action: Action;
  readonly source: readonly string[];
  readonly separator: string;
  readonly matches: (value: string) => boolean;
  readonly replace: Replacer;
  /** Expands the target label of `replace`, which may name groups. */
  readonly target: Replacer;
  readonly targetLabel: string;
  readonly modulus: bigint;
}

function fail(reason: string): never {
  throw new AppError("APP_CONFIG", `parse relabel configuration: ${reason}`);
}

/** What fields are when they are not given. */
const fieldDefaults: Readonly<Record<string, unknown>> = {
  source_labels: undefined,
  target_label: "",
  regex: "(.*)",
  modulus: 0,
  separator: ";",
  replacement: "$1",
};

/** Actions that take few fields refuse the others, as in Prometheus. */
function checkNoOthers(action: Action, fields: ReadonlyMap<string, unknown>): void {
  const given = (name: string): boolean =>
    (fields.get(name) ?? fieldDefaults[name]) !== fieldDefaults[name];
  const compares = action === "keepequal" || action === "dropequal";
  if ((compares || action === "lowercase" || action === "uppercase") && given("replacement")) {
    fail(`'replacement' can not be set for ${action} action`);
  }
  if (compares && ["regex", "modulus", "separator"].some(given)) {
    fail(
      `${action} action requires only 'source_labels' and \`target_label\`, and no other fields`,
    );
  }
  const others = ["source_labels", "target_label", "modulus", "separator", "replacement"];
  if ((action === "labeldrop" || action === "labelkeep") && others.some(given)) {
    fail(`${action} action requires only 'regex', and no other fields`);
  }
}

function ruleOf(entry: unknown): RelabelRule {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry))
    fail("not a list of maps");
  const fields = new Map(Object.entries(entry as Record<string, unknown>));
  const action = String(fields.get("action") ?? "replace").toLowerCase() as Action;
  if (!actions.includes(action)) fail(`unknown relabel action ${JSON.stringify(action)}`);
  const source = fields.get("source_labels") ?? [];
  if (!Array.isArray(source)) fail("source_labels is not a list");
  const regex = String(fields.get("regex") ?? "(.*)");
  const targetLabel = String(fields.get("target_label") ?? "");
  const modulus = Number(fields.get("modulus") ?? 0);
  if (action === "hashmod" && !(modulus > 0)) {
    fail("relabel configuration for hashmod requires non-zero modulus");
  }
  const needsTarget = ["replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"];
  if (needsTarget.includes(action) && targetLabel === "") {
    fail(`relabel configuration for ${action} action requires 'target_label' value`);
  }
  checkNoOthers(action, fields);
  try {
    const compiled = compileRegex(regex);
    const replace = compileReplacer(regex, String(fields.get("replacement") ?? "$1"));
    const target = compileReplacer(regex, targetLabel);
    if (replace === null || target === null) fail(`regex ${regex}`);
    return {
      action,
      source: source.map(String),
      separator: String(fields.get("separator") ?? ";"),
      matches: (value) => compiled.matches(value),
      replace,
      target,
      targetLabel,
      modulus: BigInt(Math.trunc(modulus)),
    };
  } catch (error) {
    if (error instanceof AppError) throw error;
    return fail(messageOf(error));
  }
}

/** Parses a YAML list of rules; "" is none. Throws APP_CONFIG. */
export function parseRelabel(text: string): RelabelRule[] {
  const document: unknown = text.trim() === "" ? [] : parse(text);
  if (!Array.isArray(document)) return fail("not a list");
  return document.map(ruleOf);
}

const labelName = compileRegex("[a-zA-Z_][a-zA-Z0-9_]*");

/** The labels after all rules, or null where a rule drops them. */
export function relabel(labels: Labels, rules: readonly RelabelRule[]): Labels | null {
  let current = labels;
  for (const rule of rules) {
    const value = rule.source.map((name) => current.get(name)).join(rule.separator);
    switch (rule.action) {
      case "keep":
        if (!rule.matches(value)) return null;
        break;
      case "drop":
        if (rule.matches(value)) return null;
        break;
      case "keepequal":
        if (current.get(rule.targetLabel) !== value) return null;
        break;
      case "dropequal":
        if (current.get(rule.targetLabel) === value) return null;
        break;
      case "replace": {
        const text = rule.replace(value);
        const name = rule.target(value);
        if (text === null || name === null) break;
        if (labelName.matches(name)) current = current.with(name, text);
        break;
      }
      case "lowercase":
        current = current.with(rule.targetLabel, value.toLowerCase());
        break;
      case "uppercase":
        current = current.with(rule.targetLabel, value.toUpperCase());
        break;
      case "hashmod": {
        const low = createHash("md5").update(value).digest().readBigUInt64BE(8);
        current = current.with(rule.targetLabel, String(low % rule.modulus));
        break;
      }
      case "labelmap":
        for (const [name, text] of [...current]) {
          const to = rule.matches(name) ? rule.replace(name) : null;
          if (to !== null && to !== "") current = current.with(to, text);
        }
        break;
      case "labeldrop":
        current = current.drop(new Set([...current].map(([name]) => name).filter(rule.matches)));
        break;
      case "labelkeep":
        current = current.keep(new Set([...current].map(([name]) => name).filter(rule.matches)));
        break;
    }
  }
  return current.size === 0 ? null : current;
}

/** Series with their labels after all rules; those that rules drop are left out. */
export function relabelSeries(series: SeriesList, rules: readonly RelabelRule[]): SeriesList {
  if (rules.length === 0) return series;
  const out = new ProtoWriter(series.data.length);
  const bounds: { start: number; end: number }[] = [];
  const view = new TimeSeriesView();
  for (let i = 0; i < series.count; i++) {
    view.read(series.data, series.starts[i]!, series.ends[i]!);
    const labels = relabel(decodeLabels(view.labels), rules);
    if (labels === null) continue;
    const start = out.length;
    const bytes = encodeLabels(labels);
    out.raw(bytes.data, bytes.start, bytes.end);
    for (const [field, ranges] of [
      [2, view.samples],
      [3, view.exemplars],
      [4, view.histograms],
      [metadataField, view.metadata],
    ] as const) {
      for (let j = 0; j < ranges.length; j += 2) {
        out.tag(field, 2);
        out.uvarint(ranges[j + 1]! - ranges[j]!);
        out.raw(series.data, ranges[j]!, ranges[j + 1]!);
      }
    }
    bounds.push({ start, end: out.length });
  }
  const list = new SeriesList(out.finish());
  for (const { start, end } of bounds) {
    list.add(start, end);
  }
  return list;
}
