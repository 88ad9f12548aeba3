// OCI over its own API, since its keys are not those of its S3 endpoint.
import { createHash } from "node:crypto";
import type { UploadBody, UploadOptions } from "../bucket.ts";
import {
  pathOf,
  readText,
  type StoreRequest,
  type StoreResponse,
  statusError,
} from "../http/http-transport.ts";
import { eachPart, wholeOrParts } from "../remote/body-parts.ts";
import { HttpBucket, ifMatch, type ObjectRequest, withParams } from "../remote/http-bucket.ts";
import type { ListPage } from "../remote/remote-bucket.ts";
import type { OciOptions } from "./oci-config.ts";
import { type OciIdentity, openIdentity } from "./oci-identity.ts";
import { ociAuthorize } from "./oci-sign.ts";

const octets = "application/octet-stream";
const uploadsMax = 2;

type Params = Readonly<Record<string, string | undefined>>;

/** A bucket of Oracle's cloud. */
export class OciBucket extends HttpBucket {
  readonly name: string;
  readonly conditionalCreate = true;
  readonly #options: OciOptions;
  readonly #identity: OciIdentity;
  #namespace: Promise<string> | undefined;

  constructor(options: OciOptions, component = "") {
    const { http, attemptsMax, retryMs } = options;
    const transport = { http, attemptsMax, retryMs };
    const identity = openIdentity(options, Date.now);
    super({ transport, component }, ociAuthorize(identity.key, Date.now));
    this.#identity = identity;
    this.name = options.bucket;
    this.#options = options;
  }

  async #findNamespace(): Promise<string> {
    const { compartment } = this.#options;
    const url = withParams(`${await this.#identity.endpoint()}/n/`, { compartmentId: compartment });
    const { signal } = new AbortController();
    const response = await this.transport.send({ method: "GET", url, signal });
    if (response.status !== 200) throw await statusError("namespace", compartment, response);
    return JSON.parse(await readText(response)) as string;
  }

  async #url(path: string, params: Params = {}): Promise<URL> {
    this.#namespace ??= this.#findNamespace().catch((error: unknown) => {
      this.#namespace = undefined;
      throw error;
    });
    const namespace = encodeURIComponent(await this.#namespace);
    const { bucket } = this.#options;
    const endpoint = await this.#identity.endpoint();
    return withParams(`${endpoint}/n/${namespace}/b/${encodeURIComponent(bucket)}/${path}`, params);
  }

  async #send(
    path: string,
    { params, ...request }: Omit<StoreRequest, "url"> & { readonly params?: Params },
  ): Promise<StoreResponse> {
    return this.transport.send({ ...request, url: await this.#url(path, params) });
  }

  override async close(): Promise<void> {
    this.#identity.close();
    await super.close();
  }

  protected object(name: string, request: ObjectRequest): Promise<StoreResponse> {
    const headers = { ...request.headers, ...ifMatch(request.version) };
    const { method, signal } = request;
    return this.#send(`o/${pathOf(name)}`, { method, headers, signal });
  }

  protected override bucketMissing(_: StoreResponse, text: string): boolean {
    return text.includes("BucketNotFound") || text.includes("NamespaceNotFound");
  }

  protected async page(
    folder: string,
    recursive: boolean,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<ListPage> {
    const url = await this.#url("o", {
      fields: "name,size,timeModified",
      prefix: folder || undefined,
      delimiter: recursive ? undefined : "/",
      start: token,
    });
    const answer = JSON.parse(await this.listing(folder, { url, signal })) as {
      objects?: { name: string; size?: number; timeModified?: string }[];
      prefixes?: string[];
      nextStartWith?: string;
    };
    return {
      objects: (answer.objects ?? []).map(({ name, size, timeModified }) => ({
        name,
        attributes: { size: size ?? 0, lastModifiedMs: Date.parse(timeModified ?? "") || 0 },
      })),
      folders: answer.prefixes ?? [],
      next: answer.nextStartWith || undefined,
    };
  }

  protected async put(
    name: string,
    body: UploadBody,
    { ifAbsent }: UploadOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const condition: Record<string, string> = ifAbsent === true ? { "if-none-match": "*" } : {};
    const { whole, parts } = await wholeOrParts(body, this.#options.partBytes);
    if (whole === undefined) await this.#multipart(name, parts, condition, signal);
    else await this.#write(`o/${pathOf(name)}`, name, {}, condition, whole, signal);
  }

  async #write(
    path: string,
    name: string,
    params: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<string> {
    const response = await this.#send(path, {
      method: "PUT",
      params,
      headers: {
        "content-type": octets,
        "content-md5": createHash("md5").update(body).digest("base64"),
        ...headers,
      },
      body,
      signal,
    });
    await this.written(name, response, [412]);
    response.body.resume();
    return response.headers.etag ?? "";
  }

  async #multipart(
    name: string,
    parts: AsyncGenerator<Uint8Array>,
    condition: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<void> {
    const json = { "content-type": "application/json", ...condition };
    const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));
    const begun = await this.#send("u", {
      method: "POST",
      headers: json,
      body: encode({ object: name, contentType: octets }),
      signal,
    });
    await this.written(name, begun, [412]);
    const { uploadId } = JSON.parse(await readText(begun)) as { uploadId: string };
    const path = `u/${pathOf(name)}`;
    try {
      const partsToCommit: { partNum: number; etag: string }[] = [];
      await eachPart(parts, uploadsMax, async (part, partNum) => {
        const params = { uploadId, uploadPartNum: String(partNum) };
        partsToCommit.push({
          partNum,
          etag: await this.#write(path, name, params, {}, part, signal),
        });
      });
      partsToCommit.sort((a, b) => a.partNum - b.partNum);
      const body = encode({ partsToCommit });
      const params = { uploadId };
      const done = await this.#send(path, { method: "POST", params, headers: json, body, signal });
      await this.written(name, done, [412]);
      done.body.resume();
    } catch (error) {
      const never = new AbortController().signal;
      await this.#send(path, { method: "DELETE", params: { uploadId }, signal: never }).then(
        (response) => response.body.resume(),
        () => undefined,
      );
      throw error;
    }
  }
}
