// The ruler's own rules as a source of the Rules API.
import type { Labels } from "@deucalion/model";
import type { RuleGroup } from "@deucalion/rules";
import type { RuleGroup as RuleGroupMessage, RulesRequest, RulesSource } from "@deucalion/storeapi";
import { ruleGroupMessages } from "./rule-groups.ts";

/** Type of a request: all, alerts, or records. */
const kinds = ["", "alert", "recording"] as const;

export class OwnRules implements RulesSource {
  readonly #groups: () => readonly RuleGroup[];
  readonly #external: Labels;

  constructor(groups: () => readonly RuleGroup[], external: Labels) {
    this.#groups = groups;
    this.#external = external;
  }

  /** Groups with rules of one kind, 0 all, 1 alerting, 2 recording; groups without any stay. */
  ofKind(type: number): RuleGroupMessage[] {
    const groups = ruleGroupMessages(this.#groups(), this.#external);
    const kind = kinds[type] ?? "";
    if (kind === "") return groups;
    return groups.map((group) => ({
      ...group,
      rules: group.rules.filter((rule) => rule[kind] !== undefined),
    }));
  }

  rules({ type }: RulesRequest): Promise<RuleGroupMessage[]> {
    return Promise.resolve(this.ofKind(type));
  }
}
