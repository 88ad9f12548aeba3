// GCS over its JSON API.
import { createHash } from "node:crypto";
import type { ObjectAttributes, UploadBody, UploadOptions } from "../bucket.ts";
import { ObjstoreError } from "../errors.ts";
import {
  HttpTransport,
  readText,
  remoteBody,
  type StoreResponse,
  statusError,
  transportDefaults,
} from "../http/http-transport.ts";
import { bodyParts } from "../remote/body-parts.ts";
import { type ListPage, notFound, type RemoteBody, RemoteBucket } from "../remote/remote-bucket.ts";
import { gcsAuthorize } from "./gcs-auth.ts";
import type { GcsOptions } from "./gcs-config.ts";

const octets = "application/octet-stream";
const chunkAttemptsMax = 8;

interface ObjectFields {
  readonly name?: string;
  readonly size?: string;
  readonly updated?: string;
  readonly md5Hash?: string;
}

function attributesOf(object: ObjectFields): ObjectAttributes {
  return {
    size: Number(object.size ?? 0),
    lastModifiedMs: Date.parse(object.updated ?? "") || 0,
  };
}

/** A bucket of Google Cloud Storage. */
export class GcsBucket extends RemoteBucket {
  readonly name: string;
  /** Emulators take the condition and do not keep it. */
  readonly conditionalCreate: boolean;
  readonly #options: GcsOptions;
  readonly #transport: HttpTransport;

