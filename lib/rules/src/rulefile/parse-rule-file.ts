// Reads rule files: Prometheus' format with Thanos' `partial_response_strategy` of groups.
import { compareStrings, Labels } from "@deucalion/model";
import {
  engineDefaults,
  type ParseOptions,
  parseExpr,
  printExpr,
  quoteGo,
} from "@deucalion/promql";
import type { Annotations, RuleFileResult, RuleGroupSpec, RuleSpec } from "../spec.ts";
import {
  decodeGroups,
  nodeNames,
  type RawGroup,
  type RawRule,
  strictNames,
  type TypeNames,
} from "./raw-groups.ts";
import { labelProblems, type RuleProblem, ruleProblems } from "./validate-rule.ts";
import {
  DecodeFailure,
  type ParsedYaml,
  parseYaml,
  typeErrors,
  YamlDecoder,
} from "./yaml-decoder.ts";

export interface RuleFileOptions {
  /** What the expressions may use. */
  readonly parse: ParseOptions;
  /** Unknown fields are no errors. */
  readonly ignoreUnknownFields: boolean;
}

export const ruleFileDefaults: RuleFileOptions = {
  parse: engineDefaults.parse,
  ignoreUnknownFields: false,
};

/** Parses and checks a file's text; `name` is what errors and groups call the file. Never throws for bad input. */
export function parseRuleFile(
  text: string,
  name: string,
  options: Partial<RuleFileOptions> = {},
): RuleFileResult {
  const { parse, ignoreUnknownFields } = { ...ruleFileDefaults, ...options };
  const yaml = parseYaml(text);
  const warnings =
    yaml.documents > 1
      ? [
          "Multiple document yaml rules files are not supported, only the first document is processed",
        ]
      : [];
  const failed = (errors: readonly string[]): RuleFileResult => ({
    groups: [],
    errors: errors.map((error) => `${name}: ${error}`),
    warnings,
  });
  if (yaml.problem !== null) return failed([yaml.problem]);
  const strict = decode(yaml, !ignoreUnknownFields, strictNames);
  // Prometheus reads twice, for the places, and so tells of wrong types twice.
  const again = decode(yaml, false, nodeNames);
  const broken = [strict.error, again.error].filter((error) => error !== null);
  if (broken.length > 0) return failed(broken);
  const errors = groupErrors(strict.groups, parse);
  if (errors.length > 0) return failed(errors);
  return { groups: strict.groups.map((group) => groupSpec(group, name, parse)), errors, warnings };
}

function decode(
  yaml: ParsedYaml,
  strict: boolean,
  names: TypeNames,
): { groups: RawGroup[]; error: string | null } {
  const decoder = new YamlDecoder(yaml, strict);
  try {
    const groups = decodeGroups(decoder, yaml.root, names);
    return { groups, error: typeErrors(decoder.errors) };
  } catch (thrown) {
    if (thrown instanceof DecodeFailure) return { groups: [], error: thrown.message };
    throw thrown;
  }
}

function groupErrors(groups: readonly RawGroup[], parse: ParseOptions): string[] {
  const errors: string[] = [];
  const names = new Set<string>();
  for (const group of groups) {
    // Prometheus looks for the places of groups where they never are.
    if (group.name === "") errors.push("0:0: Groupname must not be empty");
    if (names.has(group.name))
      errors.push(`0:0: groupname: "${group.name}" is repeated in the same file`);
    errors.push(...labelProblems(group.labels));
    names.add(group.name);
    group.rules.forEach((rule, index) => {
      for (const problem of ruleProblems(rule, parse))
        errors.push(problemText(problem, group, rule, index));
    });
  }
  return errors;
}

function problemText(
  { message, at, also }: RuleProblem,
  group: RawGroup,
  rule: RawRule,
  index: number,
): string {
  const places = [at, also]
    .filter((place) => place !== undefined)
    .map(({ line, column }) => `${line}:${column}: `);
  const name = quoteGo(rule.alert === "" ? rule.record : rule.alert);
  return `${places.join("")}group ${quoteGo(group.name)}, rule ${index + 1}, ${name}: ${message}`;
}

function sorted(entries: ReadonlyMap<string, string>): Annotations {
  return [...entries].sort(([a], [b]) => compareStrings(a, b));
}

function groupSpec(group: RawGroup, file: string, parse: ParseOptions): RuleGroupSpec {
  return {
    name: group.name,
    file,
    intervalMs: group.intervalMs,
    queryOffsetMs: group.queryOffsetMs,
    limit: group.limit,
    partialResponseStrategy: group.strategy,
    rules: group.rules.map((rule) => ruleSpec(rule, group, parse)),
  };
}

function ruleSpec(rule: RawRule, group: RawGroup, parse: ParseOptions): RuleSpec {
  const labels = new Labels(sorted(new Map([...group.labels, ...rule.labels])).flat());
  const query = printExpr(parseExpr(rule.expr, parse));
  if (rule.alert === "") return { kind: "recording", name: rule.record, query, labels };
  const { forMs, keepFiringForMs } = rule;
  const annotations = sorted(rule.annotations);
  return { kind: "alerting", name: rule.alert, query, labels, forMs, keepFiringForMs, annotations };
}
