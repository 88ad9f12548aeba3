// Rules, targets, metadata, exemplars and statistics of several endpoints as one answer.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Labels, Matcher, type SourceContext } from "@deucalion/model";
import type { Rule, RuleGroup } from "../messages/rules-messages.ts";
import type { ActiveTarget } from "../messages/targets-messages.ts";
import type { ApiEndpoint } from "./api-endpoint.ts";
import { ApiFanout } from "./api-fanout.ts";
import { dedupExemplars } from "./merge-exemplars.ts";
import { dedupRuleGroups, filterRuleGroups } from "./merge-rules.ts";
import { mergeStatistics } from "./merge-statistics.ts";
import { dedupTargets } from "./merge-targets.ts";

const labels = (entries: Record<string, string>) => Labels.from(entries);
const at = (seconds: number) => ({ seconds, nanos: 0 });

function alert(name: string, state: number, set: Record<string, string>, seconds = 1): Rule {
  return {
    alert: {
      state,
      name,
      query: "up == 0",
      durationSeconds: 60,
      labels: labels(set),
      annotations: Labels.empty,
      alerts: [],
      health: "ok",
      lastError: "",
      evaluationDurationSeconds: 0,
      lastEvaluation: at(seconds),
      keepFiringForSeconds: 0,
    },
  };
}

function record(name: string, set: Record<string, string>, seconds = 1): Rule {
  return {
    recording: {
      name,
      query: "sum(x)",
      labels: labels(set),
      health: "ok",
      lastError: "",
      evaluationDurationSeconds: 0,
      lastEvaluation: at(seconds),
    },
  };
}

function group(name: string, rules: Rule[], file = "f"): RuleGroup {
  return {
    name,
    file,
    rules,
    interval: 15,
    evaluationDurationSeconds: 0,
    lastEvaluation: at(1),
    limit: 0,
    partialResponseStrategy: 0,
  };
}

test("rules of replicas become one: the gravest state, then the latest", () => {
  const groups = [
    group("g", [record("r", { replica: "a" }, 1), alert("A", 1, { replica: "a", x: "1" }, 9)]),
    group("g", [
      record("r", { replica: "b" }, 5),
      alert("A", 3, { replica: "b", x: "1" }, 2),
      alert("A", 1, { x: "2" }),
    ]),
    group("e", [], "f"),
  ];
  const [first, second] = dedupRuleGroups(groups, ["replica"]);
  assert.equal(first!.name, "e");
  assert.deepEqual(
    second!.rules.map((rule) => [
      rule.alert?.state ?? null,
      rule.recording?.lastEvaluation.seconds ?? null,
    ]),
    [
      [3, null],
      [1, null],
      [null, 5],
    ],
  );
  assert.deepEqual(second!.rules[0]!.alert!.labels.toJSON(), { x: "1" });
});

test("rules are filtered by matchers on labels that are not templates, names, groups and files", () => {
  const groups = [
    group("g", [record("r", { team: "a" }), record("t", { team: "{{ $labels.x }}" })]),
    group("h", [record("r", {})], "f2"),
  ];
  const none = { matchers: [], ruleNames: [], ruleGroups: [], files: [] };
  const count = (filter: object) =>
    filterRuleGroups(groups, { ...none, ...filter }).reduce(
      (sum, one) => sum + one.rules.length,
      0,
    );
  assert.equal(count({}), 3);
  assert.equal(count({ matchers: [[new Matcher("=", "team", "a")]] }), 1);
  assert.equal(count({ matchers: [[new Matcher("=", "team", "")]] }), 2);
  assert.equal(count({ ruleNames: ["r"] }), 2);
  assert.equal(count({ ruleGroups: ["h"] }), 1);
  assert.equal(count({ files: ["f"] }), 2);
});

test("targets of replicas become one: down before up, then the one scraped last", () => {
  const target = (replica: string, health: number, seconds: number): ActiveTarget => ({
    discoveredLabels: labels({ __address__: "x", replica }),
    labels: labels({ job: "j", replica }),
    scrapePool: "p",
    scrapeUrl: "http://x",
    globalUrl: "http://x",
    lastError: "",
    lastScrape: at(seconds),
    lastScrapeDuration: 0,
    health,
  });
  const merged = dedupTargets(
    {
      activeTargets: [target("a", 1, 5), target("b", 0, 1), target("c", 0, 3)],
      droppedTargets: [
        { discoveredLabels: labels({ d: "1", replica: "a" }) },
        { discoveredLabels: labels({ d: "1" }) },
      ],
    },
    ["replica"],
  );
  assert.deepEqual(
    merged.activeTargets.map((one) => [one.health, one.lastScrape.seconds]),
    [[0, 3]],
  );
  assert.deepEqual(merged.droppedTargets, [{ discoveredLabels: labels({ d: "1" }) }]);
});

test("exemplars of replicas are joined, sorted and occur once", () => {
  const one = (ts: number) => ({ labels: labels({ trace: `${ts}` }), value: 1, ts });
  const merged = dedupExemplars(
    [
      { seriesLabels: labels({ n: "b", replica: "a" }), exemplars: [one(3), one(1)] },
      { seriesLabels: labels({ n: "b", replica: "b" }), exemplars: [one(1), one(2)] },
      { seriesLabels: labels({ n: "a" }), exemplars: [one(9)] },
      { seriesLabels: labels({ n: "0" }), exemplars: [] },
    ],
    ["replica"],
  );
  assert.deepEqual(
    merged.map((item) => [item.seriesLabels.get("n"), item.exemplars.map((e) => e.ts)]),
    [
      ["a", [9]],
      ["b", [1, 2, 3]],
    ],
  );
});

