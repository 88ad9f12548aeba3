// Runs one group of tests: rules over input series as time goes on, alerts and expressions compared.
import { formatGoDuration, formatPromDuration, messageOf, silentLog } from "@deucalion/base";
import { compareLabels, histogramTestExpression, Labels } from "@deucalion/model";
import {
  type Engine,
  engineDefaults,
  parseExpr,
  quoteGo,
  type VectorSample,
} from "@deucalion/promql";
import {
  AlertingRule,
  RuleGroup,
  type RuleGroupSpec,
  type RuleSample,
  RulesError,
  ruleGroupDefaults,
} from "@deucalion/rules";
import { parseLabels, parseSeriesLine } from "../promqltest/series-line.ts";
import {
  alertsText,
  type ComparedAlert,
  type ComparedSample,
  colouredDiff,
  compareAlerts,
  indentLines,
  labelsText,
  samplesText,
} from "./result-text.ts";
import type { AlertTest, ExprTest, TestGroup } from "./test-file.ts";
import { TestStorage } from "./test-storage.ts";

export interface TestGroupDeps {
  readonly engine: Engine;
  readonly groups: readonly RuleGroupSpec[];
  readonly evaluationIntervalMs: number;
  readonly fuzzyCompare: boolean;
  /** Differences instead of both texts. */
  readonly diff: boolean;
  /** Takes lines about what goes on; null: not wanted. */
  readonly debug: ((line: string) => void) | null;
}

/** Runs a group of tests and returns what is wrong, in promtool's words; empty if all is well. */
export async function runTestGroup(test: TestGroup, deps: TestGroupDeps): Promise<string[]> {
  const run = new TestRun(test, deps);
  return run.run();
}

/** promtool loads all input as one text, a series a line behind a first one, and parses labels as PromQL does. */
function seriesProblem(line: string, index: number, message: string): string {
  try {
    parseExpr(line, engineDefaults.parse);
  } catch (thrown) {
    const text = messageOf(thrown);
    if (text.includes("inside braces")) return text.replace(/^1:/, `${index + 2}:`);
  }
  return message;
}

/** The last time at which anything is looked at, from the start. */
function lastEvalMs({ alertTests, exprTests }: TestGroup): number {
  return Math.max(0, ...[...alertTests, ...exprTests].map(({ evalTimeMs }) => evalTimeMs));
}

class TestRun {
  readonly #test: TestGroup;
  readonly #deps: TestGroupDeps;
  readonly #storage: TestStorage;
  readonly #groups: readonly RuleGroup[];
  readonly #errors: string[] = [];

  constructor(test: TestGroup, deps: TestGroupDeps) {
    this.#test = test;
    this.#deps = deps;
    this.#storage = new TestStorage(test.startMs, test.intervalMs);
    this.#groups = deps.groups.map((spec) => this.#group(spec));
  }

  #group(spec: RuleGroupSpec): RuleGroup {
    const { externalLabels, externalUrl, intervalMs } = this.#test;
    const options = {
      ...ruleGroupDefaults,
      intervalMs,
      externalLabels,
      externalUrl,
      // promtool's rules have no URL of their own process.
      functionUrl: null,
      backfillMs: 0,
    };
    return new RuleGroup(
      spec,
      {
        query: async (expr, timeMs) => ({ samples: await this.#query(expr, timeMs), warnings: [] }),
        append: async (samples) => this.#storage.append(samples),
        notify: () => undefined,
        now: Date.now,
        log: silentLog,
      },
      options,
    );
  }

  async #query(expr: string, timeMs: number): Promise<readonly RuleSample[]> {
    const { value } = await this.#deps.engine.instant(expr, this.#storage, timeMs);
    if (value.type === "vector") return value.samples;
    if (value.type === "scalar") return [{ labels: Labels.empty, value: value.value }];
    throw new RulesError("RULES_RESULT", "rule result is not a vector or scalar");
  }

