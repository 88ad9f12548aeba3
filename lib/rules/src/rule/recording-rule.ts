// A recording rule: the result of an expression under another name.

import type { AppendSample, RuleSample } from "../deps.ts";
import { RulesError } from "../errors.ts";
import type { RecordingRuleSpec } from "../spec.ts";
import { type OverlayPairs, overlay, overlayPairs } from "./overlay.ts";
import { RuleMemory } from "./rule-health.ts";

export class RecordingRule {
  readonly kind = "recording";
  readonly spec: RecordingRuleSpec;
  memory = new RuleMemory();
  readonly #over: OverlayPairs;

  constructor(spec: RecordingRuleSpec) {
    this.spec = spec;
    this.#over = overlayPairs([["__name__", spec.name], ...spec.labels]);
  }

  /** What is to be stored for a result. Throws RULES_DUPLICATE and RULES_LIMIT. */
  samples(result: readonly RuleSample[], timeMs: number, limit: number): AppendSample[] {
    const seen = new Set<string>();
    const out: AppendSample[] = [];
    for (const { labels, value, histogram } of result) {
      const named = overlay(labels, this.#over);
      seen.add(named.key);
      out.push({ labels: named, timeMs, value, histogram });
    }
    if (seen.size < out.length) {
      throw new RulesError(
        "RULES_DUPLICATE",
        "vector contains metrics with the same labelset after applying rule labels",
      );
    }
    if (limit > 0 && out.length > limit) {
      const message = `exceeded limit of ${limit} with ${out.length} series`;
      throw new RulesError("RULES_LIMIT", message, { limit, series: out.length });
    }
    return out;
  }
}
