// A ruler without storage of its own: samples go to a receiver, state comes from a querier.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { eventually, freePort } from "../support/mod.ts";
import { metric, RuleCluster, remoteWrite, rulesOf } from "./rule-cluster.ts";

const rules = `groups:
- name: g
  interval: 1s
  rules:
  - {record: "job:load:sum", expr: sum(load)}
  - {alert: High, expr: sum by (host) (load) > 5, for: 2s, labels: {severity: page}}
`;

test("a stateless ruler loses no sample and no alert when it is killed", {
  timeout: 120_000,
}, async (t) => {
  const cluster = new RuleCluster(t);
  const data = await cluster.receiver("data");
  const results = await cluster.receiver("results");
  const alertmanager = await cluster.alertmanager();
  // Replicas are one series to whoever asks: so a ruler finds what another one left.
  await cluster.querier([data.grpc, results.grpc], ["--query.replica-label=replica"]);
  const feed = setInterval(() => {
    void remoteWrite(data.writeUrl, [{ labels: { __name__: "load", host: "a" }, value: 9 }]).catch(
      () => undefined,
    );
  }, 500);
  t.after(() => clearInterval(feed));
  const file = cluster.file("rules.yml", rules);
  const remote = (await freePort()).toString();
  const flags = (dir: string, replica: string, target: string) => [
    `--query=${cluster.queryUrl}`,
    `--rule-file=${file}`,
    `--data-dir=${join(cluster.dir, dir)}`,
    `--alertmanagers.url=${alertmanager.url}`,
    "--alert.label-drop=replica",
    "--resend-delay=2s",
    `--label=replica="${replica}"`,
    "--restore-ignored-label=receiver",
    "--restore-ignored-label=tenant_id",
    `--remote-write.config={remote_write: [{name: r, url: "${target}/api/v1/receive", queue_config: {batch_send_deadline: 100ms}}]}`,
  ];
  const ports = { http: await freePort(), grpc: await freePort() };
  const url = `http://127.0.0.1:${ports.http}`;
  const first = flags("ruler", "a", results.writeUrl);
  let ruler = await cluster.ruler(ports, first);
  await eventually(
    async () => (alertmanager.notified.length > 0 ? true : undefined),
    20_000,
    "the alert",
  );
  const sent = (name: string) => metric(url, "prometheus_remote_storage_samples_total", name);
  assert.ok((await sent("r"))! > 0);
  const [series] = await eventually(
    async () => {
      const found = await cluster.query("job:load:sum");
      return found.length > 0 ? found : undefined;
    },
    10_000,
    "the recorded series",
  );
  assert.equal(series!.value[1], "9");

  const since = Date.parse(
    (await rulesOf(url)).find(({ name }) => name === "High")!.alerts![0]!.activeAt,
  );

  // A power cut: what was not sent yet is sent afterwards, and the alert goes on.
  await ruler.kill();
  ruler = await cluster.ruler(ports, first);
  const firing = async () => {
    const rule = (await rulesOf(url)).find(({ name }) => name === "High");
    return rule?.state === "firing" ? rule : undefined;
  };
  const sinceMs = (rule: { alerts?: readonly { activeAt: string }[] }): number =>
    Date.parse(rule.alerts![0]!.activeAt);
  const later = (rule: { alerts?: readonly { activeAt: string }[] }): boolean =>
    Math.abs(sinceMs(rule) - since) > 1000;
  assert.ok(!later(await eventually(firing, 10_000, "firing after the restart")));

  // Another instance takes over, with nothing of the first one's on its disk.
  await ruler.stop();
  ruler = await cluster.ruler(ports, flags("other", "b", results.writeUrl));
  assert.ok(!later(await eventually(firing, 10_000, "firing after the takeover")));

  // Its target goes away: samples wait on disk, over a kill, until it is back.
  await ruler.stop();
  const away = `http://127.0.0.1:${remote}`;
  ruler = await cluster.ruler(ports, flags("late", "c", away));
  const waiting = async () =>
    ((await metric(url, "prometheus_remote_storage_samples_in_total")) ?? 0) > 8 ? true : undefined;
  await eventually(waiting, 15_000, "samples that wait");
  await ruler.kill();
  const lateFlags = flags("late", "c", away).filter((flag) => !flag.startsWith("--rule-file"));
  ruler = await cluster.ruler(ports, [...lateFlags, `--rule-file=${cluster.file("none.yml", "")}`]);
  const { createServer, connect } = await import("node:net");
  const target = new URL(results.writeUrl);
  const proxy = createServer((from) => {
    const to = connect(Number(target.port), target.hostname);
    from.pipe(to).pipe(from);
    from.on("error", () => to.destroy());
    to.on("error", () => from.destroy());
  });
  await new Promise<void>((resolve) => proxy.listen(Number(remote), "127.0.0.1", resolve));
  t.after(() => proxy.close());
  await eventually(
    async () => (((await sent("r")) ?? 0) > 8 ? true : undefined),
    20_000,
    "what waited being sent",
  );
  const late = await cluster.query(
    'count_over_time(job:load:sum{replica="c"}[1m])',
    "query",
    "&dedup=false",
  );
  assert.ok(Number(late[0]!.value[1]) >= 2);
  assert.deepEqual(
    alertmanager.notified.map(({ status }) => status),
    ["firing"],
    "nothing was resolved and fired anew",
  );
  await ruler.stop();
});
