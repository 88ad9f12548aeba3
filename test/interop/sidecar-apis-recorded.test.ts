// Recorded calls of the small APIs of a real sidecar, put to ours before a stand-in that answers what Prometheus answered.
import { test } from "node:test";
import { compareLabels, decodeLabels, Labels } from "@deucalion/model";
import { SeriesDecoder } from "@deucalion/storeapi";
import { recordedCalls } from "@deucalion/storeapi/testing";
import { startSidecar } from "../support/mod.ts";
import { assertAnswered } from "../support/recorded-calls.ts";
import { type Found, StandInPrometheus } from "../support/stand-in-prometheus.ts";

const external = { cluster: "eu", replica: "a" };
const calls = recordedCalls("grpc-sidecar-apis");

type Json = Record<string, unknown>;

function recorded(name: string): Json[] {
  const { decoded } = calls.find((call) => call.name === name)!;
  return decoded.map((message) => (message as { Result: Json }).Result);
}

/** The labels that Prometheus itself has. */
function own(labels: unknown): Json {
  return Object.fromEntries(Object.entries(labels as Json).filter(([name]) => !(name in external)));
}

function alertOf(json: Json): Json {
  const { partialResponseStrategy, ...alert } = json;
  return alert;
}

function ruleOf(json: Json): Json {
  const { alerts, ...rule } = json;
  return {
    ...rule,
    labels: own(rule.labels),
    ...(alerts === undefined ? {} : { alerts: (alerts as Json[]).map(alertOf) }),
  };
}

/** `/api/v1/rules`; what Prometheus filters, this does. */
function rules(type: string | null): unknown {
  const kind = type === "alert" ? "alerting" : "recording";
  const groups = recorded("rules-all").map(({ group }) => {
    const { partialResponseStrategy, rules: all, ...rest } = group as Json;
    const wanted = (all as Json[]).filter((rule) => type === null || rule.type === kind);
    return { ...rest, rules: wanted.map(ruleOf) };
  });
  return { groups: groups.filter((group) => group.rules.length > 0) };
}

function targets(state: string | null): unknown {
  const { activeTargets, droppedTargets } = recorded("targets-any")[0]!.targets as {
    activeTargets: Json[];
    droppedTargets: Json[];
  };
  const active = activeTargets.map((target) => ({
    ...target,
    discoveredLabels: own(target.discoveredLabels),
    labels: own(target.labels),
  }));
  const dropped = droppedTargets.map(({ discoveredLabels }) => ({
    discoveredLabels: own(discoveredLabels),
  }));
  return {
    activeTargets: state === "dropped" ? [] : active,
    droppedTargets: state === "active" ? [] : dropped,
  };
}

/** `/api/v1/metadata`; which metrics a limit leaves is chance, so it gives those that were recorded. */
function metadata(params: URLSearchParams): unknown {
  const name = params.has("metric") ? "one" : params.has("limit") ? "limit" : "all";
  const found = recorded(`metadata-${name}`)[0]!.metadata as { metadata: Record<string, Json> };
  return Object.fromEntries(
    Object.entries(found.metadata).map(([metric, { metas }]) => [metric, metas]),
  );
}

function exemplars(): unknown {
  return recorded("exemplars").map(({ data }) => {
    const { seriesLabels, exemplars: all } = data as Json;
    return { seriesLabels: own(seriesLabels), exemplars: all };
  });
}

function statistics(): unknown {
  const { statistics: all } = recorded("tsdbstats")[0]!.statistics as {
    statistics: Record<string, Json>;
  };
  return all[""];
}

/** Series of the head, from the recorded answers. */
function headSeries(): Found[] {
  const decoder = new SeriesDecoder();
  for (const call of calls.filter(({ name }) => name.startsWith("series-head")))
    for (const message of call.responses) decoder.decode(message);
  const chunks = decoder.take();
  return Array.from({ length: chunks.seriesCount }, (_, series) => {
    const all = decodeLabels(chunks.labels(series)).toJSON();
    return { labels: Labels.from(own(all) as Record<string, string>), chunks, series };
  }).sort((a, b) => compareLabels(a.labels, b.labels));
}

function metricNames(): unknown {
  const call = calls.find(({ name }) => name === "labelvalues-name")!;
  return (call.decoded[0] as { values: string[] }).values;
}

const routes: Readonly<Record<string, (params: URLSearchParams) => unknown>> = {
  "/api/v1/rules": (params) => rules(params.get("type")),
  "/api/v1/targets": (params) => targets(params.get("state")),
  "/api/v1/metadata": metadata,
  "/api/v1/query_exemplars": exemplars,
  "/api/v1/status/tsdb": statistics,
  "/api/v1/label/__name__/values": metricNames,
};

test("sidecar answers recorded calls of the small APIs as the real one does", async (t) => {
  const prometheus = await StandInPrometheus.start([], Labels.from(external), {
    api: (path, params) => routes[path]?.(params),
    series: headSeries(),
    metrics: "", // no block yet: nothing tells how old the data is
  });
  t.after(() => prometheus.close());
  const { channel } = await startSidecar(t, prometheus.url);
  for (const call of calls) await t.test(call.name, () => assertAnswered(channel, call));
});
