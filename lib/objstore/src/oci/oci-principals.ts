// Who a machine, or a workload of Kubernetes, is in Oracle's cloud: asked of the places that know.
import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { messageOf } from "@deucalion/base";
import { ObjstoreError } from "../errors.ts";
import type { HttpConfig } from "../http/http-config.ts";
import {
  HttpTransport,
  readText,
  type StoreRequest,
  statusError,
  transportDefaults,
} from "../http/http-transport.ts";
import { signOci } from "./oci-sign.ts";

export interface InstancePrincipal {
  readonly kind: "instance";
  /** Where the machine learns about itself. */
  readonly metadataUrl: string;
  /** "" for that of the region. */
  readonly authUrl: string;
}

export interface WorkloadPrincipal {
  readonly kind: "workload";
  readonly url: string;
  /** Paths; read anew for each token. */
  readonly tokenFile: string;
  readonly caFile: string;
}

/** The two regions whose metadata gives their old short names. */
const shortNames: Readonly<Record<string, string>> = { iad: "us-ashburn-1", phx: "us-phoenix-1" };
const attemptsMax = 4;
/** Those who are asked are near; elsewhere than in Oracle's cloud nobody answers. */
const answerMs = 10_000;

function openTransport(config: HttpConfig): HttpTransport {
  const http = { ...config, responseHeaderTimeoutMs: answerMs };
  const options = { ...transportDefaults, http, attemptsMax, userAgent: "deucalion" };
  return new HttpTransport(options, () => ({}));
}

async function textOf(
  transport: HttpTransport,
  request: Omit<StoreRequest, "signal">,
): Promise<string> {
  const { signal } = new AbortController();
  const response = await transport.send({ ...request, signal });
  if (response.status !== 200) throw await statusError("identity", request.url.href, response);
  return readText(response, 1 << 20);
}

/** The middle of a PEM text. */
function bare(pem: string): string {
  return pem.replace(/-----[A-Z ]+-----/g, "").replace(/\s/g, "");
}

function spki(key: KeyObject): string {
  return key.export({ type: "spki", format: "pem" }).toString();
}

/** A machine: its certificate proves who it is. */
export class OciInstance {
  readonly #principal: InstancePrincipal;
  readonly #transport: HttpTransport;
  readonly #now: () => number;
  #region: Promise<string> | undefined;

  constructor(principal: InstancePrincipal, http: HttpConfig, now: () => number) {
    this.#principal = principal;
    this.#transport = openTransport(http);
    this.#now = now;
  }

  #metadata(path: string): Promise<string> {
    const url = new URL(`${this.#principal.metadataUrl}${path}`);
    const headers = { authorization: "Bearer Oracle" };
    return textOf(this.#transport, { method: "GET", url, headers });
  }

  /** The region it runs in. Throws OBJSTORE_IO. */
  region(): Promise<string> {
    this.#region ??= this.#metadata("/instance/region").then(
      (text) => {
        const name = text.trim().toLowerCase();
        return shortNames[name] ?? name;
      },
      (error: unknown) => {
        this.#region = undefined;
        throw error;
      },
    );
    return this.#region;
  }

  /** A token for the owner of `publicKey`. Throws OBJSTORE_IO. */
  async token(publicKey: KeyObject): Promise<string> {
    const [cert, key, intermediate] = await Promise.all(
      ["cert", "key", "intermediate"].map((name) => this.#metadata(`/identity/${name}.pem`)),
    );
    const details = {
      certificate: bare(cert!),
      publicKey: bare(spki(publicKey)),
      intermediateCertificates: [bare(intermediate!)],
      fingerprintAlgorithm: "SHA256",
    };
    const base = this.#principal.authUrl || `https://auth.${await this.region()}.oraclecloud.com`;
    const request = {
      method: "POST" as const,
      url: new URL(`${base}/v1/x509`),
      headers: { "content-type": "application/json" },
      body: Buffer.from(JSON.stringify(details)),
    };
    const signed = signOci(request, this.#identity(cert!, key!), this.#now(), { host: false });
    const headers = { ...request.headers, ...signed };
    return tokenOf(await textOf(this.#transport, { ...request, headers }));
  }

  #identity(cert: string, key: string): { readonly keyId: string; readonly key: KeyObject } {
    try {
      const leaf = new X509Certificate(cert);
      const tenancy = /opc-tenant:([^\s,+]+)/.exec(leaf.subject)?.[1];
      if (tenancy === undefined) throw new Error("it names no tenancy");
      const print = leaf.fingerprint256.toLowerCase();
      return { keyId: `${tenancy}/fed-x509-sha256/${print}`, key: createPrivateKey(key) };
    } catch (cause) {
      const text = `certificate of the instance: ${messageOf(cause)}`;
      throw new ObjstoreError("OBJSTORE_IO", text, {}, { cause });
    }
  }

  close(): void {
    this.#transport.close();
  }
}

/** A workload of Kubernetes: the token of its service account proves who it is. */
export class OciWorkload {
  readonly #principal: WorkloadPrincipal;
  readonly #transport: HttpTransport;

  constructor(principal: WorkloadPrincipal, http: HttpConfig) {
    this.#principal = principal;
    this.#transport = openTransport({ ...http, tls: { ...http.tls, caFile: principal.caFile } });
  }

  /** A token for the owner of `publicKey`. Throws OBJSTORE_IO. */
  async token(publicKey: KeyObject): Promise<string> {
    const account = readFileSync(this.#principal.tokenFile, "utf8").trim();
    const text = await textOf(this.#transport, {
      method: "POST",
      url: new URL(this.#principal.url),
      headers: { authorization: `Bearer ${account}`, "content-type": "application/json" },
      body: Buffer.from(JSON.stringify({ podKey: spki(publicKey) })),
    });
    // A text of JSON, in it base64, in it JSON.
    const inner = Buffer.from(text.trim().slice(1, -1), "base64").toString("utf8");
    return tokenOf(inner).replace(/^ST\$/, "");
  }

  close(): void {
    this.#transport.close();
  }
}

function tokenOf(text: string): string {
  try {
    const { token } = JSON.parse(text) as { token?: unknown };
    if (typeof token === "string" && token !== "") return token;
  } catch {
    // Said below.
  }
  throw new ObjstoreError("OBJSTORE_IO", "OCI answered without a security token");
}
