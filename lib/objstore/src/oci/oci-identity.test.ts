// Identities of machines and workloads in Oracle's cloud, before a stand-in of all that they ask.
import assert from "node:assert/strict";
import { createHash, createPublicKey, type KeyObject, verify, X509Certificate } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import type { IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { startStandIn } from "../testing/stand-in-store.ts";
import { OciBucket } from "./oci-bucket.ts";
import { readOciConfig } from "./oci-config.ts";
import { openIdentity } from "./oci-identity.ts";
import { OciSessions } from "./oci-session.ts";

const never = new AbortController().signal;
const testdata = new URL("../../../testdata/", import.meta.url);
const pem = (name: string): string =>
  readFileSync(new URL(`oci-instance.${name}`, testdata), "utf8");
const leaf = new X509Certificate(pem("crt"));
const instanceKey = `ocid1.tenancy.oc1..aaaa/fed-x509-sha256/${leaf.fingerprint256.toLowerCase()}`;
const bare = (text: string): string => text.replace(/-----.*-----|\n/g, "");

/** A token that nobody signed; ours are not checked by us. */
function tokenOf(fromMs: number, untilMs: number, id = ""): string {
  const claims = { iat: fromMs / 1000, exp: untilMs / 1000, jti: id };
  return `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.x`;
}

const asked: string[] = [];
/** Public keys of sessions by token. */
const sessions = new Map<string, KeyObject>();
let standIn: { url: string; close: () => void };

function open(publicKey: KeyObject): string {
  const token = tokenOf(Date.now(), Date.now() + 3_600_000, String(sessions.size));
  sessions.set(token, publicKey);
  return token;
}

/** Who signed, and which headers; "" if the signature is wrong. */
function signerOf(request: IncomingMessage, keyOf: (id: string) => KeyObject | undefined): string {
  const fields = new Map(
    [...(request.headers.authorization ?? "").matchAll(/(\w+)="([^"]*)"/g)].map(([, k, v]) => [
      k!,
      v!,
    ]),
  );
  const [id, names] = [fields.get("keyId") ?? "", fields.get("headers") ?? ""];
  const target = `${request.method!.toLowerCase()} ${request.url}`;
  const text = names
    .split(" ")
    .map((name) => `${name}: ${name === "(request-target)" ? target : request.headers[name]}`)
    .join("\n");
  const key = keyOf(id);
  const signature = Buffer.from(fields.get("signature") ?? "", "base64");
  const right = key !== undefined && verify("sha256", Buffer.from(text), key, signature);
  return right ? `${id} ${names}` : "";
}

before(async () => {
  standIn = await startStandIn((request, url, body, response) => {
    const path = url.pathname;
    asked.push(`${request.method} ${path}`);
    const { authorization } = request.headers;
    if (path.startsWith("/opc/")) {
      if (authorization !== "Bearer Oracle") return response.writeHead(401).end();
      const texts: Record<string, string> = {
        "/opc/instance/region": "phx\n",
        "/opc/identity/cert.pem": pem("crt"),
        "/opc/identity/intermediate.pem": pem("crt"),
        "/opc/identity/key.pem": pem("key"),
      };
      return response.end(texts[path]);
    }
    if (path === "/v1/x509") {
      const want = `${instanceKey} date (request-target) content-length content-type x-content-sha256`;
      const hash = createHash("sha256").update(body).digest("base64");
      if (signerOf(request, () => leaf.publicKey) !== want) return response.writeHead(401).end();
      if (request.headers["x-content-sha256"] !== hash) return response.writeHead(400).end();
      const { publicKey, ...rest } = JSON.parse(body.toString()) as { publicKey: string };
      const plain = bare(pem("crt"));
      assert.deepEqual(rest, {
        certificate: plain,
        intermediateCertificates: [plain],
        fingerprintAlgorithm: "SHA256",
      });
      const der = Buffer.from(publicKey, "base64");
      const key = createPublicKey({ key: der, format: "der", type: "spki" });
      return response.end(JSON.stringify({ token: open(key) }));
    }
    if (path === "/resourcePrincipalSessionTokens") {
      if (authorization !== "Bearer account") return response.writeHead(403).end("no");
      const { podKey } = JSON.parse(body.toString()) as { podKey: string };
      const inner = JSON.stringify({ token: `ST$${open(createPublicKey(podKey))}` });
      return response.end(JSON.stringify(Buffer.from(inner).toString("base64")));
    }
    const signer = signerOf(request, (id) => sessions.get(id.replace(/^ST\$/, "")));
    if (!signer.endsWith(" date (request-target) host")) return response.writeHead(401).end();
    return response.end(path === "/n/" ? JSON.stringify("space") : "data");
  });
});
after(() => standIn.close());

