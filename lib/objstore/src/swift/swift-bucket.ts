// SWIFT over its own API. Objects beyond the chunk size are large objects: segments and a manifest.
import { createHash, randomBytes } from "node:crypto";
import type { ListEntry, ListOptions, UploadBody, UploadOptions } from "../bucket.ts";
import {
  pathOf,
  readText,
  type StoreRequest,
  type StoreResponse,
  statusError,
} from "../http/http-transport.ts";
import { wholeOrParts } from "../remote/body-parts.ts";
import { HttpBucket, ifMatch, type ObjectRequest, withParams } from "../remote/http-bucket.ts";
import { type ListPage, notFound } from "../remote/remote-bucket.ts";
import { logIn, type SwiftSession } from "./keystone.ts";
import type { SwiftOptions } from "./swift-config.ts";

const segmentsFolder = "segments/";
const pageObjects = 10_000;
type Params = Readonly<Record<string, string | undefined>>;
/** A chunk is sent from memory: it is read in parts of at most this, each a segment of its own. */
const partBytesMax = 64 << 20;

interface Segment {
  readonly name: string;
  readonly etag: string;
  readonly bytes: number;
}

/** A container of Swift. Its lists may lag behind: nothing is promised of conditional creation. */
export class SwiftBucket extends HttpBucket {
  readonly name: string;
  readonly conditionalCreate = false;
  readonly #options: SwiftOptions;
  #session: Promise<SwiftSession> | undefined;

  constructor(options: SwiftOptions, component = "") {
    const { http, attemptsMax, progressTimeoutMs } = options;
    super(
      { transport: { http, attemptsMax }, component, limits: { progressTimeoutMs } },
      () => ({}),
    );
    this.name = options.container;
    this.#options = options;
  }

