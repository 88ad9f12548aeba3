// OCI over its own API, since its keys are not those of its S3 endpoint.
import { createHash } from "node:crypto";
import type { ObjectAttributes, UploadBody, UploadOptions } from "../bucket.ts";
import { ObjstoreError } from "../errors.ts";
import {
  HttpTransport,
  pathOf,
  readText,
  remoteBody,
  type StoreRequest,
  type StoreResponse,
  statusError,
  transportDefaults,
} from "../http/http-transport.ts";
import { bodyParts, eachPart } from "../remote/body-parts.ts";
import { type ListPage, notFound, type RemoteBody, RemoteBucket } from "../remote/remote-bucket.ts";
import type { OciOptions } from "./oci-config.ts";
import { ociAuthorize } from "./oci-sign.ts";

const octets = "application/octet-stream";
const uploadsMax = 2;

/** A bucket of Oracle's cloud. */
export class OciBucket extends RemoteBucket {
  readonly name: string;
  readonly conditionalCreate = true;
  readonly #options: OciOptions;
  readonly #transport: HttpTransport;
  #namespace: Promise<string> | undefined;

  constructor(options: OciOptions, component = "") {
    super();
    this.name = options.bucket;
    this.#options = options;
    const { http, attemptsMax, retryMs } = options;
    this.#transport = new HttpTransport(
      {
        ...transportDefaults,
        http,
        attemptsMax,
        retryMs,
        userAgent: `thanos-${component} deucalion`,
      },
      ociAuthorize(options.key, Date.now),
    );
  }

  async #findNamespace(): Promise<string> {
    const { endpoint, compartment } = this.#options;
    const url = new URL(`${endpoint}/n/`);
    url.searchParams.set("compartmentId", compartment);
    const { signal } = new AbortController();
    const response = await this.#transport.send({ method: "GET", url, signal });
    if (response.status !== 200) throw await statusError("namespace", compartment, response);
    return JSON.parse(await readText(response)) as string;
  }

  async #send(
    path: string,
    request: Omit<StoreRequest, "url"> & { readonly params?: Readonly<Record<string, string>> },
  ): Promise<StoreResponse> {
    this.#namespace ??= this.#findNamespace().catch((error: unknown) => {
      this.#namespace = undefined;
      throw error;
    });
    const namespace = encodeURIComponent(await this.#namespace);
    const { endpoint, bucket } = this.#options;
    const url = new URL(`${endpoint}/n/${namespace}/b/${encodeURIComponent(bucket)}/${path}`);
    for (const [name, value] of Object.entries(request.params ?? {}))
      url.searchParams.set(name, value);
    return this.#transport.send({ ...request, url });
  }

  protected async openBody(
    name: string,
    offset: number,
    length: number | undefined,
    etag: string,
    signal: AbortSignal,
  ): Promise<RemoteBody | undefined> {
    const end = length === undefined ? "" : String(offset + length - 1);
    const whole = offset === 0 && length === undefined;
    const response = await this.#send(`o/${pathOf(name)}`, {
      method: "GET",
      headers: {
        ...(whole ? {} : { range: `bytes=${offset}-${end}` }),
        ...(etag === "" ? {} : { "if-match": etag }),
      },
      signal,
    });
    if (response.status === 200 || response.status === 206)
      return remoteBody(response, response.headers.etag ?? "");
    if (response.status === 416) {
      response.body.resume();
      return undefined;
    }
    throw await this.#failure("get", name, response);
  }

  async #failure(what: string, name: string, response: StoreResponse): Promise<ObjstoreError> {
    if (response.status !== 404) return statusError(what, name, response);
    const text = await readText(response);
    if (!text.includes("BucketNotFound") && !text.includes("NamespaceNotFound"))
      return notFound(name);
    return new ObjstoreError("OBJSTORE_IO", `bucket ${this.name} does not exist`, { name });
  }

  protected async head(name: string, signal: AbortSignal): Promise<ObjectAttributes | undefined> {
    const response = await this.#send(`o/${pathOf(name)}`, { method: "HEAD", signal });
    response.body.resume();
    if (response.status === 404) return undefined;
    if (response.status !== 200) throw await statusError("attributes", name, response);
    return {
      size: Number(response.headers["content-length"] ?? 0),
      lastModifiedMs: Date.parse(response.headers["last-modified"] ?? "") || 0,
    };
  }

  protected async page(
    folder: string,
    recursive: boolean,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<ListPage> {
    const response = await this.#send("o", {
      method: "GET",
      params: {
        fields: "name,size,timeModified",
        ...(folder === "" ? {} : { prefix: folder }),
        ...(recursive ? {} : { delimiter: "/" }),
        ...(token === undefined ? {} : { start: token }),
      },
      signal,
    });
    if (response.status !== 200) throw await statusError("list", folder, response);
    const answer = JSON.parse(await readText(response)) as {
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
    const parts = bodyParts(body, this.#options.partBytes);
    const first = await parts.next();
    if (first.done === true) return;
    if (first.value.length < this.#options.partBytes) {
      await parts.return(undefined);
      await this.#write(`o/${pathOf(name)}`, name, {}, condition, first.value, signal);
      return;
    }
    const all = (async function* () {
      yield first.value;
      yield* parts;
    })();
    await this.#multipart(name, all, condition, signal);
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
    await this.#expect(name, response);
    response.body.resume();
    return response.headers.etag ?? "";
  }

  async #expect(name: string, response: StoreResponse): Promise<void> {
    if (response.status === 200) return;
    if (response.status === 412) {
      response.body.resume();
      throw new ObjstoreError("OBJSTORE_EXISTS", `object exists: ${name}`, { name });
    }
    throw await statusError("upload", name, response);
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
    await this.#expect(name, begun);
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
      await this.#expect(name, done);
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

  protected async remove(name: string, signal: AbortSignal): Promise<void> {
    const response = await this.#send(`o/${pathOf(name)}`, { method: "DELETE", signal });
    if (response.status !== 204) throw await this.#failure("delete", name, response);
    response.body.resume();
  }

  async close(): Promise<void> {
    this.#transport.close();
  }
}
