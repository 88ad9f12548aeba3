// Those who prove who sends, against stand-ins of the servers that give tokens.
import assert from "node:assert/strict";
import { createVerify, generateKeyPairSync } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { AppError } from "../../../errors.ts";
import { openAuthorizer, readAuth } from "./auth-config.ts";

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
  readonly form: URLSearchParams;
}

interface Answer {
  readonly status?: number;
  readonly type?: string;
  readonly body: string;
}

const never = new AbortController().signal;
const client = "7f2b6a5e-1c3d-4e5f-8a9b-0c1d2e3f4a5b";

/** A server that answers as it is told, and keeps what it was asked. */
async function standIn(t: TestContext, answer: (asked: Asked, count: number) => Answer) {
  const asked: Asked[] = [];
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const { method = "", url = "", headers } = request;
      const form = new URLSearchParams(Buffer.concat(parts).toString());
      const one = { method, url, headers, form };
      asked.push(one);
      const { status = 200, type = "application/json", body } = answer(one, asked.length);
      // The libraries of Google look for this one.
      response.writeHead(status, { "content-type": type, "metadata-flavor": "Google" }).end(body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return { asked, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` };
}

function open(
  t: TestContext,
  section: Record<string, unknown>,
  env: Record<string, string> = {},
  now = { ms: 1_700_000_000_000 },
) {
  const config = readAuth(section, "remote_write[0]", "test");
  const deps = { now: () => now.ms, env, userAgent: "test" };
  const authorizer = openAuthorizer(config, deps)!;
  t.after(() => authorizer.close());
  const request = {
    url: new URL("http://target.example/api/v1/write"),
    headers: { "content-type": "application/x-protobuf" },
    body: Buffer.from("body"),
  };
  return async () => await authorizer.authorize(request, never);
}

const token = (n: number, life = 3600): Answer => ({
  body: JSON.stringify({ access_token: `t${n}`, token_type: "bearer", expires_in: life }),
});

function scratch(t: TestContext): string {
  const dir = mkdtempSync(join(tmpdir(), "deucalion-auth-"));
  t.after(() => rmSync(dir, { recursive: true, force: true }));
  return dir;
}

test("oauth2: one token for all, another shortly before its end", async (t) => {
  const { asked, url } = await standIn(t, (_one, count) => token(count, 60));
  const now = { ms: 0 };
  const oauth2 = {
    client_id: "a b",
    client_secret: "s/1",
    scopes: ["x", "y"],
    token_url: `${url}/token`,
    endpoint_params: { audience: "z" },
  };
  const authorize = open(t, { oauth2 }, {}, now);
  const both = await Promise.all([authorize(), authorize()]);
  assert.deepEqual(both, [{ authorization: "Bearer t1" }, { authorization: "Bearer t1" }]);
  now.ms = 49_000;
  assert.deepEqual(await authorize(), { authorization: "Bearer t1" });
  assert.equal(asked.length, 1);
  now.ms = 51_000;
  assert.deepEqual(await authorize(), { authorization: "Bearer t2" });
  const [one] = asked;
  assert.equal(one!.headers.authorization, `Basic ${Buffer.from("a+b:s%2F1").toString("base64")}`);
  assert.deepEqual(Object.fromEntries(one!.form), {
    grant_type: "client_credentials",
    scope: "x y",
    audience: "z",
  });
});

test("oauth2: a server that wants the secret in the form is asked so from then on", async (t) => {
  const refuse = { status: 401, body: '{"error":"invalid_client"}' };
  const { asked, url } = await standIn(t, ({ form }, count) =>
    form.get("client_secret") === "s2" ? token(count, 0) : refuse,
  );
  const file = join(scratch(t), "secret");
  writeFileSync(file, "s1\n");
  const oauth2 = { client_id: "c", client_secret_file: file, token_url: url };
  const authorize = open(t, { oauth2 });
  await assert.rejects(authorize, { code: "RULE_AUTH", message: /"invalid_client"/ });
  assert.equal(asked.length, 2);
  writeFileSync(file, "s2\n");
  assert.deepEqual(await authorize(), { authorization: "Bearer t4" });
  // Without a life it lives for ever, but not with another secret.
  assert.deepEqual(await authorize(), { authorization: "Bearer t4" });
  writeFileSync(file, "s3\n");
  await assert.rejects(authorize, { code: "RULE_AUTH" });
  assert.equal(asked.length, 5);
});

test("oauth2: a JWT is signed with the key", async (t) => {
  const { asked, url } = await standIn(t, () => ({
    type: "text/plain; charset=utf-8",
    body: "access_token=abc&token_type=mac&expires_in=60",
  }));
  const pair = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const oauth2 = {
    client_id: "c",
    grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer",
    client_certificate_key: pair.privateKey.export({ type: "pkcs8", format: "pem" }),
    client_certificate_key_id: "k1",
    signature_algorithm: "RS512",
    iss: "i",
    scopes: ["x"],
    claims: { extra: 1 },
    token_url: url,
  };
  const authorize = open(t, { oauth2 });
  assert.deepEqual(await authorize(), { authorization: "MAC abc" });
  const { form } = asked[0]!;
  assert.equal(form.get("grant_type"), oauth2.grant_type);
  const [head, body, signature] = form.get("assertion")!.split(".");
  const read = (text: string): unknown => JSON.parse(Buffer.from(text, "base64url").toString());
  assert.deepEqual(read(head!), { alg: "RS512", typ: "JWT", kid: "k1" });
  const { jti, ...claims } = read(body!) as Record<string, unknown>;
  assert.match(String(jti), /^[0-9a-f-]{36}$/);
  assert.deepEqual(claims, {
    iat: 1_700_000_000,
    exp: 1_700_000_600,
    iss: "i",
    sub: "c",
    aud: url,
    scope: "x",
    extra: 1,
  });
  const verify = createVerify("RSA-SHA512").update(`${head}.${body}`);
  assert.ok(verify.verify(pair.publicKey, signature!, "base64url"));
});

test("azuread: tokens by secret, federated token, and identity of the machine, renewed at half of their life", async (t) => {
  const { asked, url } = await standIn(t, (_one, count) => token(count, 100));
  const file = join(scratch(t), "federated");
  writeFileSync(file, "assertion\n");
  const now = { ms: 0 };
  const env = { AZURE_AUTHORITY_HOST: `${url}/`, AZURE_POD_IDENTITY_AUTHORITY_HOST: url };
  const ids = { client_id: client, tenant_id: "11111111-2222-3333-4444-555555555555" };
  const secret = open(t, { azuread: { oauth: { ...ids, client_secret: "s" } } }, env, now);
  await secret();
  now.ms = 49_000;
  await secret();
  now.ms = 50_000;
  assert.deepEqual(await secret(), { authorization: "Bearer t2" });
  const workload = { ...ids, token_file_path: file };
  await open(t, { azuread: { workload_identity: workload, cloud: "AzureChina" } }, env)();
  await open(
    t,
    { azuread: { managed_identity: { client_id: client }, scope: "s://x/.default" } },
    env,
  )();
  const service = { IDENTITY_ENDPOINT: `${url}/msi`, IDENTITY_HEADER: "h" };
  await open(t, { azuread: { sdk: {} } }, { ...env, ...service })();
  const shown = asked.map(({ method, url: path, form, headers }) => {
    const fields = Object.fromEntries(form);
    const about = headers.metadata ?? headers["x-identity-header"] ?? "";
    return { at: `${method} ${path}`, fields, about };
  });
  const at = `POST /${ids.tenant_id}/oauth2/v2.0/token`;
  const bySecret = {
    at,
    fields: {
      grant_type: "client_credentials",
      scope: "https://monitor.azure.com//.default",
      client_id: client,
      client_secret: "s",
    },
    about: "",
  };
  assert.deepEqual(shown, [
    bySecret,
    bySecret,
    {
      at,
      fields: {
        grant_type: "client_credentials",
        scope: "https://monitor.azure.cn//.default",
        client_id: client,
        client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        client_assertion: "assertion",
      },
      about: "",
    },
    {
      at: `GET /metadata/identity/oauth2/token?resource=s%3A%2F%2Fx&client_id=${client}&api-version=2018-02-01`,
      fields: {},
      about: "true",
    },
    {
      at: "GET /msi?resource=https%3A%2F%2Fmonitor.azure.com%2F&api-version=2019-08-01",
      fields: {},
      about: "h",
    },
  ]);
});

test("google_iam: a token for what the credentials file proves, kept until its end", async (t) => {
  const { asked, url } = await standIn(t, (_one, count) => ({
    body: JSON.stringify({
      access_token: `t${count}`,
      issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
      token_type: "Bearer",
      expires_in: 3600,
    }),
  }));
  const dir = scratch(t);
  const [subject, file] = [join(dir, "subject"), join(dir, "credentials.json")];
  writeFileSync(subject, "who I am");
  const credentials = {
    type: "external_account",
    audience:
      "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/q",
    subject_token_type: "urn:ietf:params:oauth:token-type:jwt",
    token_url: `${url}/v1/token`,
    credential_source: { file: subject },
  };
  writeFileSync(file, JSON.stringify(credentials));
  const authorize = open(t, { google_iam: { credentials_file: file } });
  assert.deepEqual(await authorize(), { authorization: "Bearer t1" });
  assert.deepEqual(await authorize(), { authorization: "Bearer t1" });
  const shown = asked.map(({ method, url: path, form }) => ({
    at: `${method} ${path}`,
    subject: form.get("subject_token"),
    audience: form.get("audience"),
    scope: form.get("scope"),
  }));
  const { audience } = credentials;
  const scope = "https://www.googleapis.com/auth/monitoring.write";
  assert.deepEqual(shown, [{ at: "POST /v1/token", subject: "who I am", audience, scope }]);
  const missing = open(t, { google_iam: { credentials_file: join(dir, "none.json") } });
  await assert.rejects(missing(), { code: "RULE_AUTH", message: /no access token of Google/ });
});

test("sigv4: keys of the section, and of a role that is taken with them", async (t) => {
  const role = (n: number): Answer => ({
    type: "text/xml",
    body: `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>R${n}</AccessKeyId>
      <SecretAccessKey>s</SecretAccessKey><SessionToken>st${n}</SessionToken>
      <Expiration>2023-11-14T22:28:20Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
  });
  const { asked, url } = await standIn(t, (_one, count) => role(count));
  const keys = { region: "eu-west-1", access_key: "AK", secret_key: "SK" };
  const plain = await open(t, { sigv4: keys })();
  assert.match(
    plain.authorization!,
    /^AWS4-HMAC-SHA256 Credential=AK\/20231114\/eu-west-1\/aps\/aws4_request, SignedHeaders=content-type;host;x-amz-date, /,
  );
  const now = { ms: 1_700_000_000_000 };
  const section = { ...keys, role_arn: "arn:aws:iam::1:role/r", external_id: "e" };
  const env = { AWS_ENDPOINT_URL_STS: url };
  const authorize = open(t, { sigv4: section }, env, now);
  for (const [ms, key] of [
    [0, "R1"],
    [869_000, "R1"],
    [871_000, "R2"],
  ] as const) {
    now.ms = 1_700_000_000_000 + ms;
    const headers = await authorize();
    assert.ok(headers.authorization!.includes(`Credential=${key}/`), headers.authorization);
    assert.equal(headers["x-amz-security-token"], `st${key.slice(1)}`);
  }
  const [one] = asked;
  assert.equal(asked.length, 2);
  assert.match(
    one!.headers.authorization!,
    /Credential=AK\/20231114\/eu-west-1\/sts\/aws4_request/,
  );
  assert.deepEqual(Object.fromEntries(one!.form), {
    Action: "AssumeRole",
    Version: "2011-06-15",
    RoleArn: "arn:aws:iam::1:role/r",
    RoleSessionName: "deucalion-1700000000000",
    DurationSeconds: "900",
    ExternalId: "e",
  });
});