  /** Sends with a token, and once more with a fresh one if that has ended. */
  async #send(
    container: string,
    object: string,
    { params = {}, ...request }: Omit<StoreRequest, "url"> & { readonly params?: Params },
  ): Promise<StoreResponse> {
    for (let attempt = 0; ; attempt++) {
      this.#session ??= logIn(this.#options, this.transport, new AbortController().signal);
      let session: SwiftSession;
      try {
        session = await this.#session;
      } catch (error) {
        this.#session = undefined;
        throw error;
      }
      const path = object === "" ? "" : `/${pathOf(object)}`;
      const url = withParams(
        `${session.storageUrl}/${encodeURIComponent(container)}${path}`,
        params,
      );
      const headers = { ...request.headers, "x-auth-token": session.token };
      const response = await this.transport.send({ ...request, url, headers });
      if (response.status !== 401 || attempt > 0) return response;
      response.body.resume();
      this.#session = undefined;
    }
  }

  protected object(name: string, request: ObjectRequest): Promise<StoreResponse> {
    const headers = { ...request.headers, ...ifMatch(request.version) };
    const { method, signal } = request;
    return this.#send(this.name, name, { method, headers, signal });
  }

  /** Segments lie beside the objects and are not shown. */
  override async *iter(
    prefix: string,
    options: ListOptions,
    signal: AbortSignal,
  ): AsyncIterable<ListEntry> {
    const shown = prefix.replace(/^\/+/, "").startsWith(segmentsFolder);
    for await (const entry of super.iter(prefix, options, signal))
      if (shown || !entry.name.startsWith(segmentsFolder)) yield entry;
  }

  protected async page(
    folder: string,
    recursive: boolean,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<ListPage> {
    return this.#list(this.name, folder, recursive, token, signal);
  }

  async #list(
    container: string,
    folder: string,
    recursive: boolean,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<ListPage> {
    const response = await this.#send(container, "", {
      method: "GET",
      params: {
        format: "json",
        limit: String(pageObjects),
        prefix: folder || undefined,
        delimiter: recursive ? undefined : "/",
        marker: token,
      },
      signal,
    });
    if (response.status === 204) {
      response.body.resume();
      return { objects: [], folders: [], next: undefined };
    }
    if (response.status !== 200) throw await statusError("list", folder, response);
    const entries = JSON.parse(await readText(response)) as {
      name?: string;
      subdir?: string;
      bytes?: number;
      last_modified?: string;
    }[];
    const last = entries.at(-1);
    return {
      objects: entries.flatMap(({ name, bytes, last_modified: time }) =>
        name === undefined
          ? []
          : [
              {
                name,
                attributes: { size: bytes ?? 0, lastModifiedMs: Date.parse(`${time}Z`) || 0 },
              },
            ],
      ),
      folders: entries.flatMap(({ subdir }) => (subdir === undefined ? [] : [subdir])),
      next: entries.length < pageObjects ? undefined : (last?.name ?? last?.subdir),
    };
  }

  protected async put(
    name: string,
    body: UploadBody,
    _options: UploadOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const partBytes = Math.min(this.#options.chunkBytes, partBytesMax);
    const { whole, parts } = await wholeOrParts(body, partBytes);
    if (whole !== undefined) {
      await this.#putObject(this.name, name, whole, signal);
      return;
    }
    const folder = `${segmentsFolder}${name}/${randomBytes(8).toString("hex")}`;
    const segments: Segment[] = [];
    try {
      for await (const part of parts) {
        if (part.length === 0) continue;
        const segment = `${folder}/${String(segments.length).padStart(8, "0")}`;
        const etag = await this.#putObject(this.#options.segmentsContainer, segment, part, signal);
        segments.push({ name: segment, etag, bytes: part.length });
      }
      await this.#putManifest(name, folder, segments, signal);
    } catch (error) {
      const never = new AbortController().signal;
      for (const segment of segments)
        await this.#deleteObject(this.#options.segmentsContainer, segment.name, never).catch(
          () => undefined,
        );
      throw error;
    }
  }

  async #putObject(
    container: string,
    name: string,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<string> {
    const etag = createHash("md5").update(body).digest("hex");
    const headers = { etag, "content-type": "application/octet-stream" };
    const response = await this.#send(container, name, { method: "PUT", headers, body, signal });
    if (response.status !== 201) throw await statusError("upload", name, response);
    response.body.resume();
    return etag;
  }

  async #putManifest(
    name: string,
    folder: string,
    segments: readonly Segment[],
    signal: AbortSignal,
  ): Promise<void> {
    const container = this.#options.segmentsContainer;
    const dynamic = this.#options.dynamicLargeObjects;
    const list = segments.map((one) => ({
      path: `/${container}/${one.name}`,
      etag: one.etag,
      size_bytes: one.bytes,
    }));
    const response = await this.#send(this.name, name, {
      method: "PUT",
      params: dynamic ? {} : { "multipart-manifest": "put" },
      headers: {
        "content-type": "application/octet-stream",
        ...(dynamic
          ? { "x-object-manifest": `${encodeURIComponent(container)}/${pathOf(folder)}/` }
          : {}),
      },
      body: dynamic ? new Uint8Array(0) : new TextEncoder().encode(JSON.stringify(list)),
      signal,
    });
    if (response.status !== 201) throw await statusError("upload", name, response);
    response.body.resume();
  }

  async #deleteObject(
    container: string,
    name: string,
    signal: AbortSignal,
    params: Readonly<Record<string, string>> = {},
  ): Promise<void> {
    const response = await this.#send(container, name, { method: "DELETE", params, signal });
    if (response.status >= 300) throw await this.failure("delete", name, response);
    response.body.resume();
  }

  protected override async remove(name: string, signal: AbortSignal): Promise<void> {
    const headers = await this.headersOf(name, signal);
    if (headers === undefined) throw notFound(name);
    if (headers["x-static-large-object"] !== undefined) {
      await this.#deleteObject(this.name, name, signal, { "multipart-manifest": "delete" });
      return;
    }
    const manifest = headers["x-object-manifest"];
    await this.#deleteObject(this.name, name, signal);
    if (typeof manifest !== "string") return;
    const at = manifest.indexOf("/");
    const container = decodeURIComponent(manifest.slice(0, at));
    const folder = decodeURIComponent(manifest.slice(at + 1));
    let token: string | undefined;
    do {
      const page = await this.#list(container, folder, true, token, signal);
      for (const { name: segment } of page.objects)
        await this.#deleteObject(container, segment, signal);
      token = page.next;
    } while (token !== undefined);
  }
}
