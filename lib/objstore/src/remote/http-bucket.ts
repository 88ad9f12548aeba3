// What stores have in common that are spoken to over plain HTTP: reads of ranges, attributes from headers, statuses.
import type { ObjectAttributes } from "../bucket.ts";
import { ObjstoreError } from "../errors.ts";
import {
  HttpTransport,
  readText,
  remoteBody,
  type StoreRequest,
  type StoreResponse,
  statusError,
  type TransportOptions,
  transportDefaults,
} from "../http/http-transport.ts";
import { notFound, type RemoteBody, RemoteBucket, remoteLimits } from "./remote-bucket.ts";

/** A request for one object. */
export interface ObjectRequest {
  readonly method: "GET" | "HEAD" | "DELETE";
  readonly headers: Readonly<Record<string, string>>;
  /** Not "" where the object must still be the one of this version. */
  readonly version: string;
  readonly signal: AbortSignal;
}

export interface HttpBucketOptions {
  readonly transport: Pick<TransportOptions, "http" | "attemptsMax"> & Partial<TransportOptions>;
  /** Name of the component, for the user agent. */
  readonly component: string;
  readonly limits?: Partial<typeof remoteLimits>;
}

/** Base of providers over HTTP. They say how an object is addressed and what their statuses mean. */
export abstract class HttpBucket extends RemoteBucket {
  protected readonly transport: HttpTransport;
  /** Header that asks for a range. */
  protected readonly rangeHeader: string = "range";

  protected constructor(
    { transport, component, limits }: HttpBucketOptions,
    authorize: ConstructorParameters<typeof HttpTransport>[1],
  ) {
    super({ ...remoteLimits, ...limits });
    const userAgent = `thanos-${component} deucalion`;
    this.transport = new HttpTransport(
      { ...transportDefaults, userAgent, ...transport },
      authorize,
    );
  }

  protected abstract object(name: string, request: ObjectRequest): Promise<StoreResponse>;

  /** What tells that an object was replaced; "" where the store gives nothing. */
  protected versionOf(response: StoreResponse): string {
    return response.headers.etag ?? "";
  }

  /** Whether a 404 means that the bucket itself is not there. `text` is the body. */
  protected bucketMissing(_response: StoreResponse, _text: string): boolean {
    return false;
  }

  /** The error of a status; reads the body. */
  protected async failure(
    what: string,
    name: string,
    response: StoreResponse,
  ): Promise<ObjstoreError> {
    if (response.status !== 404) return statusError(what, name, response);
    const text = await readText(response);
    if (!this.bucketMissing(response, text)) return notFound(name);
    return new ObjstoreError("OBJSTORE_IO", `bucket ${this.name} does not exist`, { name });
  }

  /** Throws unless something was written. `taken`: statuses of an object that must not, but does exist. */
  protected async written(
    name: string,
    response: StoreResponse,
    taken: readonly number[],
  ): Promise<void> {
    if (response.status === 200 || response.status === 201) return;
    if (!taken.includes(response.status)) throw await statusError("upload", name, response);
    response.body.resume();
    throw new ObjstoreError("OBJSTORE_EXISTS", `object exists: ${name}`, { name });
  }

  protected async openBody(
    name: string,
    offset: number,
    length: number | undefined,
    version: string,
    signal: AbortSignal,
  ): Promise<RemoteBody | undefined> {
    const end = length === undefined ? "" : String(offset + length - 1);
    const whole = offset === 0 && length === undefined;
    const headers = whole ? {} : { [this.rangeHeader]: `bytes=${offset}-${end}` };
    const response = await this.object(name, { method: "GET", headers, version, signal });
    if (response.status === 200 || response.status === 206)
      return remoteBody(response, this.versionOf(response));
    if (response.status !== 416) throw await this.failure("get", name, response);
    response.body.resume();
    return undefined;
  }

  /** Headers of an object, or undefined where there is none. */
  protected async headersOf(
    name: string,
    signal: AbortSignal,
  ): Promise<StoreResponse["headers"] | undefined> {
    const request: ObjectRequest = { method: "HEAD", headers: {}, version: "", signal };
    const response = await this.object(name, request);
    response.body.resume();
    if (response.status === 404) return undefined;
    if (response.status >= 300) throw await statusError("attributes", name, response);
    return response.headers;
  }

  protected async head(name: string, signal: AbortSignal): Promise<ObjectAttributes | undefined> {
    const headers = await this.headersOf(name, signal);
    return (
      headers && {
        size: Number(headers["content-length"] ?? 0),
        lastModifiedMs: Date.parse(headers["last-modified"] ?? "") || 0,
      }
    );
  }

  protected async remove(name: string, signal: AbortSignal): Promise<void> {
    const request: ObjectRequest = { method: "DELETE", headers: {}, version: "", signal };
    const response = await this.object(name, request);
    if (response.status >= 300) throw await this.failure("delete", name, response);
    response.body.resume();
  }

  /** The page of a listing, as text. */
  protected async listing(
    folder: string,
    request: Pick<StoreRequest, "url" | "signal">,
  ): Promise<string> {
    const response = await this.transport.send({ ...request, method: "GET" });
    if (response.status !== 200) throw await statusError("list", folder, response);
    return readText(response);
  }

  async close(): Promise<void> {
    this.transport.close();
  }
}

/** A header that has a write fail where `version` is not the one that is there; none for "". */
export function ifMatch(version: string): Readonly<Record<string, string>> {
  return version === "" ? {} : { "if-match": version };
}

/** `url` with parameters; undefined ones are left out. */
export function withParams(url: string, params: Readonly<Record<string, string | undefined>>): URL {
  const made = new URL(url);
  for (const [name, value] of Object.entries(params))
    if (value !== undefined) made.searchParams.set(name, value);
  return made;
}
