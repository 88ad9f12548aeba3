// AZURE over the REST API of its blobs. (Its SDK needs a younger Node than ours.)
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
} from "../http/http-transport.ts";
import { bodyBytes, bodyParts, eachPart } from "../remote/body-parts.ts";
import {
  type ListPage,
  notFound,
  type RemoteBody,
  RemoteBucket,
  remoteLimits,
} from "../remote/remote-bucket.ts";
import { azureAuthorize } from "./azure-auth.ts";
import type { AzureOptions } from "./azure-config.ts";
import { parseBlobList } from "./list-blobs.ts";

/** Objects up to this size are sent at once, larger ones in blocks of it. */
const blockBytesDefault = 16 << 20;
const blocksMax = 50_000;
const uploadsMax = 4;

/** A container of Azure's blobs. */
export class AzureBucket extends RemoteBucket {
  readonly name: string;
  readonly conditionalCreate = true;
  readonly #options: AzureOptions;
  readonly #transport: HttpTransport;
  #created: Promise<void> | undefined;

  constructor(options: AzureOptions, component = "") {
    super({ ...remoteLimits, readAttemptsMax: options.readAttemptsMax });
    this.name = options.container;
    this.#options = options;
    const { http, attemptsMax, retryMs, retryMaxMs } = options;
    this.#transport = new HttpTransport(
      { http, attemptsMax, retryMs, retryMaxMs, userAgent: `thanos-${component} deucalion` },
      azureAuthorize(options),
    );
  }

  #url(path: string, params: Readonly<Record<string, string>> = {}): URL {
    const { endpoint, container, identity } = this.#options;
    const url = new URL(`${endpoint}/${container}${path === "" ? "" : `/${pathOf(path)}`}`);
    if (identity.kind === "sas")
      for (const [name, value] of new URLSearchParams(identity.query))
        url.searchParams.set(name, value);
    for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
    return url;
  }

  /** Makes the container where the settings ask for that, before the first request. */
  async #send(request: StoreRequest): Promise<StoreResponse> {
    if (this.#options.createContainer) {
      this.#created ??= this.#create().catch((error: unknown) => {
        this.#created = undefined;
        throw error;
      });
      await this.#created;
      request.signal.throwIfAborted();
    }
    return this.#transport.send(request);
  }

  async #create(): Promise<void> {
    const { signal } = new AbortController();
    const url = this.#url("", { restype: "container" });
    const found = await this.#transport.send({ method: "GET", url, signal });
    if (found.status !== 404) {
      found.body.resume();
      return;
    }
    found.body.resume();
    const made = await this.#transport.send({ method: "PUT", url, signal });
    // 409: another process was faster.
    if (made.status !== 201 && made.status !== 409)
      throw await statusError("create container", this.name, made);
    made.body.resume();
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
    const response = await this.#send({
      method: "GET",
      url: this.#url(name),
      headers: {
        ...(whole ? {} : { "x-ms-range": `bytes=${offset}-${end}` }),
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
    if (response.status === 404) {
      const text = await readText(response);
      // A container that is not there is no missing object.
      const code = String(response.headers["x-ms-error-code"] ?? "") + text;
      if (!code.includes("ContainerNotFound")) return notFound(name);
      return new ObjstoreError("OBJSTORE_IO", `container ${this.name} does not exist`, { name });
    }
    return statusError(what, name, response);
  }

  protected async head(name: string, signal: AbortSignal): Promise<ObjectAttributes | undefined> {
    const response = await this.#send({ method: "HEAD", url: this.#url(name), signal });
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
    const url = this.#url("", {
      restype: "container",
      comp: "list",
      ...(folder === "" ? {} : { prefix: folder }),
      ...(recursive ? {} : { delimiter: "/" }),
      ...(token === undefined ? {} : { marker: token }),
    });
    const response = await this.#send({ method: "GET", url, signal });
    if (response.status !== 200) throw await statusError("list", folder, response);
    return parseBlobList(await readText(response));
  }

  protected async put(
    name: string,
    body: UploadBody,
    { ifAbsent }: UploadOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const bytes = await bodyBytes(body);
    const blockBytes = Math.max(blockBytesDefault, Math.ceil((bytes ?? 0) / blocksMax));
    const condition: Record<string, string> = ifAbsent === true ? { "if-none-match": "*" } : {};
    const parts = bodyParts(body, blockBytes);
    const first = await parts.next();
    if (first.done === true) return;
    if (first.value.length < blockBytes) {
      await parts.return(undefined);
      const headers = { "x-ms-blob-type": "BlockBlob", "content-type": "application/octet-stream" };
      await this.#write(name, {}, { ...headers, ...condition }, first.value, signal);
      return;
    }
    const all = (async function* () {
      yield first.value;
      yield* parts;
    })();
    // Blocks that are never committed are not visible, and Azure drops them after a week.
    const ids: string[] = [];
    await eachPart(all, uploadsMax, async (part, number) => {
      const id = Buffer.from(String(number).padStart(8, "0")).toString("base64");
      ids[number - 1] = id;
      await this.#write(name, { comp: "block", blockid: id }, {}, part, signal);
    });
    const list = ids.map((id) => `<Latest>${id}</Latest>`).join("");
    const xml = `<?xml version="1.0" encoding="utf-8"?><BlockList>${list}</BlockList>`;
    const headers = { "x-ms-blob-content-type": "application/octet-stream", ...condition };
    await this.#write(name, { comp: "blocklist" }, headers, new TextEncoder().encode(xml), signal);
  }

  async #write(
    name: string,
    params: Readonly<Record<string, string>>,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<void> {
    const response = await this.#send({
      method: "PUT",
      url: this.#url(name, params),
      headers: { ...headers, "content-md5": createHash("md5").update(body).digest("base64") },
      body,
      signal,
    });
    if (response.status === 201) {
      response.body.resume();
      return;
    }
    if (
      headers["if-none-match"] !== undefined &&
      (response.status === 409 || response.status === 412)
    ) {
      response.body.resume();
      throw new ObjstoreError("OBJSTORE_EXISTS", `object exists: ${name}`, { name });
    }
    throw await statusError("upload", name, response);
  }

  protected async remove(name: string, signal: AbortSignal): Promise<void> {
    const response = await this.#send({
      method: "DELETE",
      url: this.#url(name),
      headers: { "x-ms-delete-snapshots": "include" },
      signal,
    });
    if (response.status !== 202) throw await this.#failure("delete", name, response);
    response.body.resume();
  }

  async close(): Promise<void> {
    this.#transport.close();
  }
}