test("sections that say who sends are checked", () => {
  const refused = (section: Record<string, unknown>, reason: RegExp): void =>
    assert.throws(
      () => {
        const config = readAuth(section, "remote_write[0]", "test");
        openAuthorizer(config, { now: Date.now, env: { AWS_CONFIG_FILE: "/none" }, userAgent: "" });
      },
      (error) => error instanceof AppError && reason.test(error.message),
    );
  const oauth2 = { client_id: "c", token_url: "http://a" };
  refused({ oauth2, sigv4: {} }, /at most one .* Currently configured: \[oauth2 sigv4\]/);
  refused({ oauth2, bearer_token: "x" }, /at most one of oauth2 & bearer_token/);
  refused({ oauth2: { ...oauth2, client_id: "" } }, /client_id must be configured/);
  refused({ oauth2: { client_id: "c" } }, /token_url must be configured/);
  refused({ oauth2: { ...oauth2, client_secret: "a", client_secret_file: "b" } }, /at most one of/);
  refused({ oauth2: { ...oauth2, grant_type: "password" } }, /grant_type "password"/);
  refused({ sigv4: { access_key: "a" } }, /must provide a AWS SigV4 Access key and Secret Key/);
  refused({ sigv4: { external_id: "a" } }, /external_id can only be used with role_arn/);
  refused({ sigv4: { access_key: "a", secret_key: "b" } }, /region not configured/);
  refused({ azuread: {} }, /must provide an Azure Managed Identity/);
  refused({ azuread: { sdk: {}, oauth: {} } }, /multiple authentication methods/);
  refused({ azuread: { sdk: {}, cloud: "Moon" } }, /must provide a cloud/);
  refused({ azuread: { managed_identity: { client_id: "x" } } }, /client_id is invalid/);
  refused({ azuread: { workload_identity: {} } }, /must provide client_id/);
  refused({ google_iam: { nope: 1 } }, /field nope not found/);
});
