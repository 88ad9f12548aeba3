// Prometheus' relabelling of label sets, all actions.
import { createHash } from "node:crypto";
import { compileRegex, compileReplacer, Labels } from "@deucalion/model";
import { AppError } from "../../errors.ts";

const actions = [
  "replace",
  "keep",
  "drop",
  "hashmod",
  "labelmap",
  "labeldrop",
  "labelkeep",
  "lowercase",
  "uppercase",
  "keepequal",
  "dropequal",
] as const;
type Action = (typeof actions)[number];

/** One rule, checked. */
export interface RelabelRule {
  readonly action: Action;
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  readonly regex: string;
  readonly modulus: number;
  readonly targetLabel: string;
  readonly replacement: string;
}

/** What a rule does: new labels, or null where the series goes. */
export type Relabel = (labels: Labels) => Labels | null;

function fail(message: string): AppError {
  return new AppError("APP_CONFIG", `parse relabel configuration: ${message}`);
}

function parseRule(document: unknown): RelabelRule {
  if (typeof document !== "object" || document === null) throw fail("a rule must be a map");
  const rule = document as Record<string, unknown>;
  const action = String(rule.action ?? "replace").toLowerCase() as Action;
  if (!actions.includes(action)) throw fail(`unknown relabel action ${JSON.stringify(action)}`);
  const sources = rule.source_labels ?? [];
  if (!Array.isArray(sources)) throw fail("source_labels must be a list");
  const regex = String(rule.regex ?? "(.*)");
  try {
    compileRegex(regex);
  } catch {
    throw fail(`regular expression ${JSON.stringify(regex)} does not compile`);
  }
  const targetLabel = String(rule.target_label ?? "");
  const modulus = Number(rule.modulus ?? 0);
  const needsTarget = ["replace", "hashmod", "lowercase", "uppercase", "keepequal", "dropequal"];
  if (needsTarget.includes(action) && targetLabel === "") {
    throw fail(`relabel configuration for ${action} action requires 'target_label' value`);
  }
  if (action === "hashmod" && !(modulus > 0)) {
    throw fail("relabel configuration for hashmod requires non-zero modulus");
  }
  return {
    action,
    sourceLabels: sources.map(String),
    separator: String(rule.separator ?? ";"),
    regex,
    modulus,
    targetLabel,
    replacement: String(rule.replacement ?? "$1"),
  };
}

/** Reads a parsed YAML list. Throws APP_CONFIG. */
export function parseRelabel(document: unknown): RelabelRule[] {
  if (document === null || document === undefined) return [];
  if (!Array.isArray(document)) throw fail("must be a list");
  return document.map(parseRule);
}

/** All rules, one after the other. */
export function compileRelabel(rules: readonly RelabelRule[]): Relabel {
  const steps = rules.map(compileRule);
  return (labels) => {
    let current: Labels | null = labels;
    for (const step of steps) {
      current = step(current);
      if (current === null) return null;
    }
    return current;
  };
}

function compileRule(rule: RelabelRule): Relabel {
  const { action, sourceLabels, separator, targetLabel } = rule;
  const text = (labels: Labels): string =>
    sourceLabels.map((name) => labels.get(name)).join(separator);
  const matches = compileRegex(rule.regex).matches;
  switch (action) {
    case "replace":
      return replaceRule(rule, text);
    case "keep":
    case "drop":
      return (labels) => (matches(text(labels)) === (action === "keep") ? labels : null);
    case "keepequal":
    case "dropequal":
      return (labels) =>
        (text(labels) === labels.get(targetLabel)) === (action === "keepequal") ? labels : null;
    case "hashmod":
      return (labels) => labels.with(targetLabel, hashMod(text(labels), rule.modulus));
    case "lowercase":
      return (labels) => labels.with(targetLabel, text(labels).toLowerCase());
    case "uppercase":
      return (labels) => labels.with(targetLabel, text(labels).toUpperCase());
    case "labelmap":
      return labelMap(rule);
    case "labeldrop":
      return (labels) => Labels.from([...labels].filter(([name]) => !matches(name)));
    case "labelkeep":
      return (labels) => Labels.from([...labels].filter(([name]) => matches(name)));
  }
}

function hashMod(text: string, modulus: number): string {
  const digest = createHash("md5").update(text).digest();
  return String(digest.readBigUInt64BE(8) % BigInt(modulus));
}

function replaceRule(rule: RelabelRule, text: (labels: Labels) => string): Relabel {
  const value = compileReplacer(rule.regex, rule.replacement);
  const target = compileReplacer(rule.regex, rule.targetLabel);
  return (labels) => {
    const source = text(labels);
    const name = target?.(source) ?? null;
    const result = value?.(source) ?? null;
    if (name === null || result === null || name === "") return labels;
    return labels.with(name, result);
  };
}

function labelMap(rule: RelabelRule): Relabel {
  const rename = compileReplacer(rule.regex, rule.replacement);
  return (labels) => {
    const added: [string, string][] = [];
    for (const [name, value] of labels) {
      const mapped = rename?.(name) ?? null;
      if (mapped !== null) added.push([mapped, value]);
    }
    return added.length === 0 ? labels : Labels.from([...labels, ...added]);
  };
}

/** A rule as Thanos writes it into meta.json. */
export function relabelJson(rule: RelabelRule): object {
  return {
    source_labels: rule.sourceLabels,
    separator: rule.separator,
    regex: rule.regex,
    ...(rule.modulus > 0 ? { modulus: rule.modulus } : {}),
    ...(rule.targetLabel === "" ? {} : { target_label: rule.targetLabel }),
    replacement: rule.replacement,
    action: rule.action,
  };
}