  constructor(options: GcsOptions, component = "") {
    super();
    this.name = options.bucket;
    this.conditionalCreate = options.authenticated;
    this.#options = options;
    const { http, attemptsMax } = options;
    this.#transport = new HttpTransport(
      { ...transportDefaults, http, attemptsMax, userAgent: `thanos-${component} deucalion` },
      gcsAuthorize(options),
    );
  }

  #url(path: string, params: Readonly<Record<string, string>> = {}): URL {
    const url = new URL(`${this.#options.endpoint}${path}`);
    for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
    return url;
  }

  #object(name: string, params: Readonly<Record<string, string>> = {}): URL {
    const { bucket } = this.#options;
    return this.#url(
      `/storage/v1/b/${encodeURIComponent(bucket)}/o/${encodeURIComponent(name)}`,
      params,
    );
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
    const response = await this.#transport.send({
      method: "GET",
      url: this.#object(name, { alt: "media", ...(etag === "" ? {} : { generation: etag }) }),
      headers: whole ? {} : { range: `bytes=${offset}-${end}` },
      signal,
    });
    if (response.status === 200 || response.status === 206) {
      const generation = response.headers["x-goog-generation"];
      return remoteBody(response, typeof generation === "string" ? generation : "");
    }
    if (response.status === 416) {
      response.body.resume();
      return undefined;
    }
    if (response.status === 404) {
      response.body.resume();
      throw notFound(name);
    }
    throw await statusError("get", name, response);
  }

  protected async head(name: string, signal: AbortSignal): Promise<ObjectAttributes | undefined> {
    const url = this.#object(name, { fields: "size,updated" });
    const response = await this.#transport.send({ method: "GET", url, signal });
    if (response.status === 404) {
      response.body.resume();
      return undefined;
    }
    if (response.status !== 200) throw await statusError("attributes", name, response);
    return attributesOf(JSON.parse(await readText(response)) as ObjectFields);
  }

  protected async page(
    folder: string,
    recursive: boolean,
    token: string | undefined,
    signal: AbortSignal,
  ): Promise<ListPage> {
    const url = this.#url(`/storage/v1/b/${encodeURIComponent(this.#options.bucket)}/o`, {
      ...(folder === "" ? {} : { prefix: folder }),
      ...(recursive ? {} : { delimiter: "/" }),
      ...(token === undefined ? {} : { pageToken: token }),
      fields: "items(name,size,updated),prefixes,nextPageToken",
    });
    const response = await this.#transport.send({ method: "GET", url, signal });
    if (response.status !== 200) throw await statusError("list", folder, response);
    const answer = JSON.parse(await readText(response)) as {
      items?: readonly ObjectFields[];
      prefixes?: readonly string[];
      nextPageToken?: string;
    };
    return {
      objects: (answer.items ?? []).map((item) => ({
        name: item.name ?? "",
        attributes: attributesOf(item),
      })),
      folders: answer.prefixes ?? [],
      next: answer.nextPageToken || undefined,
    };
  }

  protected async put(
    name: string,
    body: UploadBody,
    { ifAbsent }: UploadOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const { chunkBytes } = this.#options;
    const parts = bodyParts(body, chunkBytes);
    const condition: Record<string, string> = ifAbsent === true ? { ifGenerationMatch: "0" } : {};
    const first = await parts.next();
    if (first.done === true) return;
    if (first.value.length < chunkBytes) {
      await parts.return(undefined);
      await this.#putWhole(name, first.value, condition, signal);
      return;
    }
    const session = await this.#startSession(name, condition, signal);
    try {
      let at = 0;
      let held: Uint8Array = first.value;
      // A part is held back until it is known whether it is the last one.
      for await (const part of parts) {
        await this.#putChunk(name, session, held, at, "*", signal);
        at += held.length;
        held = part;
      }
      await this.#putChunk(name, session, held, at, String(at + held.length), signal);
    } catch (error) {
      const never = new AbortController().signal;
      const call = { method: "DELETE", url: session, attemptsMax: 1, signal: never } as const;
      await this.#transport.send(call).then(
        (response) => response.body.resume(),
        () => undefined,
      );
      throw error;
    }
  }

  #upload(type: string, name: string, condition: Readonly<Record<string, string>>): URL {
    const path = `/upload/storage/v1/b/${encodeURIComponent(this.#options.bucket)}/o`;
    return this.#url(path, { uploadType: type, name, ...condition });
  }

  async #putWhole(
    name: string,
    data: Uint8Array,
    condition: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<void> {
    const response = await this.#transport.send({
      method: "POST",
      url: this.#upload("media", name, condition),
      headers: { "content-type": octets },
      body: data,
      signal,
    });
    await this.#created(name, response);
    const { md5Hash } = JSON.parse(await readText(response)) as ObjectFields;
    const md5 = createHash("md5").update(data).digest("base64");
    if (md5Hash !== undefined && md5Hash !== md5)
      throw new ObjstoreError("OBJSTORE_IO", `upload ${name}: the store holds other bytes`, {
        name,
      });
  }

  async #created(name: string, response: StoreResponse): Promise<void> {
    if (response.status === 200 || response.status === 201) return;
    if (response.status === 412) {
      response.body.resume();
      throw new ObjstoreError("OBJSTORE_EXISTS", `object exists: ${name}`, { name });
    }
    throw await statusError("upload", name, response);
  }

  async #startSession(
    name: string,
    condition: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<URL> {
    const response = await this.#transport.send({
      method: "POST",
      url: this.#upload("resumable", name, condition),
      headers: { "x-upload-content-type": octets, "content-type": "application/json" },
      body: new TextEncoder().encode(JSON.stringify({ name })),
      signal,
    });
    await this.#created(name, response);
    response.body.resume();
    const { location } = response.headers;
    if (location === undefined)
      throw new ObjstoreError("OBJSTORE_IO", `upload ${name}: no session was opened`, { name });
    return new URL(location);
  }

  /** Sends a chunk, and what the store did not keep of it, again. `total` is "*" before the last chunk. */
  async #putChunk(
    name: string,
    session: URL,
    chunk: Uint8Array,
    from: number,
    total: string,
    signal: AbortSignal,
  ): Promise<void> {
    const end = from + chunk.length;
    let at = from;
    let failure: unknown;
    for (let attempt = 0; attempt < chunkAttemptsMax; attempt++) {
      const rest = chunk.subarray(at - from);
      const range = rest.length === 0 ? `bytes */${total}` : `bytes ${at}-${end - 1}/${total}`;
      try {
        const response = await this.#transport.send({
          method: "PUT",
          url: session,
          headers: { "content-range": failure === undefined ? range : `bytes */${total}` },
          body: failure === undefined ? rest : new Uint8Array(0),
          attemptsMax: failure === undefined ? 1 : 4,
          signal,
        });
        if (response.status === 308) {
          response.body.resume();
          const kept = /bytes=0-(\d+)/.exec(response.headers.range ?? "");
          at = kept === null ? from : Math.max(from, Number(kept[1]) + 1);
          failure = undefined;
          if (at >= end && total === "*") return;
          continue;
        }
        if (response.status >= 500) {
          failure = await statusError("upload", name, response);
          continue;
        }
        await this.#created(name, response);
        response.body.resume();
        return;
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof ObjstoreError && error.code !== "OBJSTORE_IO") throw error;
        // What was kept is asked for next.
        failure = error;
      }
    }
    throw failure ?? new ObjstoreError("OBJSTORE_IO", `upload ${name}: the store keeps too little`);
  }

  protected async remove(name: string, signal: AbortSignal): Promise<void> {
    const response = await this.#transport.send({
      method: "DELETE",
      url: this.#object(name),
      signal,
    });
    if (response.status === 404) {
      response.body.resume();
      throw notFound(name);
    }
    if (response.status !== 204 && response.status !== 200)
      throw await statusError("delete", name, response);
    response.body.resume();
  }

  async close(): Promise<void> {
    this.#transport.close();
  }
}