test("statistics add up, but numbers of label values", () => {
  const entry = (n: number, name: string) => ({
    headStatistics: { numSeries: n, numLabelPairs: n, chunkCount: n, minTime: n, maxTime: n },
    seriesCountByMetricName: [
      { name, value: n },
      { name: "both", value: n },
    ],
    labelValueCountByLabelName: [{ name: "both", value: n }],
    memoryInBytesByLabelName: [],
    seriesCountByLabelValuePair: [],
  });
  assert.deepEqual(mergeStatistics(entry(5, "x"), entry(3, "y")), {
    headStatistics: { numSeries: 8, numLabelPairs: 8, chunkCount: 8, minTime: 3, maxTime: 5 },
    seriesCountByMetricName: [
      { name: "both", value: 8 },
      { name: "x", value: 5 },
      { name: "y", value: 3 },
    ],
    labelValueCountByLabelName: [{ name: "both", value: 5 }],
    memoryInBytesByLabelName: [],
    seriesCountByLabelValuePair: [],
  });
});

function endpoint(address: string, more: Partial<ApiEndpoint>): ApiEndpoint {
  return {
    address,
    kind: "sidecar",
    labelSets: () => [],
    unreachable: null,
    rules: null,
    targets: null,
    metadata: null,
    exemplars: null,
    status: null,
    ...more,
  };
}

const parse = {
  experimentalFunctions: true,
  durationExpressions: true,
  extendedRangeSelectors: true,
  binopFillModifiers: true,
  xFunctions: true,
};

function fanout(endpoints: readonly ApiEndpoint[]): ApiFanout {
  const options = { selectorLabels: Labels.empty, storeTimeoutMs: 50, parse };
  return new ApiFanout(options, { endpoints: () => endpoints });
}

function context(warnings: string[]): SourceContext {
  return { signal: new AbortController().signal, warn: (text) => warnings.push(text) };
}

const rulesRequest = {
  type: 0,
  partialResponseStrategy: 0,
  matcherString: [],
  ruleName: [],
  ruleGroup: [],
  file: [],
};

test("endpoints that fail, hang or are away become warnings, or the end", async () => {
  const good = endpoint("good:1", { rules: { rules: async () => [group("g", [])] } });
  const bad = endpoint("bad:1", {
    rules: {
      rules: async () => {
        throw new Error("no rules today");
      },
    },
  });
  const hung = endpoint("hung:1", { rules: { rules: () => new Promise(() => undefined) } });
  const warnings: string[] = [];
  assert.equal((await fanout([good, bad, hung]).rules(rulesRequest, context(warnings))).length, 1);
  assert.deepEqual(warnings.sort(), [
    "failed to receive any data in 50ms from Addr: hung:1 LabelSets: ",
    "receiving rules from Addr: bad:1 LabelSets: : no rules today",
  ]);
  await assert.rejects(
    fanout([good, bad]).rules({ ...rulesRequest, partialResponseStrategy: 1 }, context([])),
    {
      code: "STOREAPI_ABORTED",
    },
  );
  const away = endpoint("away:1", { unreachable: "connection refused" });
  const missing: string[] = [];
  assert.deepEqual(await fanout([away]).rules(rulesRequest, context(missing)), []);
  assert.deepEqual(missing, ["no endpoint is reachable: away:1 (connection refused)"]);
  // That a sidecar without rules is away does not matter.
  const other = endpoint("other:1", { unreachable: "gone", targets: { targets: none } });
  for (const partialResponseStrategy of [0, 1]) {
    const told: string[] = [];
    const request = { ...rulesRequest, partialResponseStrategy };
    await fanout([good, away, other]).rules(request, context(told));
    assert.deepEqual(told, ["endpoint is not reachable: away:1 (connection refused)"]);
  }
});

async function none(): Promise<never> {
  throw new Error("not to be asked");
}

test("metadata is distinct and limited by metrics", async () => {
  const meta = (type: string) => ({ type, help: "h", unit: "" });
  const a = endpoint("a:1", {
    metadata: {
      metadata: async () =>
        new Map([
          ["x", [meta("counter")]],
          ["y", [meta("gauge")]],
        ]),
    },
  });
  const b = endpoint("b:1", {
    metadata: { metadata: async () => new Map([["x", [meta("counter"), meta("gauge")]]]) },
  });
  const ask = (limit: number) =>
    fanout([a, b]).metadata({ metric: "", limit, partialResponseStrategy: 0 }, context([]));
  assert.deepEqual(
    await ask(-1),
    new Map([
      ["x", [meta("counter"), meta("gauge")]],
      ["y", [meta("gauge")]],
    ]),
  );
  assert.equal((await ask(1)).size, 1);
  assert.equal((await ask(0)).size, 0);
});

test("exemplar queries lose what an endpoint cannot know, and skip endpoints that cannot match", async () => {
  const asked: [string, string][] = [];
  const make = (address: string, cluster: string, kind: "sidecar" | "query") =>
    endpoint(address, {
      kind,
      labelSets: () => [labels({ cluster })],
      exemplars: {
        exemplars: async ({ query }) => {
          asked.push([address, query]);
          return [];
        },
      },
    });
  const all = fanout([
    make("eu:1", "eu", "sidecar"),
    make("us:1", "us", "sidecar"),
    make("q:1", "eu", "query"),
  ]);
  const query = 'rate(x{cluster="eu"}[5m]) + y{cluster=~"e.*",z="1"}';
  await all.exemplars({ query, start: 0, end: 1, partialResponseStrategy: 0 }, context([]));
  const sets = asked.map(([address, text]) => [
    address,
    text.split("+").length,
    text.includes("cluster"),
  ]);
  assert.deepEqual(sets, [
    ["eu:1", 2, false],
    ["q:1", 2, true],
  ]);
});
