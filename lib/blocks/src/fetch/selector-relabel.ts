// `--selector.relabel-config`: which blocks this process takes, by their external labels.
import { createHash } from "node:crypto";
import { Labels, Matcher } from "@deucalion/model";
import { BlocksError } from "../errors.ts";
import type { MetaFilter } from "./meta-filter.ts";

interface RelabelRule {
  readonly action: "keep" | "drop" | "hashmod";
  readonly sourceLabels: readonly string[];
  readonly separator: string;
  readonly regex: Matcher;
  readonly modulus: bigint;
  readonly targetLabel: string;
}

/** Parsed rules; made by `parseSelectorRelabel`. */
export type SelectorRelabel = readonly RelabelRule[];

const keys = [
  "source_labels",
  "separator",
  "regex",
  "modulus",
  "target_label",
  "replacement",
  "action",
];

function fail(message: string): BlocksError {
  return new BlocksError("BLOCKS_RELABEL", message);
}

function parseRule(entry: unknown): RelabelRule {
  if (typeof entry !== "object" || entry === null || Array.isArray(entry))
    throw fail("relabel configuration must be a list of maps");
  const rule = entry as Record<string, unknown>;
  for (const key of Object.keys(rule))
    if (!keys.includes(key)) throw fail(`unknown field in relabel configuration: ${key}`);
  const action = String(rule.action ?? "replace").toLowerCase();
  if (action !== "keep" && action !== "drop" && action !== "hashmod")
    throw fail(`unsupported relabel action: ${action}`);
  const labels = rule.source_labels ?? [];
  if (!Array.isArray(labels) || labels.some((label) => typeof label !== "string"))
    throw fail("source_labels must be a list of label names");
  const modulus = rule.modulus ?? 0;
  const target = String(rule.target_label ?? "");
  if (typeof modulus !== "number" || !Number.isSafeInteger(modulus) || modulus < 0)
    throw fail("modulus must be a whole number");
  if (action === "hashmod" && modulus === 0)
    throw fail("relabel configuration for hashmod requires non-zero modulus");
  if (action === "hashmod" && target === "")
    throw fail("relabel configuration for hashmod action requires 'target_label' value");
  return {
    action,
    sourceLabels: labels as string[],
    separator: String(rule.separator ?? ";"),
    regex: new Matcher("=~", "", String(rule.regex ?? "(.*)")),
    modulus: BigInt(modulus),
    targetLabel: target,
  };
}

/** Checks a parsed YAML list. Only keep, drop and hashmod are allowed. Throws BLOCKS_RELABEL. */
export function parseSelectorRelabel(document: unknown): SelectorRelabel {
  if (document === null || document === undefined || document === "") return [];
  if (!Array.isArray(document)) throw fail("relabel configuration must be a list");
  return document.map(parseRule);
}

/** The labels after all rules, or null where a rule drops them. */
export function relabelSelected(labels: Labels, rules: SelectorRelabel): Labels | null {
  let current = labels;
  for (const rule of rules) {
    const text = rule.sourceLabels.map((name) => current.get(name)).join(rule.separator);
    if (rule.action === "hashmod") {
      const low = createHash("md5").update(text).digest().readBigUInt64BE(8);
      current = current.with(rule.targetLabel, String(low % rule.modulus));
    } else if (rule.regex.matches(text) !== (rule.action === "keep")) return null;
  }
  return current;
}

/** Drops blocks whose external labels (and `__block_id`) are dropped by the rules. */
export function labelShardFilter(rules: SelectorRelabel): MetaFilter {
  return {
    filter(metas, excluded) {
      if (rules.length === 0) return;
      for (const [id, meta] of metas) {
        const labels = Labels.from({ ...meta.thanos.labels, __block_id: id });
        if (relabelSelected(labels, rules) !== null) continue;
        metas.delete(id);
        excluded(id, "label-excluded");
      }
    },
  };
}
