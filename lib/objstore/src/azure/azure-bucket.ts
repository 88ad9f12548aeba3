// AZURE over the REST API of its blobs. (Its SDK needs a younger Node than ours.)
import { createHash } from "node:crypto";
import type { UploadBody, UploadOptions } from "../bucket.ts";
import {
  pathOf,
  type StoreRequest,
  type StoreResponse,
  statusError,
} from "../http/http-transport.ts";
import { bodyBytes, eachPart, wholeOrParts } from "../remote/body-parts.ts";
import { HttpBucket, ifMatch, type ObjectRequest, withParams } from "../remote/http-bucket.ts";
import type { ListPage } from "../remote/remote-bucket.ts";
import { azureAuthorize } from "./azure-auth.ts";
import type { AzureOptions } from "./azure-config.ts";
import { parseBlobList } from "./list-blobs.ts";

/** Objects up to this size are sent at once, larger ones in blocks of it. */
const blockBytesDefault = 16 << 20;
const blocksMax = 50_000;
const uploadsMax = 4;

/** A container of Azure's blobs. */
export class AzureBucket extends HttpBucket {
  readonly name: string;
  readonly conditionalCreate = true;
  readonly #options: AzureOptions;
  protected override readonly rangeHeader = "x-ms-range";
  #created: Promise<void> | undefined;

  constructor(options: AzureOptions, component = "") {
    const { http, attemptsMax, retryMs, retryMaxMs, readAttemptsMax } = options;
    super(
      {
        transport: { http, attemptsMax, retryMs, retryMaxMs },
        component,
        limits: { readAttemptsMax },
      },
      azureAuthorize(options),
    );
    this.name = options.container;
    this.#options = options;
  }

  #url(path: string, params: Readonly<Record<string, string | undefined>> = {}): URL {
    const { endpoint, container, identity } = this.#options;
    const proof = identity.kind === "sas" ? new URLSearchParams(identity.query) : [];
    const url = `${endpoint}/${container}${path === "" ? "" : `/${pathOf(path)}`}`;
    return withParams(url, { ...Object.fromEntries(proof), ...params });
  }

  /** Makes the container where the settings ask for that, before the first request. */
  async #ready(signal: AbortSignal): Promise<void> {
    if (!this.#options.createContainer) return;
    this.#created ??= this.#create().catch((error: unknown) => {
      this.#created = undefined;
      throw error;
    });
    await this.#created;
    signal.throwIfAborted();
  }

  async #send(request: StoreRequest): Promise<StoreResponse> {
    await this.#ready(request.signal);
    return this.transport.send(request);
  }

  async #create(): Promise<void> {
    const { signal } = new AbortController();
    const url = this.#url("", { restype: "container" });
    const found = await this.transport.send({ method: "GET", url, signal });
    if (found.status !== 404) {
      found.body.resume();
      return;
    }
    found.body.resume();
    const made = await this.transport.send({ method: "PUT", url, signal });
    // 409: another process was faster.
    if (made.status !== 201 && made.status !== 409)
      throw await statusError("create container", this.name, made);
    made.body.resume();
  }

  protected object(name: string, request: ObjectRequest): Promise<StoreResponse> {
    const { method, version, signal } = request;
    const snapshots: Readonly<Record<string, string>> =
      method === "DELETE" ? { "x-ms-delete-snapshots": "include" } : {};
    const headers = { ...request.headers, ...ifMatch(version), ...snapshots };
    return this.#send({ method, url: this.#url(name), headers, signal });
  }

  protected override bucketMissing(response: StoreResponse, text: string): boolean {
    const code = String(response.headers["x-ms-error-code"] ?? "") + text;
    return code.includes("ContainerNotFound");
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
      prefix: folder || undefined,
      delimiter: recursive ? undefined : "/",
      marker: token,
    });
    await this.#ready(signal);
    return parseBlobList(await this.listing(folder, { url, signal }));
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
    const { whole, parts } = await wholeOrParts(body, blockBytes);
    if (whole !== undefined) {
      const headers = { "x-ms-blob-type": "BlockBlob", "content-type": "application/octet-stream" };
      await this.#write(name, {}, { ...headers, ...condition }, whole, signal);
      return;
    }
    // Blocks that are never committed are not visible, and Azure drops them after a week.
    const ids: string[] = [];
    await eachPart(parts, uploadsMax, async (part, number) => {
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
    const conditional = headers["if-none-match"] !== undefined;
    await this.written(name, response, conditional ? [409, 412] : []);
    response.body.resume();
  }
}
