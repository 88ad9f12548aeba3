// Groups as the YAML of a rule file has them, before they are checked.
import type { Node } from "yaml";
import type { PartialResponseStrategy } from "../spec.ts";
import { DurationSyntax, parseDuration } from "./parse-duration.ts";
import { DecodeFailure, type Place, type YamlDecoder } from "./yaml-decoder.ts";

export interface RawRule {
  record: string;
  alert: string;
  expr: string;
  forMs: number;
  keepFiringForMs: number;
  labels: Map<string, string>;
  annotations: Map<string, string>;
  /** 0:0 where the field is not there. */
  recordAt: Place;
  alertAt: Place;
  exprAt: Place;
}

export interface RawGroup {
  name: string;
  intervalMs: number;
  queryOffsetMs: number | null;
  limit: number;
  strategy: PartialResponseStrategy;
  labels: Map<string, string>;
  rules: RawRule[];
}

const nowhere: Place = { line: 0, column: 0 };

/** Names of Go's types in errors: of the first reading, which is strict, and of the second. */
export interface TypeNames {
  readonly file: string;
  readonly group: string;
  readonly rule: string;
}

export const strictNames: TypeNames = {
  file: "rulefmt.RuleGroups",
  group: "rulefmt.RuleGroup",
  rule: "rulefmt.Rule",
};
export const nodeNames: TypeNames = {
  file: "rulefmt.ruleGroups",
  group: "rulefmt.RuleGroupNode",
  rule: "rulefmt.RuleNode",
};

/** Reads a duration. Throws DecodeFailure. */
export function decodeDuration(yaml: YamlDecoder, node: Node | null): number {
  if (yaml.isNull(yaml.resolve(node))) return 0;
  const before = yaml.errors.length;
  const text = yaml.text(node);
  if (yaml.errors.length > before) return 0;
  try {
    return parseDuration(text);
  } catch (thrown) {
    if (thrown instanceof DurationSyntax) throw new DecodeFailure(thrown.message);
    throw thrown;
  }
}

function decodeStrategy(text: string): PartialResponseStrategy {
  switch (text.toUpperCase()) {
    case "":
    case "ABORT":
      return "abort";
    case "WARN":
      return "warn";
  }
  throw new DecodeFailure(
    `failed to unmarshal ${JSON.stringify(text)} as 'partial_response_strategy'. Possible values are ABORT,WARN`,
  );
}

/** Reads all groups. Throws DecodeFailure; other errors are the decoder's. */
export function decodeGroups(yaml: YamlDecoder, root: Node | null, names: TypeNames): RawGroup[] {
  let groups: RawGroup[] = [];
  yaml.struct(root, names.file, {
    groups: (node) => {
      groups = yaml.list(node, `[]${names.group}`, (one) => decodeGroup(yaml, one, names));
    },
  });
  return groups;
}

function decodeGroup(yaml: YamlDecoder, node: Node | null, names: TypeNames): RawGroup {
  const group: RawGroup = {
    name: "",
    intervalMs: 0,
    queryOffsetMs: null,
    limit: 0,
    strategy: "abort",
    labels: new Map(),
    rules: [],
  };
  yaml.struct(node, names.group, {
    name: (value) => {
      group.name = yaml.text(value);
    },
    interval: (value) => {
      group.intervalMs = decodeDuration(yaml, value);
    },
    query_offset: (value) => {
      if (!yaml.isNull(yaml.resolve(value))) group.queryOffsetMs = decodeDuration(yaml, value);
    },
    limit: (value) => {
      group.limit = yaml.integer(value);
    },
    labels: (value) => {
      group.labels = yaml.texts(value);
    },
    partial_response_strategy: (value) => {
      group.strategy = decodeStrategy(yaml.text(value));
    },
    rules: (value) => {
      group.rules = yaml.list(value, `[]${names.rule}`, (one) => decodeRule(yaml, one, names));
    },
  });
  return group;
}

function decodeRule(yaml: YamlDecoder, node: Node | null, names: TypeNames): RawRule {
  const rule: RawRule = {
    record: "",
    alert: "",
    expr: "",
    forMs: 0,
    keepFiringForMs: 0,
    labels: new Map(),
    annotations: new Map(),
    recordAt: nowhere,
    alertAt: nowhere,
    exprAt: nowhere,
  };
  // The second reading takes any value for these three: it is only after their places.
  const text = (value: Node | null): string => (names === nodeNames ? "" : yaml.text(value));
  yaml.struct(node, names.rule, {
    record: (value) => {
      rule.record = text(value);
      rule.recordAt = yaml.place(value);
    },
    alert: (value) => {
      rule.alert = text(value);
      rule.alertAt = yaml.place(value);
    },
    expr: (value) => {
      rule.expr = text(value);
      rule.exprAt = yaml.place(value);
    },
    for: (value) => {
      rule.forMs = decodeDuration(yaml, value);
    },
    keep_firing_for: (value) => {
      rule.keepFiringForMs = decodeDuration(yaml, value);
    },
    labels: (value) => {
      rule.labels = yaml.texts(value);
    },
    annotations: (value) => {
      rule.annotations = yaml.texts(value);
    },
  });
  return rule;
}
