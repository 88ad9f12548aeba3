// Reads of objects without the SDK, which takes six times the processor's time for each. Answers that are not plain ones are
// left to the SDK: it knows redirects, clocks that are wrong, and the words of errors.
import type { ObjectAttributes } from "../bucket.ts";
import {
  HttpTransport,
  readText,
  remoteBody,
  type StoreResponse,
  transportDefaults,
} from "../http/http-transport.ts";
import { type ListPage, notFound, type RemoteBody } from "../remote/remote-bucket.ts";
import { parseList } from "./parse-list.ts";
import type { S3Options } from "./s3-config.ts";
import { amzDate, emptyBodyHash, encodeKey, SignerV4, type SigningIdentity } from "./sign-v4.ts";

export interface S3ReadsDeps {
  /** Name of the component, for the user agent. */
  readonly component: string;
  readonly identity: () => Promise<SigningIdentity>;
  readonly now: () => number;
}

/** Where objects of the bucket lie, without the last slash; undefined where only the SDK knows. */
export function objectsUrl(options: S3Options): string | undefined {
  const { bucket, endpoint, endpointIsBucket, pathStyle, region, dualstack } = options;
  // Dots do not fit certificates of virtual hosts; other partitions of Amazon have other names.
  const plain = /^[a-z0-9-]+$/.test(bucket);
  if (endpoint === "") {
    if (!plain || pathStyle || /^(cn|us-gov|us-iso)/.test(region)) return undefined;
    const host = `s3.${dualstack ? "dualstack." : ""}${region || "us-east-1"}.amazonaws.com`;
    return `https://${bucket}.${host}`;
  }
  if (endpointIsBucket) return endpoint.replace(/\/+$/, "");
  const { protocol, host, pathname } = new URL(endpoint);
  if (pathname !== "/") return undefined;
  if (pathStyle) return `${protocol}//${host}/${encodeURIComponent(bucket)}`;
  return plain ? `${protocol}//${bucket}.${host}` : undefined;
}

/** Answers, or "ask the SDK". */
export type S3Read<T> = { readonly answer: T } | "unusual";

export class S3Reads {
  readonly #url: string;
  readonly #transport: HttpTransport;
  readonly #deps: S3ReadsDeps;
  readonly #extra: Readonly<Record<string, string>>;
  readonly #signer: SignerV4;

  /** `extra` headers go with each request, and are signed: those of a customer's key. */
  constructor(
    url: string,
    options: Pick<S3Options, "http" | "attemptsMax" | "region">,
    extra: Readonly<Record<string, string>>,
    deps: S3ReadsDeps,
  ) {
    const { http, attemptsMax } = options;
    const userAgent = `thanos-${deps.component} deucalion`;
    this.#url = url;
    this.#deps = deps;
    this.#extra = extra;
    this.#signer = new SignerV4(options.region || "us-east-1");
    this.#transport = new HttpTransport(
      { ...transportDefaults, http, attemptsMax, userAgent },
      (request) => this.#authorize(request.method, request.url),
    );
  }

  async #authorize(method: string, url: URL): Promise<Readonly<Record<string, string>>> {
    const identity = await this.#deps.identity();
    const headers: Record<string, string> = {
      host: url.host,
      "x-amz-content-sha256": emptyBodyHash,
      "x-amz-date": amzDate(this.#deps.now()),
      ...(identity.sessionToken === undefined
        ? {}
        : { "x-amz-security-token": identity.sessionToken }),
      ...this.#extra,
    };
    const authorization = this.#signer.sign(
      method,
      url.pathname,
      url.search.slice(1),
      headers,
      identity,
    );
    return { ...headers, authorization };
  }

  #send(
    method: "GET" | "HEAD",
    name: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<StoreResponse> {
    const url = new URL(`${this.#url}/${encodeKey(name)}`);
    return this.#transport.send({ method, url, headers, signal });
  }

  /** As `openBody` of a bucket. Throws OBJSTORE_NOT_FOUND. */
  async open(
    name: string,
    range: string | undefined,
    etag: string,
    signal: AbortSignal,
  ): Promise<S3Read<RemoteBody | undefined>> {
    const headers = {
      ...(range === undefined ? {} : { range }),
      ...(etag === "" ? {} : { "if-match": etag }),
    };
    const response = await this.#send("GET", name, headers, signal);
    const { status } = response;
    if (status === 206 || (status === 200 && range === undefined))
      return { answer: remoteBody(response, response.headers.etag ?? "") };
    if (status === 416) {
      response.body.resume();
      return { answer: undefined };
    }
    if (status === 404 && (await saysNoSuchKey(response))) throw notFound(name);
    response.body.destroy();
    return "unusual";
  }

  async head(name: string, signal: AbortSignal): Promise<S3Read<ObjectAttributes | undefined>> {
    const response = await this.#send("HEAD", name, {}, signal);
    response.body.resume();
    if (response.status === 404) return { answer: undefined };
    if (response.status !== 200) return "unusual";
    return {
      answer: {
        size: Number(response.headers["content-length"] ?? 0),
        lastModifiedMs: Date.parse(response.headers["last-modified"] ?? "") || 0,
      },
    };
  }

  /** As `page` of a bucket. */
  async list(
    folder: string,
    recursive: boolean,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<S3Read<ListPage>> {
    const params: [string, string][] = [["list-type", "2"]];
    if (token !== undefined) params.unshift(["continuation-token", token]);
    if (!recursive) params.splice(-1, 0, ["delimiter", "/"]);
    if (folder !== "") params.push(["prefix", folder]);
    const query = params.map(([name, value]) => `${name}=${encodeQuery(value)}`).join("&");
    // Amazon signs what it sees: the bucket's own path has a slash at its end.
    const url = new URL(`${this.#url}/?${query}`);
    const response = await this.#transport.send({ method: "GET", url, signal });
    const page = response.status === 200 ? parseList(await readText(response)) : undefined;
    if (page !== undefined) return { answer: page };
    response.body.destroy();
    return "unusual";
  }

  close(): void {
    this.#transport.close();
  }
}

/** As in `encodeKey`, slashes too. */
function encodeQuery(text: string): string {
  return encodeKey(text).replaceAll("/", "%2F");
}

/** A bucket that is not there is another thing than an object that is not. */
async function saysNoSuchKey({ body }: StoreResponse): Promise<boolean> {
  let text = "";
  for await (const part of body as AsyncIterable<Buffer>) {
    if (text.length < 4096) text += part.toString("latin1");
  }
  return text.includes("<Code>NoSuchKey</Code>");
}
