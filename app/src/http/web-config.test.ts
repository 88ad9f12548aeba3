import assert from "node:assert/strict";
import { mkdtempSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { hashSync } from "bcryptjs";
import { loadWebConfig } from "./web-config.ts";

function file(text: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "deucalion-")), "web.yml");
  writeFileSync(path, text);
  return path;
}

const asking = (authorization?: string) =>
  ({ headers: { authorization } }) as unknown as IncomingMessage;
const basic = (pair: string) => `Basic ${Buffer.from(pair).toString("base64")}`;

test("loadWebConfig() lets in who has the password", async () => {
  const config = await loadWebConfig(
    file(`basic_auth_users:\n  ann: "${hashSync("secret:1", 4)}"\n`),
  );
  assert.equal(await config.deny(asking(basic("ann:secret:1"))), null);
  for (const wrong of [undefined, basic("ann:other"), basic("bob:secret:1"), "Bearer x"]) {
    const denied = await config.deny(asking(wrong));
    assert.equal(denied?.status, 401);
    assert.deepEqual(denied.headers, [["WWW-Authenticate", "Basic"]]);
  }
});

test("loadWebConfig() reads a changed file again and keeps the old one when the new is bad", async () => {
  const path = file(`basic_auth_users:\n  ann: "${hashSync("one", 4)}"\n`);
  const config = await loadWebConfig(path);
  const status = async (password: string) =>
    (await config.deny(asking(basic(`ann:${password}`))))?.status ?? 200;
  assert.equal(await status("one"), 200);
  writeFileSync(path, `basic_auth_users:\n  ann: "${hashSync("second", 4)}"\n# longer\n`);
  await new Promise((resolve) => setTimeout(resolve, 1050));
  assert.deepEqual([await status("one"), await status("second")], [401, 200]);
  writeFileSync(path, "nonsense: 1\n");
  await new Promise((resolve) => setTimeout(resolve, 1050));
  assert.equal(await status("second"), 200);
});

test("loadWebConfig() limits the rate", async () => {
  const config = await loadWebConfig(file("rate_limit: {burst: 2, interval: 1h}\n"));
  const statuses = [];
  for (let i = 0; i < 3; i++) statuses.push((await config.deny(asking()))?.status ?? 200);
  assert.deepEqual(statuses, [200, 200, 429]);
});

test("loadWebConfig() sets headers and refuses what it does not know", async () => {
  const config = await loadWebConfig(
    file("http_server_config: {headers: {X-Frame-Options: deny}}\n"),
  );
  assert.deepEqual(config.headers, [["X-Frame-Options", "deny"]]);
  const wrong: readonly (readonly [string, RegExp])[] = [
    ["foo: 1\n", /field foo not found/],
    ["http_server_config: {headers: {X-Other: a}}\n", /X-Other can not be configured/],
    ["tls_server_config: {cert: a}\n", /missing one of key or key_file/],
    ["tls_server_config: {cert: a, key: b, client_ca: c}\n", /without a Client Auth Policy/],
    ["basic_auth_users: {a: plain}\n", /no bcrypt hash/],
  ];
  for (const [text, message] of wrong) {
    await assert.rejects(loadWebConfig(file(text)), { code: "APP_CONFIG", message });
  }
});
