// Quick rules of a group asked for in one query: `label_replace(a, "__rule__", "0", "", "") or label_replace(b, …`.
import { type Log, messageOf } from "@deucalion/base";
import { Labels } from "@deucalion/model";
import type { RuleQueryOptions, RuleQueryResult, RuleSample, RuleSpec } from "@deucalion/rules";

/** Tells apart whose a series is; nobody else's labels begin like this. */
const ruleLabel = "__rule__";
/** Rules that take longer, ms, or give more series are asked for by themselves: together they could run into limits. */
const quickMs = 500;
const fewSeries = 100;
/** What one query may take together, by what its rules took before, ms. */
const batchMs = 5000;
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
  /** How long expressions took that are quick and give few series, ms. */
  readonly #took = new Map<string, number>();
  readonly #pausedUntil = new Map<string, number>();
  /** Results by group, for one evaluation time. */
  readonly #ready = new Map<string, { timeMs: number; results: Map<string, RuleSample[]> }>();

  constructor(deps: BatchedQueriesDeps) {
    this.#deps = deps;
  }

  /** Asks for quick ones of `rules` together. Never throws: what fails is asked for one by one. */
  async prepare(rules: readonly RuleSpec[], timeMs: number, options: GroupOptions): Promise<void> {
    const { now, log } = this.#deps;
    const key = groupKey(options);
    this.#ready.delete(key);
    if ((this.#pausedUntil.get(key) ?? 0) > now()) return;
    const results = new Map<string, RuleSample[]>();
    try {
      for (const exprs of this.#batches(rules)) {
        if (!(await this.#ask(exprs, timeMs, options, results))) {
          this.#pausedUntil.set(key, now() + pauseMs);
          break;
        }
      }
    } catch (error) {
      if (options.signal.aborted) return;
      this.#pausedUntil.set(key, now() + pauseMs);
      log.debug("rules that were asked for together are asked for one by one", {
        err: messageOf(error),
        group: options.group.name,
      });
    }
    if (results.size > 0) this.#ready.set(key, { timeMs, results });
  }

  /** Expressions that are asked for together. */
  *#batches(rules: readonly RuleSpec[]): IterableIterator<string[]> {
    let exprs: string[] = [];
    let length = 0;
    let ms = 0;
    for (const expr of new Set(rules.map(({ query }) => query))) {
      const took = this.#took.get(expr);
      if (took === undefined) continue;
      length += expr.length + 48;
      ms += took;
      if (
        exprs.length >= rulesMin &&
        (exprs.length >= rulesMax || length > textMax || ms > batchMs)
      ) {
        yield exprs;
        exprs = [];
        length = expr.length + 48;
        ms = took;
      }
      exprs.push(expr);
    }
    if (exprs.length >= rulesMin) yield exprs;
  }

  /** One query for several expressions; false if its answer is of no use. */
  async #ask(
    exprs: readonly string[],
    timeMs: number,
    options: GroupOptions,
    results: Map<string, RuleSample[]>,
  ): Promise<boolean> {
    const { now, query } = this.#deps;
    const text = joined(
      exprs.map((expr, i) => `label_replace(${expr}, "${ruleLabel}", "${i}", "", "")`),
    );
    const begun = now();
    const answer = await query(text, timeMs, options);
    const split = answer.warnings.length > 0 ? null : splitByRule(answer.samples, exprs);
    if (split === null) return false;
    const tookMs = (now() - begun) / exprs.length;
    for (const [expr, samples] of split) {
      results.set(expr, samples);
      this.#note(expr, samples.length, tookMs);
    }
    return true;
  }

  #note(expr: string, series: number, tookMs: number): void {
    if (series <= fewSeries && tookMs <= quickMs) this.#took.set(expr, tookMs);
    else this.#took.delete(expr);
  }

  /** As `RuleGroupDeps.query`. */
  async query(expr: string, timeMs: number, options: RuleQueryOptions): Promise<RuleQueryResult> {
    const { now, query } = this.#deps;
    const ready = this.#ready.get(groupKey(options));
    const samples = ready?.timeMs === timeMs ? ready.results.get(expr) : undefined;
    if (samples !== undefined) return { samples, warnings: [] };
    const begun = now();
    const answer = await query(expr, timeMs, options);
    // A scalar cannot stand beside vectors.
    if (answer.isVector === true && answer.warnings.length === 0) {
      this.#note(expr, answer.samples.length, now() - begun);
    } else this.#took.delete(expr);
    return answer;
  }

  /** Forgets expressions that are in no rule any more. */
  keep(exprs: ReadonlySet<string>): void {
    for (const expr of this.#took.keys()) if (!exprs.has(expr)) this.#took.delete(expr);
    this.#ready.clear();
    this.#pausedUntil.clear();
  }
}

/** A tree of `or`, not a chain: each series is compared with few others. */
function joined(parts: readonly string[]): string {
  if (parts.length === 1) return parts[0]!;
  const half = Math.ceil(parts.length / 2);
  return `(${joined(parts.slice(0, half))} or ${joined(parts.slice(half))})`;
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
