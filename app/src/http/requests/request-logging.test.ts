import assert from "node:assert/strict";
import { test } from "node:test";
import { createLog } from "@deucalion/base";
import type { Exchange } from "../exchange.ts";
import { createRequestLogger } from "./request-logging.ts";

const exchange = (url: string, status: number) =>
  ({
    method: "GET",
    requestId: "id",
    request: { url, socket: { remoteAddress: "1.2.3.4" } },
    response: { statusCode: status },
    header: (name: string) => (name === "host" ? "h:80" : ""),
  }) as unknown as Exchange;

async function logged(config: string, url: string, status: number): Promise<string[]> {
  const lines: string[] = [];
  const log = createLog(
    { level: "debug", format: "logfmt", name: "" },
    { write: (line) => void lines.push(line), now: () => 0 },
  );
  const logger = await createRequestLogger(config, log);
  logger.started("query", exchange(url, status));
  logger.finished("query", exchange(url, status), 12);
  return lines;
}

test("createRequestLogger() logs what the configuration says", async () => {
  assert.deepEqual(await logged("", "/x", 200), []);
  const both = "options: {level: DEBUG, decision: {log_start: true, log_end: true}}";
  const [start, end] = await logged(both, "/x?a=1", 200);
  assert.match(start!, /level=debug .*msg="started call"/);
  assert.match(
    end!,
    /http.method="GET \/x\?a=1" .*http.status_code=200 http.time_ms=12 http.remote_addr=1.2.3.4/,
  );
  const errors = "http: {options: {level: ERROR, decision: {log_end: true}}}";
  assert.deepEqual(await logged(errors, "/x", 200), []);
  assert.match((await logged(errors, "/x", 503))[0]!, /level=error/);
  const some = `${both}\nhttp: {config: [{path: /y, port: 80}]}`;
  assert.deepEqual(await logged(some, "/x", 500), []);
  assert.equal((await logged(some, "/y", 500)).length, 2);
});

test("createRequestLogger() refuses what makes no sense", async () => {
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["options: {decision: {log_end: true}}", /level must be set/],
    ["options: {level: LOUD}", /LOUD is not supported/],
    ["options: {level: INFO, decision: {log_start: true}}", /log start call is not supported/],
    ["http: {nope: 1}", /field nope not found/],
  ];
  for (const [config, message] of wrong)
    await assert.rejects(logged(config, "/", 200), { code: "APP_CONFIG", message });
});