  async run(): Promise<string[]> {
    const { alertTests, inputSeries, startMs, name } = this.#test;
    const nameless = alertTests.find(({ alertname }) => alertname === "");
    for (const [index, { series, values }] of inputSeries.entries()) {
      try {
        this.#storage.load(series, values);
      } catch (thrown) {
        return [seriesProblem(`${series} ${values}`, index, messageOf(thrown))];
      }
    }
    if (nameless !== undefined) {
      const where = name === "" ? "" : ` (in TestGroup ${name})`;
      const time = formatPromDuration(nameless.evalTimeMs);
      return [
        `an item under alert_rule_test misses required attribute alertname at eval_time ${time}${where}`,
      ];
    }
    const step = this.#deps.evaluationIntervalMs;
    const times = [...new Set(alertTests.map(({ evalTimeMs }) => evalTimeMs))].sort(
      (a, b) => a - b,
    );
    let next = 0;
    const endMs = startMs + lastEvalMs(this.#test);
    for (let timeMs = startMs; timeMs <= endMs; timeMs += step) {
      if (!(await this.#evaluate(timeMs))) return this.#errors;
      const since = timeMs - startMs;
      for (; next < times.length && since <= times[next]! && times[next]! < since + step; next++)
        this.#checkAlerts(times[next]!);
    }
    for (const one of this.#test.exprTests) await this.#checkExpr(one);
    await this.#dump();
    return this.#errors;
  }

  /** Evaluates all groups; false if a rule failed, which ends the tests. */
  async #evaluate(timeMs: number): Promise<boolean> {
    this.#storage.reveal(timeMs);
    const failed: string[] = [];
    for (const group of this.#groups) {
      await group.evaluate(timeMs);
      for (const { spec, memory } of group.rules) {
        if (memory.lastError === null) continue;
        const time = formatGoDuration(timeMs);
        failed.push(`    rule: ${spec.name}, time: ${time}, err: ${memory.lastError}`);
      }
    }
    this.#errors.push(...failed);
    return failed.length === 0;
  }

  #firing(alertname: string): ComparedAlert[] {
    const found: ComparedAlert[] = [];
    for (const { rules } of this.#groups) {
      for (const rule of rules) {
        if (!(rule instanceof AlertingRule) || rule.spec.name !== alertname) continue;
        for (const { state, labels, annotations } of rule.activeAlerts())
          if (state === "firing")
            found.push({ labels, annotations: new Labels(annotations.flat()) });
      }
    }
    return found.sort(compareAlerts);
  }

  #checkAlerts(evalTimeMs: number): void {
    for (const test of this.#test.alertTests) {
      if (test.evalTimeMs !== evalTimeMs) continue;
      const got = this.#firing(test.alertname);
      const expected = test.expected
        .map(({ labels, annotations }) => ({
          labels: withAlertname(labels, test.alertname),
          annotations,
        }))
        .sort(compareAlerts);
      const same =
        got.length === expected.length &&
        got.every((alert, index) => compareAlerts(alert, expected[index]!) === 0);
      if (!same) this.#alertError(test, expected, got);
    }
  }

  #alertError(
    { alertname, evalTimeMs }: AlertTest,
    expected: readonly ComparedAlert[],
    got: readonly ComparedAlert[],
  ): void {
    const { name } = this.#test;
    const title = name === "" ? "" : `    name: ${name},\n`;
    const time = formatPromDuration(evalTimeMs);
    const head = `${title}    alertname: ${alertname}, time: ${time}, \n        `;
    const indent = "            ";
    if (this.#deps.diff) {
      const diff = colouredDiff(alertsText(expected), alertsText(got));
      this.#errors.push(`${head}diff: ${indentLines(diff, indent)}`);
      return;
    }
    const exp = indentLines(alertsText(expected), indent);
    this.#errors.push(`${head}exp:${exp}, \n        got:${indentLines(alertsText(got), indent)}`);
  }

