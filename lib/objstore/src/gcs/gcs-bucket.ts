// GCS over its JSON API.
import { createHash } from "node:crypto";
import type { ObjectAttributes, UploadBody, UploadOptions } from "../bucket.ts";
import { ObjstoreError } from "../errors.ts";
import { readText, type StoreResponse, statusError } from "../http/http-transport.ts";
import { wholeOrParts } from "../remote/body-parts.ts";
import { HttpBucket, type ObjectRequest, withParams } from "../remote/http-bucket.ts";
import type { ListPage } from "../remote/remote-bucket.ts";
import { gcsAuthorize } from "./gcs-auth.ts";
import type { GcsOptions } from "./gcs-config.ts";

type Params = Readonly<Record<string, string | undefined>>;

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
export class GcsBucket extends HttpBucket {
  readonly name: string;
  /** Emulators take the condition and do not keep it. */
  readonly conditionalCreate: boolean;
  readonly #options: GcsOptions;

  constructor(options: GcsOptions, component = "") {
    const { http, attemptsMax } = options;
    super({ transport: { http, attemptsMax }, component }, gcsAuthorize(options));
    this.name = options.bucket;
    this.conditionalCreate = options.authenticated;
    this.#options = options;
  }

  /** `kind` is "" or "/upload"; no object: the list of all. */
  #url(kind: string, object: string | undefined, params: Params): URL {
    const { endpoint, bucket } = this.#options;
    const name = object === undefined ? "" : `/${encodeURIComponent(object)}`;
    return withParams(
      `${endpoint}${kind}/storage/v1/b/${encodeURIComponent(bucket)}/o${name}`,
      params,
    );
  }

  protected object(name: string, request: ObjectRequest): Promise<StoreResponse> {
    const { method, headers, version, signal } = request;
    const params = {
      alt: method === "GET" ? "media" : undefined,
      generation: version || undefined,
    };
    return this.transport.send({ method, url: this.#url("", name, params), headers, signal });
  }

  protected override versionOf(response: StoreResponse): string {
    const generation = response.headers["x-goog-generation"];
    return typeof generation === "string" ? generation : "";
  }

  /** From the object's description: its headers do not tell when it was written. */
  protected override async head(
    name: string,
    signal: AbortSignal,
  ): Promise<ObjectAttributes | undefined> {
    const url = this.#url("", name, { fields: "size,updated" });
    const response = await this.transport.send({ method: "GET", url, signal });
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
    const url = this.#url("", undefined, {
      prefix: folder || undefined,
      delimiter: recursive ? undefined : "/",
      pageToken: token,
      fields: "items(name,size,updated),prefixes,nextPageToken",
    });
    const answer = JSON.parse(await this.listing(folder, { url, signal })) as {
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
    const condition: Params = { ifGenerationMatch: ifAbsent === true ? "0" : undefined };
    const { whole, parts } = await wholeOrParts(body, this.#options.chunkBytes);
    if (whole !== undefined) {
      await this.#putWhole(name, whole, condition, signal);
      return;
    }
    const session = await this.#startSession(name, condition, signal);
    try {
      let at = 0;
      let held: Uint8Array = new Uint8Array(0);
      // A part is held back until it is known whether it is the last one.
      for await (const part of parts) {
        if (held.length > 0) await this.#putChunk(name, session, held, at, "*", signal);
        at += held.length;
        held = part;
      }
      await this.#putChunk(name, session, held, at, String(at + held.length), signal);
    } catch (error) {
      const never = new AbortController().signal;
      const call = { method: "DELETE", url: session, attemptsMax: 1, signal: never } as const;
      await this.transport.send(call).then(
        (response) => response.body.resume(),
        () => undefined,
      );
      throw error;
    }
  }

  #upload(uploadType: string, name: string, condition: Params): URL {
    return this.#url("/upload", undefined, { uploadType, name, ...condition });
  }

  async #putWhole(
    name: string,
    data: Uint8Array,
    condition: Params,
    signal: AbortSignal,
  ): Promise<void> {
    const response = await this.transport.send({
      method: "POST",
      url: this.#upload("media", name, condition),
      headers: { "content-type": octets },
      body: data,
      signal,
    });
    await this.written(name, response, [412]);
    const { md5Hash } = JSON.parse(await readText(response)) as ObjectFields;
    const md5 = createHash("md5").update(data).digest("base64");
    if (md5Hash !== undefined && md5Hash !== md5)
      throw new ObjstoreError("OBJSTORE_IO", `upload ${name}: the store holds other bytes`, {
        name,
      });
  }

  async #startSession(name: string, condition: Params, signal: AbortSignal): Promise<URL> {
    const response = await this.transport.send({
      method: "POST",
      url: this.#upload("resumable", name, condition),
      headers: { "x-upload-content-type": octets, "content-type": "application/json" },
      body: new TextEncoder().encode(JSON.stringify({ name })),
      signal,
    });
    await this.written(name, response, [412]);
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
        const response = await this.transport.send({
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
        await this.written(name, response, [412]);
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
}
