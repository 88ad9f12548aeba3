// The ruler among real processes: a receiver, a querier and Debian's Alertmanager.
import assert from "node:assert/strict";
import { renameSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { eventually, freePort, getJson, sleep } from "../support/mod.ts";
import { metric, RuleCluster, remoteWrite, rulesOf } from "./rule-cluster.ts";

const alerting = (group: string): string => `groups:
- name: ${group}
  interval: 1s
  rules:
  - alert: High
    expr: sum by (host) (load) > 5
    for: 3s
    labels: {severity: page}
    annotations: {summary: "{{ $labels.host }} at {{ $value }}"}
`;
const recording = `groups:
- name: records
  interval: 1s
  rules:
  - {record: "all:load:sum", expr: sum(load)}
`;

test("alerts fire once and resolve once, over kills, renames and moves", {
  timeout: 120_000,
}, async (t) => {
  const cluster = new RuleCluster(t);
  const receiver = await cluster.receiver("r");
  const alertmanager = await cluster.alertmanager();
  const ports = { http: await freePort(), grpc: await freePort() };
  await cluster.querier([receiver.grpc, `127.0.0.1:${ports.grpc}`]);
  let load = 9;
  const feed = setInterval(() => {
    void remoteWrite(receiver.writeUrl, [
      { labels: { __name__: "load", host: "a" }, value: load },
    ]).catch(() => undefined);
  }, 500);
  t.after(() => clearInterval(feed));
  const file = cluster.file("rules/one.yml", alerting("g1"));
  cluster.file("rules/records.yml", recording);
  const url = `http://127.0.0.1:${ports.http}`;
  const flags = [
    `--query=${cluster.queryUrl}`,
    `--rule-file=${join(cluster.dir, "rules/*.yml")}`,
    `--data-dir=${join(cluster.dir, "ruler")}`,
    `--alertmanagers.url=${alertmanager.url}`,
    "--alert.query-url=http://queries.example",
    "--alert.label-drop=replica",
    "--resend-delay=2s",
    '--label=replica="a"',
    '--label=cluster="c"',
  ];
  let ruler = await cluster.ruler(ports, flags);
  const high = async (from = url) => (await rulesOf(from)).find(({ name }) => name === "High");
  await eventually(
    async () => ((await high())?.state === "pending" ? true : undefined),
    15_000,
    "pending",
  );
  assert.deepEqual(alertmanager.notified, []);
  const [first] = await eventually(
    async () => (alertmanager.notified.length > 0 ? alertmanager.notified : undefined),
    15_000,
    "the notification",
  );
  assert.equal(first!.status, "firing");
  assert.deepEqual(first!.labels, { alertname: "High", cluster: "c", host: "a", severity: "page" });
  assert.deepEqual(first!.annotations, { summary: "a at 9" });
  assert.match(
    first!.generatorURL,
    /^http:\/\/queries\.example\/graph\?g0\.expr=sum\+by\+%28host%29/,
  );
  const activeAt = (await high())!.alerts![0]!.activeAt;

  // The querier sees rules with external labels, alerts and samples.
  const seen = await high(cluster.queryUrl);
  assert.deepEqual(seen!.labels, { cluster: "c", replica: "a", severity: "page" });
  await eventually(
    async () => ((await cluster.query("all:load:sum")).length > 0 ? true : undefined),
    10_000,
    "the recorded series",
  );
  const [recorded] = await cluster.query("all:load:sum");
  assert.deepEqual(recorded!.metric, { __name__: "all:load:sum", cluster: "c", replica: "a" });
  assert.equal(recorded!.value[1], "9");

  // A power cut, and another name for file and group.
  await ruler.kill();
  renameSync(file, join(cluster.dir, "rules/renamed.yml"));
  cluster.file("rules/renamed.yml", alerting("g2"));
  ruler = await cluster.ruler(ports, flags);
  const firing = async () => {
    const rule = await high();
    return rule?.state === "firing" ? rule : undefined;
  };
  const after = await eventually(firing, 10_000, "firing after the restart");
  const moved = Date.parse(after.alerts![0]!.activeAt) - Date.parse(activeAt);
  assert.ok(Math.abs(moved) < 1000, `active ${moved} ms later than before`);

  // The rule moves to another file while the ruler runs.
  cluster.file("rules/renamed.yml", "groups: []\n");
  cluster.file("rules/records.yml", recording + alerting("g3").replace("groups:\n", ""));
  ruler.child.kill("SIGHUP");
  await eventually(
    async () =>
      (await metric(url, "thanos_rule_loaded_rules", 'group="g3"')) === 1 ? true : undefined,
    5000,
    "the reload",
  );
  assert.equal((await high())!.state, "firing");

  // Bad files change nothing, and are said.
  cluster.file("rules/records.yml", "groups: [{name: x, rules: [{record: y, expr: 'sum('}]}]\n");
  const reload = await fetch(`${url}/-/reload`, { method: "POST" });
  assert.equal(reload.status, 500);
  assert.match(await reload.text(), /records\.yml.*could not parse expression/);
  assert.equal(await metric(url, "thanos_rule_config_last_reload_successful"), 0);
  assert.equal((await high())!.state, "firing");
  await sleep(10_000);
  assert.deepEqual(
    alertmanager.notified.map(({ status }) => status),
    ["firing"],
    "nothing was resolved and fired anew",
  );

  load = 1;
  await eventually(
    async () => (alertmanager.notified.length > 1 ? true : undefined),
    15_000,
    "the end",
  );
  assert.deepEqual(
    alertmanager.notified.map(({ status }) => status),
    ["firing", "resolved"],
  );
  assert.equal(await ruler.stop(), 0);
});

test("a rule is evaluated on a partial answer only if its group says so", {
  timeout: 60_000,
}, async (t) => {
  const cluster = new RuleCluster(t);
  const [one, two] = [await cluster.receiver("one"), await cluster.receiver("two")];
  await cluster.querier([one.grpc, two.grpc]);
  for (const { writeUrl } of [one, two]) {
    await remoteWrite(writeUrl, [{ labels: { __name__: "up" }, value: 1 }]);
  }
  const group = (name: string, rest = ""): string =>
    `- {name: ${name}, interval: 1s, ${rest}rules: [{record: "${name}:up", expr: count(up)}]}\n`;
  cluster.file(
    "rules.yml",
    `groups:\n${group("whole")}${group("some", "partial_response_strategy: warn, ")}`,
  );
  const ports = { http: await freePort(), grpc: await freePort() };
  const url = `http://127.0.0.1:${ports.http}`;
  await cluster.ruler(ports, [
    `--query=${cluster.queryUrl}`,
    `--rule-file=${join(cluster.dir, "rules.yml")}`,
    `--data-dir=${join(cluster.dir, "ruler")}`,
    '--label=replica="a"',
  ]);
  const health = async () =>
    Object.fromEntries((await rulesOf(url)).map(({ name, health: is }) => [name, is]));
  const both = (want: Record<string, string>) => async () =>
    JSON.stringify(await health()) === JSON.stringify(want) ? true : undefined;
  await eventually(both({ "some:up": "ok", "whole:up": "ok" }), 10_000, "both rules");
  await eventually(
    async () => ((await cluster.query("count(up)"))[0]?.value[1] === "2" ? true : undefined),
    10_000,
    "both receivers being known to have data",
  );
  await two.process.kill();
  await eventually(both({ "some:up": "ok", "whole:up": "err" }), 20_000, "the failure");
  const failed = (await rulesOf(url)).find(({ name }) => name === "whole:up");
  assert.match(failed!.lastError!, /two|rpc error|unavailable|connect/i);
  const warned = () => metric(url, "thanos_rule_evaluation_with_warnings_total", 'strategy="warn"');
  await eventually(
    async () => (((await warned()) ?? 0) > 0 ? true : undefined),
    10_000,
    "an evaluation with warnings",
  );
  const failures = await metric(url, "prometheus_rule_evaluation_failures_total", ";whole");
  assert.ok(failures! > 0);
  assert.equal(await metric(url, "prometheus_rule_evaluation_failures_total", ";some"), 0);
});

test("a ruler over gRPC alone answers its API with all filters, and has pages", {
  timeout: 60_000,
}, async (t) => {
  const cluster = new RuleCluster(t);
  const receiver = await cluster.receiver("r");
  await cluster.querier([receiver.grpc]);
  await remoteWrite(receiver.writeUrl, [{ labels: { __name__: "up" }, value: 1 }]);
  const rule = (name: string) => `{record: "${name}", expr: count(up), labels: {of: ${name}}}`;
  const file = cluster.file(
    "rules.yml",
    `groups:
- {name: one, interval: 1s, rules: [${["a", "b", "c", "d"].map(rule).join(", ")}]}
- {name: two, interval: 1s, rules: [{alert: Up, expr: up == 1, labels: {sev: x}}]}
`,
  );
  const ports = { http: await freePort(), grpc: await freePort() };
  const url = `http://127.0.0.1:${ports.http}`;
  await cluster.ruler(ports, [
    `--grpc-query-endpoint=${cluster.queryGrpc}`,
    `--rule-file=${file}`,
    `--data-dir=${join(cluster.dir, "ruler")}`,
    '--label=replica="a"',
    "--web.route-prefix=/rules",
    "--web.external-prefix=/rules",
  ]);
  const names = async (params: string) =>
    (await rulesOf(`${url}/rules`, params)).map(({ name }) => name).join();
  const healthy = async () => {
    const all = await rulesOf(`${url}/rules`);
    return all.length === 5 && all.every(({ health }) => health === "ok") ? true : undefined;
  };
  await eventually(healthy, 20_000, "all rules");
  assert.equal(await names("type=alert"), "Up");
  assert.equal(await names("type=record"), "a,b,c,d");
  assert.equal(await names("rule_name[]=b&rule_name[]=d"), "b,d");
  assert.equal(await names("rule_group[]=two"), "Up");
  assert.equal(await names(`file[]=${encodeURIComponent(file)}&rule_name[]=a`), "a");
  assert.equal(await names("file[]=other"), "");
  assert.equal(await names(`match[]=${encodeURIComponent('{of=~"a|c"}')}`), "a,c");
  await eventually(
    async () =>
      (await rulesOf(`${url}/rules`, "type=alert"))[0]?.alerts?.length === 1 ? true : undefined,
    10_000,
    "the alert",
  );
  assert.equal(
    (await rulesOf(`${url}/rules`, "type=alert&exclude_alerts=true"))[0]!.alerts!.length,
    0,
  );
  const page = await getJson(`${url}/rules/api/v1/rules?group_limit=1`);
  const { groups, groupNextToken } = (
    page.body as { data: { groups: { name: string }[]; groupNextToken: string } }
  ).data;
  assert.deepEqual(
    groups.map(({ name }) => name),
    ["one"],
  );
  assert.equal(await names(`group_limit=1&group_next_token=${groupNextToken}`), "Up");
  const bad = await getJson(`${url}/rules/api/v1/rules?type=nonsense`);
  assert.deepEqual(
    [bad.status, (bad.body as { error: string }).error],
    [400, "invalid rules parameter type='nonsense'"],
  );
  const { body } = await getJson(`${url}/rules/api/v1/alerts`);
  assert.equal((body as { data: { Alerts: unknown[] } }).data.Alerts.length, 1);
  const html = await (await fetch(`${url}/rules/alerts`)).text();
  assert.match(html, /"component":"rule"|is not built/);
});

test("recording rules make up for the time in which nobody answered", {
  timeout: 90_000,
}, async (t) => {
  const cluster = new RuleCluster(t);
  const receiver = await cluster.receiver("r");
  const ports = { http: await freePort(), grpc: await freePort() };
  const endpoints = [receiver.grpc, `127.0.0.1:${ports.grpc}`];
  const querier = await cluster.querier(endpoints);
  const feed = setInterval(() => {
    void remoteWrite(receiver.writeUrl, [{ labels: { __name__: "load" }, value: 9 }]).catch(
      () => undefined,
    );
  }, 500);
  t.after(() => clearInterval(feed));
  await cluster.ruler(ports, [
    `--query=${cluster.queryUrl}`,
    `--rule-file=${cluster.file("rules.yml", recording)}`,
    `--data-dir=${join(cluster.dir, "ruler")}`,
    '--label=replica="a"',
  ]);
  const times = async (): Promise<number[]> => {
    const [series] = await cluster.query("all:load:sum[5m]");
    return (series?.values ?? []).map(([time]) => time);
  };
  await eventually(async () => ((await times()).length > 3 ? true : undefined), 20_000, "samples");
  await querier.kill();
  const awayFrom = Date.now() / 1000;
  await sleep(6000);
  const awayTo = Date.now() / 1000;
  await cluster.querier(endpoints);
  const whole = await eventually(
    async () => {
      const all = await times();
      return (all.at(-1) ?? 0) > awayTo + 3 ? all : undefined;
    },
    20_000,
    "samples after the outage",
  );
  const meanwhile = whole.filter((time) => time > awayFrom && time < awayTo);
  assert.ok(meanwhile.length >= 5, `${meanwhile.length} samples of 6 s`);
  const gaps = whole.slice(1).map((time, i) => time - whole[i]!);
  assert.ok(Math.max(...gaps) < 1.1, `a gap of ${Math.max(...gaps)} s`);
  const url = `http://127.0.0.1:${ports.http}`;
  assert.ok((await metric(url, "deucalion_rule_backfilled_evaluations_total"))! >= 5);
});