const settings = { bucket: "b", compartment_ocid: "compartment" };

test("a machine signs with a key that its certificate vouches for", async () => {
  const env = { OCI_METADATA_BASE_URL: `${standIn.url}/opc` };
  const config = { ...settings, provider: "instance-principal" };
  const identity = openIdentity(readOciConfig(config, env), Date.now);
  assert.equal(await identity.endpoint(), "https://objectstorage.us-phoenix-1.oraclecloud.com");
  identity.close();
  asked.length = 0;
  const all = {
    ...env,
    OCI_SDK_AUTH_CLIENT_REGION_URL: standIn.url,
    OCI_OBJECTSTORAGE_ENDPOINT: standIn.url,
  };
  const bucket = new OciBucket(readOciConfig(config, all));
  const reads = [bucket.get("a", never), bucket.get("c", never)];
  for (const data of await Promise.all(reads)) assert.equal(Buffer.from(data).toString(), "data");
  assert.deepEqual(asked.sort(), [
    "GET /n/",
    "GET /n/space/b/b/o/a",
    "GET /n/space/b/b/o/c",
    "GET /opc/identity/cert.pem",
    "GET /opc/identity/intermediate.pem",
    "GET /opc/identity/key.pem",
    "POST /v1/x509",
  ]);
  await bucket.close();
});

test("a workload signs with a key that its service account vouches for", async () => {
  const folder = mkdtempSync(join(tmpdir(), "deucalion-oci-"));
  const [caFile, tokenFile] = [join(folder, "ca.crt"), join(folder, "token")];
  writeFileSync(caFile, pem("crt"));
  writeFileSync(tokenFile, "account\n");
  const config = { ...settings, provider: "oke-workload-identity", region: "eu-frankfurt-1" };
  const env = {
    KUBERNETES_SERVICE_HOST: "10.0.0.1",
    OCI_KUBERNETES_SERVICE_ACCOUNT_CERT_PATH: caFile,
  };
  try {
    const options = readOciConfig(config, env);
    assert.equal(options.endpoint, "https://objectstorage.eu-frankfurt-1.oraclecloud.com");
    assert.deepEqual(options.key, {
      kind: "workload",
      url: "https://10.0.0.1:12250/resourcePrincipalSessionTokens",
      caFile,
      tokenFile: "/var/run/secrets/kubernetes.io/serviceaccount/token",
    });
    const url = `${standIn.url}/resourcePrincipalSessionTokens`;
    const key = { kind: "workload" as const, url, caFile, tokenFile };
    const bucket = new OciBucket({ ...options, key, endpoint: standIn.url });
    assert.equal(Buffer.from(await bucket.get("a", never)).toString(), "data");
    await bucket.close();
    const code = { code: "OBJSTORE_CONFIG" };
    assert.throws(() => readOciConfig(config, { ...env, KUBERNETES_SERVICE_HOST: "" }), code);
    assert.throws(() => readOciConfig({ ...config, region: "" }, env), code);
    const missing = { ...env, OCI_KUBERNETES_SERVICE_ACCOUNT_CERT_PATH: join(folder, "none") };
    assert.throws(() => readOciConfig(config, missing), code);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("OciSessions makes a new key at half of a token's life, and keeps the old one while that fails", async () => {
  const hour = 3_600_000;
  let now = 0;
  let made = 0;
  let broken = false;
  const ask = async (): Promise<string> => {
    if (broken) throw new Error("nobody there");
    return tokenOf(now, now + hour, String(made++));
  };
  const keys = new OciSessions(ask, () => now);
  const [first, same] = await Promise.all([keys.key(), keys.key()]);
  assert.equal(first, same);
  now = hour / 2 - 1;
  assert.equal(await keys.key(), first);
  now = hour / 2;
  broken = true;
  assert.equal(await keys.key(), first);
  broken = false;
  const second = await keys.key();
  assert.notEqual(second.keyId, first.keyId);
  assert.equal(made, 2);
  broken = true;
  now = hour * 2;
  await assert.rejects(keys.key(), /nobody there/);
  const wrong = new OciSessions(
    async () => "no token",
    () => now,
  );
  await assert.rejects(wrong.key(), { code: "OBJSTORE_IO", message: /cannot be read/ });
});
