// Quick rules of a group asked for in one query: `label_replace(a, "__rule__", "0", "", "") or label_replace(b, …`.
import { type Log, messageOf } from "@deucalion/base";
import { Labels } from "@deucalion/model";
import type { RuleQueryOptions, RuleQueryResult, RuleSample, RuleSpec } from "@deucalion/rules";

/** Tells apart whose a series is; nobody else's labels begin like this. */
const ruleLabel = "__rule__";
/** Rules that take longer, ms, or give more series are asked for by themselves: together they could run into limits. */
const quickMs = 50;
const fewSeries = 100;
const rulesMin = 3;
const rulesMax = 64;
const textMax = 32_768;
/** After a batch that did not work out the group goes without for so long. */
const pauseMs = 10 * 60_000;

export interface BatchedQueriesDeps {
  query(
    expr: string,
    timeMs: number,
    options: Omit<RuleQueryOptions, "rule" | "group">,
  ): Promise<RuleQueryResult & { readonly isVector?: boolean }>;
  readonly now: () => number;
  readonly log: Log;
}

type GroupOptions = Omit<RuleQueryOptions, "rule">;

function groupKey({ group, strategy }: GroupOptions): string {
  return `${group.file};${group.name};${strategy}`;
}

/** Answers queries of rules; those that `prepare` asked for together are there already. */
export class BatchedQueries {
  readonly #deps: BatchedQueriesDeps;
  /** Whether an expression was quick when it was last asked for alone. */
  readonly #quick = new Map<string, boolean>();
  readonly #pausedUntil = new Map<string, number>();
  /** Results by group, for one evaluation time. */
  readonly #ready = new Map<string, { timeMs: number; results: Map<string, RuleSample[]> }>();

  constructor(deps: BatchedQueriesDeps) {
    this.#deps = deps;
  }

  /** Asks for quick ones of `rules` in one query. Never throws: what fails is asked for one by one. */
  async prepare(rules: readonly RuleSpec[], timeMs: number, options: GroupOptions): Promise<void> {
    const { now, log } = this.#deps;
    const key = groupKey(options);
    this.#ready.delete(key);
    if ((this.#pausedUntil.get(key) ?? 0) > now()) return;
    const exprs: string[] = [];
    let length = 0;
    for (const expr of new Set(rules.map(({ query }) => query))) {
      if (this.#quick.get(expr) !== true || exprs.length >= rulesMax) continue;
      length += expr.length + 48;
      if (length > textMax) break;
      exprs.push(expr);
    }
    if (exprs.length < rulesMin) return;
    const text = exprs
      .map((expr, i) => `label_replace(${expr}, "${ruleLabel}", "${i}", "", "")`)
      .join(" or ");
    const begun = now();
    try {
      const answer = await this.#deps.query(text, timeMs, options);
      const results = answer.warnings.length > 0 ? null : splitByRule(answer.samples, exprs);
      if (results !== null) {
        this.#ready.set(key, { timeMs, results });
        for (const [expr, { length: series }] of results) {
          if (series > fewSeries) this.#quick.set(expr, false);
        }
      }
      if (results !== null && now() - begun <= quickMs * exprs.length) return;
    } catch (error) {
      if (options.signal.aborted) return;
      log.debug("rules that were asked for together are asked for one by one", {
        err: messageOf(error),
        group: options.group.name,
      });
    }
    this.#pausedUntil.set(key, now() + pauseMs);
  }

  /** As `RuleGroupDeps.query`. */
  async query(expr: string, timeMs: number, options: RuleQueryOptions): Promise<RuleQueryResult> {
    const { now, query } = this.#deps;
    const ready = this.#ready.get(groupKey(options));
    const samples = ready?.timeMs === timeMs ? ready.results.get(expr) : undefined;
    if (samples !== undefined) return { samples, warnings: [] };
    const begun = now();
    const answer = await query(expr, timeMs, options);
    const quick =
      answer.isVector === true &&
      answer.warnings.length === 0 &&
      answer.samples.length <= fewSeries &&
      now() - begun <= quickMs;
    this.#quick.set(expr, quick);
    return answer;
  }

  /** Forgets expressions that are in no rule any more. */
  keep(exprs: ReadonlySet<string>): void {
    for (const expr of this.#quick.keys()) if (!exprs.has(expr)) this.#quick.delete(expr);
    this.#ready.clear();
    this.#pausedUntil.clear();
  }
}

/** Samples by expression; null if one cannot be told whose it is. */
function splitByRule(
  samples: readonly RuleSample[],
  exprs: readonly string[],
): Map<string, RuleSample[]> | null {
  const results = new Map<string, RuleSample[]>(exprs.map((expr) => [expr, []]));
  for (const sample of samples) {
    const { pairs } = sample.labels;
    const at = pairs.indexOf(ruleLabel);
    const list = at < 0 || at % 2 !== 0 ? undefined : results.get(exprs[Number(pairs[at + 1])]!);
    if (list === undefined) return null;
    list.push({ ...sample, labels: new Labels([...pairs.slice(0, at), ...pairs.slice(at + 2)]) });
  }
  return results;
}
