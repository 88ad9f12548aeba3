// Discovery, configuration and the Info loop, over real sockets where a connection matters.
import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { silentLog } from "@deucalion/base";
import { Labels } from "@deucalion/model";
import { GrpcServer } from "@deucalion/rpc";
import type { InfoResponse } from "../messages/info-messages.ts";
import { infoService } from "../server/api-services.ts";
import { connectionCounts } from "./connection-counts.ts";
import { clientOptionsOf, parseEndpointConfig } from "./endpoint-config.ts";
import { EndpointSet } from "./endpoint-set.ts";
import { EndpointSpecs } from "./endpoint-specs.ts";
import { FileTargets } from "./file-targets.ts";
import { AddressResolver, type DnsLookup } from "./resolve-addresses.ts";

const fakeDns: DnsLookup = {
  any: async (host) => {
    if (host === "gone") throw new Error("no such host");
    return host === "six" ? ["::1", "10.0.0.6"] : ["10.0.0.2", "10.0.0.1"];
  },
  v4: async () => ["10.0.0.4"],
  v6: async () => ["::6"],
  srv: async () => [
    { name: "a.example.", port: 1001 },
    { name: "b.example.", port: 1002 },
  ],
};

test("addresses resolve by their schemes", async () => {
  const resolver = new AddressResolver(fakeDns, () => undefined);
  assert.deepEqual(await resolver.resolve(["static:1", "dns+host:10901"]), [
    "static:1",
    "10.0.0.1:10901",
    "10.0.0.2:10901",
  ]);
  assert.deepEqual(await resolver.resolve(["dns+six:1"]), ["10.0.0.6:1", "[::1]:1"]);
  assert.deepEqual(await resolver.resolve(["dnssrvnoa+_grpc._tcp.x"]), [
    "a.example:1001",
    "b.example:1002",
  ]);
  assert.deepEqual(await resolver.resolve(["dnssrv+_grpc._tcp.x:7"]), [
    "10.0.0.1:7",
    "10.0.0.1:7",
    "10.0.0.2:7",
    "10.0.0.2:7",
  ]);
  assert.deepEqual(await resolver.resolve(["dnsdualstack+x:9"]), ["10.0.0.4:9", "[::6]:9"]);
  assert.deepEqual(await resolver.resolve(["dns+http://host:80"]), [
    "http://10.0.0.1:80",
    "http://10.0.0.2:80",
  ]);
});

test("a failed look-up keeps what was found before and warns", async () => {
  const warnings: string[] = [];
  let fails = false;
  const dns: DnsLookup = {
    ...fakeDns,
    any: async () => {
      if (fails) throw new Error("timeout");
      return ["10.0.0.1"];
    },
  };
  const resolver = new AddressResolver(dns, (text) => warnings.push(text));
  await resolver.resolve(["dns+h:1"]);
  fails = true;
  assert.deepEqual(await resolver.resolve(["dns+h:1", "dns+noport"]), ["10.0.0.1:1"]);
  assert.equal(warnings.length, 2);
});

test("file targets follow the files and survive bad content", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "targets-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const warnings: string[] = [];
  const parseYaml = (text: string): unknown => {
    const targets = text.split("\n").filter((line) => line.startsWith("- "));
    return [{ targets: targets.map((line) => line.slice(2)) }];
  };
  const files = new FileTargets([join(dir, "*.json"), join(dir, "[xy].yml")], {
    parseYaml,
    warn: (text) => warnings.push(text),
  });
  writeFileSync(join(dir, "a.json"), JSON.stringify([{ targets: ["a:1", "b:1"], labels: {} }]));
  writeFileSync(join(dir, "x.yml"), "- c:1\n- a:1\n");
  writeFileSync(join(dir, "z.yml"), "- d:1\n");
  assert.deepEqual(await files.targets(), ["a:1", "b:1", "c:1"]);
  writeFileSync(join(dir, "a.json"), "{broken");
  rmSync(join(dir, "x.yml"));
  assert.deepEqual(await files.targets(), ["a:1", "b:1"]);
  assert.equal(warnings.length, 1);
});

