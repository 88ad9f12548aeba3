import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { type TestContext, test } from "node:test";
import { silentLog } from "@deucalion/base";
import { Labels } from "@deucalion/model";
import { Registry } from "prom-client";
import { type HttpCall, HttpClient, httpClientDefaults } from "../prometheus/http-client.ts";
import { parseRelabel } from "../receive/relabel.ts";
import { AlertQueue, type AlertQueueOptions, type OutgoingAlert } from "./alert-queue.ts";
import { AlertSender } from "./alert-sender.ts";

function alert(labels: Record<string, string>): OutgoingAlert {
  return {
    labels: Labels.from(labels),
    annotations: { summary: "" },
    startsAt: 1_700_000_000_123,
    endsAt: 1_700_000_060_000,
    generatorUrl: "http://q/graph?g0.expr=up",
  };
}

function queue(options: Partial<AlertQueueOptions> = {}, registry = new Registry()): AlertQueue {
  return new AlertQueue(
    {
      alertsMax: 5,
      batchMax: 2,
      externalLabels: Labels.empty,
      labelDrop: [],
      relabel: [],
      ...options,
    },
    { log: silentLog, registry },
  );
}

const shown = (alerts: readonly OutgoingAlert[]): string[] =>
  alerts.map(({ labels }) => labels.toString());

test("AlertQueue lays external labels over those of alerts, drops some, and relabels", () => {
  const one = queue({
    alertsMax: 10,
    batchMax: 10,
    externalLabels: Labels.from({ a: "1", replica: "A" }),
    labelDrop: ["b", "replica"],
    relabel: parseRelabel(`
- {source_labels: [c], regex: drop, action: drop}
- {source_labels: [c], regex: ".*(x).*", target_label: d}`),
  });
  one.push([alert({ b: "2", c: "3" }), alert({ a: "2", c: "axb" }), alert({ c: "drop" })]);
  assert.deepEqual(shown(one.take()), ['{a="1", c="3"}', '{a="1", c="axb", d="x"}']);
});

test("AlertQueue holds so many, the newest, and gives them in batches", async () => {
  const registry = new Registry();
  const one = queue({}, registry);
  one.push([1, 2, 3].map((n) => alert({ n: String(n) })));
  one.push([4, 5, 6, 7].map((n) => alert({ n: String(n) })));
  assert.equal(one.length, 5);
  const { signal } = new AbortController();
  assert.deepEqual(shown(await one.pop(signal)), ['{n="3"}', '{n="4"}']);
  assert.deepEqual(shown(await one.pop(signal)), ['{n="5"}', '{n="6"}']);
  const text = await registry.metrics();
  assert.match(text, /thanos_alert_queue_alerts_dropped_total 2\n/);
  assert.match(text, /thanos_alert_queue_alerts_pushed_total 7\n/);
  assert.match(text, /thanos_alert_queue_alerts_popped_total 4\n/);
  assert.match(text, /thanos_alert_queue_length 1\n/);
  assert.match(text, /thanos_alert_queue_capacity 5\n/);
});

test("AlertQueue wakes who waits, and ends the wait with the signal", async () => {
  const one = queue();
  const stop = new AbortController();
  const waiting = one.pop(stop.signal);
  one.push([alert({ n: "1" })]);
  assert.deepEqual(shown(await waiting), ['{n="1"}']);
  const more = one.pop(stop.signal);
  stop.abort();
  assert.deepEqual(await more, []);
});

interface Receiver {
  readonly url: URL;
  readonly bodies: unknown[];
  readonly paths: string[];
  statuses: number[];
}

async function receiver(t: TestContext, path = ""): Promise<Receiver> {
  const taken: Receiver = { url: new URL("http://x"), bodies: [], paths: [], statuses: [] };
  const server: Server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      taken.paths.push(`${request.method} ${request.url} ${request.headers["content-type"]}`);
      taken.bodies.push(JSON.parse(Buffer.concat(parts).toString()));
      response.writeHead(taken.statuses.shift() ?? 200).end("ok");
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { ...taken, url: new URL(`http://127.0.0.1:${port}${path}`) };
}

function sender(t: TestContext, receivers: readonly { readonly url: URL }[], registry: Registry) {
  const client = new HttpClient(httpClientDefaults);
  t.after(() => client.close());
  const set = {
    urls: () => receivers.map(({ url }) => url),
    send: (call: HttpCall) => client.send(call),
    timeoutMs: 5000,
    apiVersion: "v2" as const,
  };
  return new AlertSender([set], { log: silentLog, registry, now: Date.now });
}

test("AlertSender posts to all Alertmanagers; one that takes it is enough", async (t) => {
  const registry = new Registry();
  const good = await receiver(t, "/am/");
  const bad = await receiver(t);
  bad.statuses.push(400);
  const { signal } = new AbortController();
  await sender(t, [good, bad], registry).send(
    [alert({ alertname: "A" }), alert({ a: "b" })],
    signal,
  );
  assert.deepEqual(good.paths, ["POST /am/api/v2/alerts application/json"]);
  assert.deepEqual((good.bodies[0] as unknown[])[0], {
    labels: { alertname: "A" },
    annotations: { summary: "" },
    startsAt: "2023-11-14T22:13:20.123Z",
    endsAt: "2023-11-14T22:14:20.000Z",
    generatorURL: "http://q/graph?g0.expr=up",
  });
  assert.equal(bad.bodies.length, 1);
  const text = await registry.metrics();
  const host = (one: Receiver): string => one.url.host;
  assert.ok(text.includes(`alerts_sent_total{alertmanager="${host(good)}"} 2\n`));
  assert.ok(text.includes(`sender_errors_total{alertmanager="${host(bad)}"} 1\n`));
  assert.ok(text.includes("thanos_alert_sender_alerts_dropped_total 0\n"));
});

test("AlertSender tries again what nobody took, then drops it", async (t) => {
  const registry = new Registry();
  const one = await receiver(t);
  one.statuses.push(503);
  const { signal } = new AbortController();
  const all = sender(t, [one], registry);
  await all.send([alert({ n: "1" })], signal);
  assert.equal(one.bodies.length, 2);
  one.statuses.push(500, 500, 500);
  await all.send([alert({ n: "2" })], signal);
  assert.equal(one.bodies.length, 5);
  await sender(t, [], new Registry()).send([alert({ n: "3" })], signal);
  const text = await registry.metrics();
  assert.ok(text.includes("thanos_alert_sender_alerts_dropped_total 1\n"));
});

test("the sender's actor sends what is queued before it ends", async (t) => {
  const one = await receiver(t);
  const waiting = queue({ alertsMax: 100 });
  const actor = sender(t, [one], new Registry()).actor(waiting);
  const done = actor.execute();
  waiting.push([1, 2, 3, 4, 5].map((n) => alert({ n: String(n) })));
  await actor.interrupt(undefined);
  await done;
  assert.equal(one.bodies.flat().length, 5);
});
