import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { silentLog } from "@deucalion/base";
import { type PartialResponseStrategy, RulesError } from "@deucalion/rules";
import type { DnsLookup } from "@deucalion/storeapi";
import { parse } from "yaml";
import { parseQueryConfig } from "../clients/client-config.ts";
import { HttpTargets } from "../clients/http-targets.ts";
import { HttpQueriers } from "./http-queriers.ts";
import { Queriers } from "./queriers.ts";

interface Call {
  readonly method: string;
  readonly path: string;
  readonly params: Record<string, string>;
  readonly authorization: string;
}

/** A querier that answers as it is told. */
async function querier(t: TestContext, answer: () => { status: number; body: unknown }) {
  const calls: Call[] = [];
  const server = createServer((request, response) => {
    let text = "";
    request.on("data", (part: Buffer) => {
      text += part.toString();
    });
    request.on("end", () => {
      const url = new URL(request.url ?? "/", "http://x");
      const params = new URLSearchParams(request.method === "POST" ? text : url.search);
      calls.push({
        method: request.method ?? "",
        path: url.pathname,
        params: Object.fromEntries(params),
        authorization: request.headers.authorization ?? "",
      });
      const { status, body } = answer();
      response.writeHead(status).end(typeof body === "string" ? body : JSON.stringify(body));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const close = (): void => {
    server.closeAllConnections();
    server.close();
  };
  t.after(close);
  const address = server.address();
  const port = typeof address === "object" && address !== null ? address.port : 0;
  return { calls, close, address: `127.0.0.1:${port}` };
}

const vector = (value: string, warnings: string[] = []) => ({
  status: 200,
  body: {
    status: "success",
    data: { resultType: "vector", result: [{ metric: { a: "b" }, value: [1, value] }] },
    warnings,
  },
});

const noDns: DnsLookup = {
  any: () => Promise.resolve(["127.0.0.1"]),
  v4: () => Promise.resolve([]),
  v6: () => Promise.resolve([]),
  srv: () => Promise.resolve([]),
};

async function queriers(
  t: TestContext,
  yaml: string,
  extra: { readonly method?: "GET" | "POST"; readonly prometheusParams?: boolean } = {},
) {
  const warned: PartialResponseStrategy[] = [];
  let duplicates = 0;
  const targets = parseQueryConfig(parse(yaml), "x").map(
    ({ http }) =>
      new HttpTargets(http, {
        dns: noDns,
        warn: () => undefined,
        now: Date.now,
        dnsIntervalMs: 30_000,
      }),
  );
  t.after(() => {
    for (const target of targets) target.client.close();
  });
  for (const target of targets) await target.refresh();
  const all = new Queriers({
    prometheusParams: extra.prometheusParams ?? false,
    http: new HttpQueriers({
      method: extra.method ?? "POST",
      targets,
      send: (client, call) => client.send(call),
      log: silentLog,
      now: Date.now,
      random: () => 0.999,
      duplicate: () => {
        duplicates++;
      },
    }),
    grpc: null,
    log: silentLog,
    warned: (strategy) => warned.push(strategy),
  });
  const ask = (strategy: PartialResponseStrategy = "abort") =>
    all.query("up > 0", 1_700_000_000_250, { strategy, signal: new AbortController().signal });
  return { ask, all, targets, warned, duplicates: () => duplicates };
}

async function failure(work: Promise<unknown>): Promise<RulesError> {
  try {
    await work;
  } catch (error) {
    assert.ok(error instanceof RulesError, String(error));
    return error;
  }
  return assert.fail("nothing was thrown");
}

test("Queriers send Thanos' parameters, in the body or the address", async (t) => {
  const one = await querier(t, () => vector("+Inf"));
  const yaml = `- {static_configs: ["${one.address}"], path_prefix: q, http_config: {basic_auth: {username: u, password: p}}}`;
  const { samples } = await (await queriers(t, yaml)).ask();
  assert.deepEqual(
    samples.map(({ labels, value }) => [labels.toString(), value]),
    [['{a="b"}', Number.POSITIVE_INFINITY]],
  );
  await (await queriers(t, yaml, { method: "GET", prometheusParams: true })).ask("warn");
  const params = { query: "up > 0", time: "1700000000.250" };
  const authorization = `Basic ${Buffer.from("u:p").toString("base64")}`;
  const path = "/q/api/v1/query";
  assert.deepEqual(one.calls, [
    {
      method: "POST",
      path,
      params: { ...params, dedup: "true", partial_response: "false" },
      authorization,
    },
    { method: "GET", path, params, authorization },
  ]);
});

test("Queriers go on to the next one, and say why nobody answers", async (t) => {
  const good = await querier(t, () => vector("1"));
  const bad = await querier(t, () => ({ status: 502, body: "<html>" }));
  const gone = await querier(t, () => vector("2"));
  gone.close();
  const yaml = `- static_configs: ["${gone.address}", "${bad.address}", "${good.address}"]`;
  const { ask } = await queriers(t, yaml);
  assert.equal((await ask()).samples[0]!.value, 1);
  assert.equal((await ask()).samples[0]!.value, 1);
  const alone = await failure((await queriers(t, `- static_configs: ["${gone.address}"]`)).ask());
  assert.deepEqual(
    [alone.code, alone.message],
    ["RULES_UNAVAILABLE", "no query API server reachable"],
  );
  const text = await failure((await queriers(t, `- static_configs: ["${bad.address}"]`)).ask());
  assert.equal(text.code, "RULES_UNAVAILABLE");
});

test("Queriers tell errors of the query from those that pass", async (t) => {
  const error = (errorType: string, text: string) => ({
    status: errorType === "bad_data" ? 400 : 422,
    body: { status: "error", errorType, error: text },
  });
  const answers = [
    error("bad_data", "parse error"),
    error("execution", "found duplicate series for the match group"),
    error("execution", "receive series from Addr: x: rpc error: code = Unavailable"),
  ];
  const one = await querier(t, () => answers[one.calls.length - 1]!);
  const { ask } = await queriers(t, `- static_configs: ["${one.address}"]`);
  const codes: string[] = [];
  for (let i = 0; i < 3; i++) codes.push((await failure(ask())).code);
  assert.deepEqual(codes, ["RULES_QUERY", "RULES_QUERY", "RULES_UNAVAILABLE"]);
});

test("a partial answer is for groups that take one; annotations of PromQL are none", async (t) => {
  let warnings = ["PromQL info: metric might not be a counter"];
  const one = await querier(t, () => vector("1", warnings));
  const { ask, warned } = await queriers(t, `- static_configs: ["${one.address}"]`);
  assert.deepEqual((await ask()).warnings, []);
  warnings = ["receive series from x: rpc error"];
  const refused = await failure(ask("abort"));
  assert.equal(refused.code, "RULES_UNAVAILABLE");
  assert.match(refused.message, /receive series from x/);
  assert.deepEqual((await ask("warn")).warnings, warnings);
  assert.deepEqual(warned, ["abort", "warn"]);
});

test("queriers come from files and DNS, each once", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "deucalion-sd-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  const one = await querier(t, () => vector("1"));
  const port = one.address.split(":")[1];
  const file = join(dir, "queriers.yml");
  writeFileSync(file, `- targets: ["dns+querier.example:${port}", "${one.address}"]\n`);
  const yaml = `
- file_sd_configs: [{files: ["${dir}/*.yml"], refresh_interval: 1ms}]
- static_configs: ["${one.address}"]`;
  const { ask, targets, duplicates } = await queriers(t, yaml);
  assert.equal((await ask()).samples.length, 1);
  assert.equal(duplicates(), 2);
  writeFileSync(file, "[]\n");
  await new Promise((resolve) => setTimeout(resolve, 5));
  await targets[0]!.refresh();
  assert.deepEqual(targets[0]!.urls(), []);
  assert.equal((await ask()).samples.length, 1);
});