test("endpoint configuration is checked strictly and falls back field by field", () => {
  const config = parseEndpointConfig({
    default_client_config: { tls_config: { ca_file: "/ca" }, compression: "snappy" },
    endpoints: [
      { address: "a:1", strict: true },
      {
        address: "dns+b:1",
        group: true,
        client_config: { tls_config: { enabled: false }, server_name: "n" },
      },
    ],
  });
  const [a, b] = config.endpoints.map((entry) =>
    clientOptionsOf([entry.client, config.defaultClient], {}),
  );
  assert.equal(a?.compression, "snappy");
  assert.equal(a?.tls?.caFile, "/ca");
  assert.equal(b?.tls, null);
  for (const bad of [
    { endpoints: [{ address: "dns+a:1", strict: true }] },
    { endpoints: [{ adress: "a:1" }] },
    { endpoints: [{ address: "a:1", service_config: "{}" }] },
    { endpoints: [{ address: "dns+a:1", group: true, service_config: "{" }] },
    { default_client_config: { compression: "gzip" } },
    { endpoints: [{}] },
    [],
  ]) {
    assert.throws(() => parseEndpointConfig(bad), { code: "STOREAPI_CONFIG" });
  }
});

const info: InfoResponse = {
  labelSets: [Labels.from({ cluster: "eu" })],
  componentType: "sidecar",
  store: {
    minTime: 5,
    maxTime: 10,
    supportsSharding: true,
    supportsWithoutReplicaLabels: true,
    tsdbInfos: [],
    supportsProjections: false,
    supportsAnyOf: true,
  },
  rules: {},
};

test("the endpoint set follows an endpoint through its states", async (t) => {
  let now = 1_000_000;
  const server = new GrpcServer().add(infoService(() => info));
  const { port } = await server.listen("127.0.0.1:0");
  t.after(() => server.close(0));
  const specs = new EndpointSpecs(
    {
      endpoints: [`127.0.0.1:${port}`, "127.0.0.1:1"],
      strict: ["127.0.0.1:2"],
      groups: ["127.0.0.1:1"],
      strictGroups: [],
      client: { backoffMinMs: 10, backoffMaxMs: 20 },
    },
    {
      resolver: new AddressResolver(fakeDns, () => undefined),
      fileTargets: async () => [],
      config: async () => ({ defaultClient: {}, endpoints: [] }),
    },
  );
  const set = new EndpointSet(
    { infoTimeoutMs: 800, unhealthyTimeoutMs: 1000 },
    {
      specs: () => specs.current(),
      refresh: () => specs.refresh(),
      decode: () => undefined,
      log: silentLog,
      now: () => now,
    },
  );
  t.after(() => set.close());
  await set.update();
  const states = () =>
    set
      .statuses()
      .map(({ name, state, listed }) => [name.replace(`${port}`, "PORT"), state, listed]);
  assert.deepEqual(states(), [
    ["127.0.0.1:2", "never", true],
    ["thanos:///127.0.0.1:1", "never", false],
    ["127.0.0.1:PORT", "healthy", true],
    ["127.0.0.1:1", "never", false],
  ]);
  const stores = set.stores();
  assert.deepEqual(
    stores.map((store) => store.unreachable === null),
    [true, false, true, false],
  );
  assert.deepEqual(stores[2]!.source.info(), {
    labelSets: info.labelSets,
    minTime: 5,
    maxTime: 10,
    anyOf: [],
  });
  assert.equal(set.apis()[2]!.rules !== null && set.apis()[2]!.targets === null, true);
  assert.deepEqual(connectionCounts(set.statuses(), ["external_labels", "store_type"]), [
    { labels: { external_labels: '{cluster="eu"}', store_type: "sidecar" }, count: 1 },
  ]);
  await server.close(0);
  now += 500;
  await set.update();
  assert.deepEqual(states()[2], ["127.0.0.1:PORT", "failing", true]);
  assert.ok(set.stores()[2]!.unreachable !== null);
  now += 1000;
  assert.deepEqual(states()[2], ["127.0.0.1:PORT", "failing", false]);
});

test("strict endpoints with DNS schemes are refused", () => {
  const deps = {
    resolver: new AddressResolver(fakeDns, () => undefined),
    fileTargets: async () => [],
    config: async () => ({ defaultClient: {}, endpoints: [] }),
  };
  assert.throws(
    () =>
      new EndpointSpecs(
        { endpoints: [], strict: ["dns+x:1"], groups: [], strictGroups: [], client: {} },
        deps,
      ),
    { code: "STOREAPI_CONFIG" },
  );
});