  async #checkExpr(test: ExprTest): Promise<void> {
    const place = `    expr: ${quoteGo(test.expr)}, time: ${formatPromDuration(test.evalTimeMs)},`;
    let got: ComparedSample[];
    let expected: ComparedSample[];
    try {
      got = (await this.#query(test.expr, this.#test.startMs + test.evalTimeMs)).map(compared);
      expected = test.expected.map(expectedSample);
    } catch (thrown) {
      this.#errors.push(`${place} err: ${messageOf(thrown)}`);
      return;
    }
    const byLabels = (a: ComparedSample, b: ComparedSample) => compareLabels(a.labels, b.labels);
    got.sort(byLabels);
    expected.sort(byLabels);
    const fuzzy = this.#deps.fuzzyCompare;
    const same =
      got.length === expected.length &&
      got.every((sample, index) => sameSample(sample, expected[index]!, fuzzy));
    if (same) return;
    this.#errors.push(
      `${place}\n        exp: ${samplesText(expected)}\n        got: ${samplesText(got)}`,
    );
  }

  async #dump(): Promise<void> {
    const { debug, engine } = this.#deps;
    if (debug === null) return;
    const sinceMs = (Math.floor(lastEvalMs(this.#test) / 1000) + 1) * 1000;
    const range = formatPromDuration(sinceMs);
    const expr = `{__name__=~".+"}[${range}]`;
    const { value } = await engine.instant(expr, this.#storage, this.#test.startMs + sinceMs);
    debug(`DEBUG: Dump of all data (input_series and rules) at ${formatGoDuration(sinceMs)}:`);
    if (value.type !== "matrix") return;
    for (const { labels, times, values, histograms } of value.series) {
      debug(`${labelsText(labels)} =>`);
      for (let i = 0; i < times.length; i++) {
        const histogram = histograms?.[i];
        const text = histogram === undefined ? `${values[i]}` : histogramTestExpression(histogram);
        debug(`${text} @[${times[i]}]`);
      }
    }
  }
}

/** Puts the name of the alert among labels that may be empty. */
function withAlertname(labels: Labels, alertname: string): Labels {
  const map = new Map([...labels, ["alertname", alertname]]);
  return new Labels([...map].sort(([a], [b]) => (a < b ? -1 : 1)).flat());
}

function compared({ labels, value, histogram }: RuleSample | VectorSample): ComparedSample {
  if (histogram === undefined) return { labels, value, histogram: "" };
  return { labels, value: 0, histogram: histogramTestExpression(histogram) };
}

function expectedSample(sample: {
  readonly labels: string;
  readonly value: number;
  readonly histogram: string;
}): ComparedSample {
  let labels: Labels;
  try {
    const parsed = parseLabels(sample.labels.trim());
    if (parsed.rest.trim() !== "") throw new Error(`unexpected ${quoteGo(parsed.rest.trim())}`);
    labels = parsed.labels;
    if (sample.histogram === "") return { labels, value: sample.value, histogram: "" };
    const { values } = parseSeriesLine(`{} ${sample.histogram}`);
    if (values.length !== 1) throw new Error(`expected 1 value, got ${values.length}`);
    const [value] = values;
    if (value?.kind !== "histogram") throw new Error(`expected histogram, got ${sample.histogram}`);
    return { labels, value: 0, histogram: histogramTestExpression(value.histogram) };
  } catch (thrown) {
    throw new Error(`labels ${quoteGo(sample.labels)}: ${messageOf(thrown)}`);
  }
}

const bits = new BigInt64Array(1);
const floats = new Float64Array(bits.buffer);

/** The bits of a float in an order in which neighbours differ by one. */
function ordinal(value: number): bigint {
  floats[0] = value;
  const raw = bits[0]!;
  return raw < 0n ? -(raw & 0x7fffffffffffffffn) : raw;
}

function sameSample(got: ComparedSample, expected: ComparedSample, fuzzy: boolean): boolean {
  if (compareLabels(got.labels, expected.labels) !== 0 || got.histogram !== expected.histogram)
    return false;
  if (got.histogram !== "" || got.value === expected.value) return true;
  if (!fuzzy || Number.isNaN(got.value) || Number.isNaN(expected.value)) return false;
  const apart = ordinal(got.value) - ordinal(expected.value);
  return apart >= -1n && apart <= 1n;
}
