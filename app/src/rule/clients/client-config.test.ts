import assert from "node:assert/strict";
import { test } from "node:test";
import { parse } from "yaml";
import { AppError } from "../../errors.ts";
import {
  alertmanagerOfUrl,
  parseAlertmanagersConfig,
  parseQueryConfig,
  queryOfAddress,
} from "./client-config.ts";

const agent = "Deucalion/test";

function refusal(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    assert.ok(error instanceof AppError);
    return error.message;
  }
  return "";
}

test("parseQueryConfig() reads every key and refuses others", () => {
  const [one, two] = parseQueryConfig(
    parse(`
- static_configs: ["dns+a:1", "b:2"]
  file_sd_configs: [{files: ["x/*.yml"], refresh_interval: 30s}]
  scheme: https
  path_prefix: /q/
  http_config: {basic_auth: {username: u, password: p}, tls_config: {insecure_skip_verify: true}}
- grpc_config: {endpoint_addresses: ["c:3"]}
`),
    agent,
  );
  assert.deepEqual(one!.http.addresses, ["dns+a:1", "b:2"]);
  assert.deepEqual(one!.http.files, [{ globs: ["x/*.yml"], refreshMs: 30_000 }]);
  assert.deepEqual([one!.http.scheme, one!.http.pathPrefix], ["https", "/q"]);
  assert.deepEqual(one!.http.client.basicAuth, {
    username: "u",
    password: "p",
    passwordFile: "",
  });
  assert.equal(one!.http.client.tls.insecureSkipVerify, true);
  assert.deepEqual([one!.grpc, two!.grpc], [[], ["c:3"]]);
  assert.match(
    refusal(() => parseQueryConfig(parse("- nope: 1"), agent)),
    /field nope not found/,
  );
  assert.match(
    refusal(() =>
      parseQueryConfig(parse("- file_sd_configs: [{files: [a.yml], refresh_interval: 0s}]"), agent),
    ),
    /refresh_interval must be greater than 0/,
  );
  assert.match(
    refusal(() => parseQueryConfig(parse("- file_sd_configs: [{files: [a.txt]}]"), agent)),
    /not valid for file discovery/,
  );
});

test("queryOfAddress() takes addresses with and without a scheme", () => {
  const shown = (address: string) => {
    const { addresses, scheme, pathPrefix } = queryOfAddress(address, agent).http;
    return `${scheme} ${addresses.join()} ${pathPrefix}`;
  };
  assert.equal(shown("localhost:1"), "http localhost:1 ");
  assert.equal(shown("https://q.example:2/thanos/"), "https q.example:2 /thanos");
  assert.equal(shown("dnssrv+_http._tcp.q"), "http dnssrv+_http._tcp.q ");
  assert.match(
    refusal(() => queryOfAddress("ftp://x", agent)),
    /"ftp" is not supported scheme/,
  );
});

test("alertmanagerOfUrl() understands DNS schemes, users and the default port", () => {
  const shown = (url: string) => {
    const { http, apiVersion, timeoutMs } = alertmanagerOfUrl(url, 7000, agent);
    const { addresses, scheme, pathPrefix, client } = http;
    const user = client.basicAuth;
    const auth = user === null ? "" : `${user.username}:${user.password}`;
    return `${scheme} ${addresses.join()} ${pathPrefix} ${auth} ${apiVersion} ${timeoutMs}`;
  };
  assert.equal(shown("http://a:9093/am"), "http a:9093 /am  v2 7000");
  assert.equal(shown("dns+http://a"), "http dns+a:9093   v2 7000");
  assert.equal(shown("dns+https://a:1"), "https dns+a:1   v2 7000");
  assert.equal(shown("dnssrv+http://_am._tcp.a"), "http dnssrv+_am._tcp.a   v2 7000");
  assert.equal(shown("http://u%40x:p@a:1"), "http a:1  u@x:p v2 7000");
  assert.match(
    refusal(() => alertmanagerOfUrl("a:9093", 1, agent)),
    /empty scheme/,
  );
  assert.match(
    refusal(() => alertmanagerOfUrl("http://", 1, agent)),
    /empty host/,
  );
});

test("parseAlertmanagersConfig() has Thanos' defaults and refuses other versions of the API", () => {
  const [one] = parseAlertmanagersConfig(parse("alertmanagers: [{static_configs: [a]}]"), agent);
  assert.deepEqual([one!.timeoutMs, one!.apiVersion, one!.http.scheme], [10_000, "v2", "http"]);
  assert.match(
    refusal(() => parseAlertmanagersConfig(parse("alertmanagers: [{api_version: v3}]"), agent)),
    /expected Alertmanager API version to be one of \[v1 v2\] but got "v3"/,
  );
});
