// Limits of active series that another Prometheus is asked for.
import assert from "node:assert/strict";
import { createServer } from "node:http";
import { test } from "node:test";
import { silentLog } from "@deucalion/base";
import { Registry } from "prom-client";
import { AppError } from "../errors.ts";
import { Limiter, parseLimits } from "./limits.ts";

test("active series are asked for with the file's own authentication", async () => {
  const asked: string[] = [];
  const server = createServer((request, response) => {
    asked.push(`${request.url} ${request.headers.authorization ?? ""}`);
    const result = [
      { metric: { tenant: "full" }, value: [0, "10"] },
      { metric: { tenant: "free" }, value: [0, "9"] },
    ];
    response.end(JSON.stringify({ status: "success", data: { result } }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as { port: number };
  try {
    const text = `
write:
  global:
    meta_monitoring_url: http://127.0.0.1:${port}/p
    meta_monitoring_limit_query: q
    meta_monitoring_http_client:
      basic_auth: {username: me, password: secret}
  default: {head_series_limit: 10}
`;
    const limiter = new Limiter(() => text, {
      log: silentLog,
      registry: new Registry(),
      localSeries: () => 1000,
    });
    // Nothing is known yet.
    assert.ok(limiter.mayWrite("full"));
    await limiter.refresh();
    const basic = Buffer.from("me:secret").toString("base64");
    assert.deepEqual(asked, [`/p/api/v1/query?query=q Basic ${basic}`]);
    assert.equal(limiter.mayWrite("full"), false);
    assert.ok(limiter.mayWrite("free") && limiter.mayWrite("unknown"));
  } finally {
    server.closeAllConnections();
    server.close();
  }
});

test("a client configuration that makes no sense is a fault of the file", () => {
  const text = "write: {global: {meta_monitoring_http_client: {nonsense: 1}}}";
  assert.throws(() => parseLimits(text), AppError);
});
