// A querier with a cache of its own: who asks is decided before the cache, and nobody chooses to be somebody else.
import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, type RequestOptions, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { conformanceRoot, deucalion, freePort, repositoryRoot } from "../support/mod.ts";
import { Cluster } from "../support/recorded-answers.ts";

const range = new URLSearchParams({
  query: "count by (job) (up)",
  start: "1704154200",
  end: "1704154800",
  step: "60",
});
const cache = "--query.cache-config={type: IN-MEMORY, config: {max_size: 16MB}}";
const confined = ["--query.enforce-tenancy", "--query.tenant-label-name=job"];
const paths = [
  `query_range?${range}`,
  "query?query=count(up)&time=1704154800",
  "series?match[]=up",
  "labels?match[]=up",
  "label/job/values",
];

test("each tenant gets its own, the cache warm or cold, by whatever header it names itself", async (t) => {
  const cluster = await Cluster.start(join(conformanceRoot, "blocks/ha/bucket"));
  t.after(() => cluster.stop());
  const flags = [...confined, "--query.tenant-header=X-Team"];
  const cached = await cluster.querier([...flags, cache]);
  const plain = await cluster.querier(flags);
  const everything = await cluster.querier([]);
  const all = (await (await fetch(`${everything}/api/v1/label/job/values`)).json()) as {
    data: string[];
  };
  const [one, other] = all.data;
  assert.ok(one !== undefined && other !== undefined);
  const asked: Record<string, string>[] = [
    { "X-Team": one },
    { "X-Team": other },
    { "THANOS-TENANT": other },
    { "THANOS-TENANT": one },
    { "X-Team": one, "THANOS-TENANT": other },
    { "X-Team": other, "THANOS-TENANT": one },
    { "X-Team": "nobody", "X-Scope-OrgID": one },
    {},
    { "X-Team": `${one}/../${other}` },
  ];
  const answers = new Set<string>();
  for (let round = 0; round < 3; round++) {
    for (const headers of asked) {
      for (const path of paths) {
        const get = async (base: string, post = false): Promise<unknown> => {
          const [name, body] = path.split("?") as [string, string | undefined];
          const url = `${base}/api/v1/${post ? name : path}`;
          const type = { "content-type": "application/x-www-form-urlencoded" };
          const response = post
            ? await fetch(url, { method: "POST", headers: { ...headers, ...type }, body: body! })
            : await fetch(url, { headers });
          // A frontend tells what is wrong in plain text.
          if (!response.ok) {
            await response.arrayBuffer();
            return { status: response.status };
          }
          const { data } = (await response.json()) as { data?: unknown };
          return { status: 200, data };
        };
        const want = await get(plain);
        assert.deepEqual(await get(cached), want, `${path} ${JSON.stringify(headers)}`);
        if (!path.startsWith("label/")) assert.deepEqual(await get(cached, true), want);
        answers.add(JSON.stringify(want));
      }
    }
  }
  assert.ok(answers.size >= 2 * paths.length, `${answers.size} different answers`);
});

interface Answer {
  readonly status: number;
  readonly text: string;
}

function ask(url: string, options: RequestOptions): Promise<Answer> {
  return new Promise((resolve, reject) => {
    request(url, options, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve({ status: response.statusCode!, text }));
    })
      .on("error", reject)
      .end();
  });
}

test("where a certificate decides no header does", async (t) => {
  const folder = mkdtempSync(join(tmpdir(), "deucalion-tenants-"));
  const cluster = await Cluster.start(join(conformanceRoot, "blocks/ha/bucket"));
  const file = (name: string): string => join(repositoryRoot, "lib/rpc/testdata", name);
  const web = join(folder, "web.yml");
  writeFileSync(
    web,
    JSON.stringify({
      tls_server_config: {
        cert_file: file("server.crt"),
        key_file: file("server.key"),
        client_ca_file: file("ca.crt"),
        client_auth_type: "RequireAndVerifyClientCert",
      },
    }),
  );
  const port = await freePort();
  const querier = deucalion("querier", [
    "query",
    `--endpoint=${cluster.storeAddress}`,
    `--http-address=127.0.0.1:${port}`,
    `--grpc-address=127.0.0.1:${await freePort()}`,
    `--http.config=${web}`,
    "--query.tenant-certificate-field=organization",
    ...confined,
    cache,
  ]);
  const agent = new Agent({
    keepAlive: true,
    rejectUnauthorized: false,
    cert: readFileSync(file("client.crt")),
    key: readFileSync(file("client.key")),
  });
  t.after(async () => {
    agent.destroy();
    await Promise.all([querier.stop(), cluster.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });
  const base = `https://127.0.0.1:${port}`;
  const ready = () =>
    ask(`${base}/-/ready`, { agent }).then(
      ({ status }) => status === 200,
      () => false,
    );
  for (let tries = 0; !(await ready()); tries++) {
    assert.ok(tries < 600, "ready in time");
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  // What a tenant that is named by a header would get: something.
  const open = await cluster.querier([...confined, cache]);
  const jobs = (await (
    await fetch(`${await cluster.querier([])}/api/v1/label/job/values`)
  ).json()) as {
    data: string[];
  };
  const job = jobs.data[0]!;
  for (const name of ["THANOS-TENANT", "thanos-tenant", "X-Scope-OrgID"]) {
    for (const path of paths) {
      const url = `/api/v1/${path}`;
      const empty = /"(?:result|data)":\[\]/;
      if (name === "THANOS-TENANT") {
        const named = await fetch(open + url, { headers: { [name]: job } });
        assert.doesNotMatch(await named.text(), empty, path);
      }
      for (let round = 0; round < 2; round++) {
        const { status, text } = await ask(base + url, { agent, headers: { [name]: job } });
        assert.equal(status, 200, text);
        assert.match(text, empty, path);
      }
    }
  }
  await assert.rejects(ask(`${base}/api/v1/labels`, { rejectUnauthorized: false }));
});
