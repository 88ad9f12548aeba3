// The HTTP server that takes remote write and OTLP.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { ServerOptions } from "node:https";
import { createServer as createTlsServer } from "node:https";
import type { TLSSocket } from "node:tls";
import { type Log, messageOf } from "@deucalion/base";
import { decodeSnappyBlock, KernelError, snappyBlockSize } from "@deucalion/kernels";
import { ModelError } from "@deucalion/model";
import { RpcError } from "@deucalion/rpc";
import { listen } from "../../http/listen-address.ts";
import type { Actor } from "../../process/run-group.ts";
import { httpStatusOf, ReceiveError } from "../errors.ts";
import type { Limiter } from "../limits.ts";
import { isTenantName } from "../tenants/tenant-stores.ts";
import { type DecodedWrite, decodeWriteV1, decodeWriteV2 } from "./decode-write.ts";
import type { TenantSeries } from "./series-list.ts";
import type { WriteBudget } from "./write-budget.ts";

export interface WriteHttpOptions {
  readonly address: string;
  readonly gracePeriodMs: number;
  readonly tls: ServerOptions | null;
  readonly tenantHeader: string;
  readonly replicaHeader: string;
  readonly defaultTenant: string;
  readonly certificateField: "" | "organization" | "organizationalUnit" | "commonName";
}

export interface WriteHttpDeps {
  readonly log: Log;
  readonly limiter: Limiter;
  readonly budget: WriteBudget;
  readonly isReady: () => boolean;
  /** Relabelled series; may be fewer. */
  readonly relabel: (series: DecodedWrite["series"]) => DecodedWrite["series"];
  readonly write: (parts: readonly TenantSeries[], replica: number) => Promise<void>;
  /** Decodes an OTLP request. */
  readonly decodeOtlp: (body: Uint8Array, json: boolean) => DecodedWrite;
  /** Counts what became of a request. */
  readonly observe: (outcome: WriteOutcome) => void;
  /** Other paths; false if there is no such path. */
  readonly other: (request: IncomingMessage, response: ServerResponse, path: string) => boolean;
}

export interface WriteOutcome {
  readonly handler: string;
  readonly status: number;
  readonly seconds: number;
  readonly tenant: string;
  readonly series: number;
  readonly samples: number;
  readonly requestBytes: number;
}

const defaultTenantHeader = "thanos-tenant";
/** Largest body after decompression where the tenant has no limit. */
const bodyBytesMax = 256 * 1024 * 1024;
const subjectFields = { organization: "O", organizationalUnit: "OU", commonName: "CN" } as const;

class HttpFault extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

function header(request: IncomingMessage, name: string): string {
  const value = request.headers[name.toLowerCase()];
  return (Array.isArray(value) ? value[0] : value) ?? "";
}

const utf8 = new TextDecoder("utf-8", { fatal: true });

/** Node gives each byte of a header as a character; names of tenants may have others than ASCII. */
function utf8Header(request: IncomingMessage, name: string): string {
  const value = header(request, name);
  try {
    return utf8.decode(Buffer.from(value, "latin1"));
  } catch {
    return value;
  }
}

/** 1 or 2. Throws HttpFault. */
function versionOf(request: IncomingMessage): 1 | 2 {
  if (header(request, "x-prometheus-remote-write-version") !== "2.0.0") return 1;
  const type = header(request, "content-type");
  if (type === "") throw new HttpFault(400, "missing Content-Type header");
  const plain = type.replaceAll(" ", "");
  if (plain === "application/x-protobuf;proto=io.prometheus.write.v2.Request") return 2;
  if (plain === "application/x-protobuf") return 1;
  if (plain === "application/x-protobuf;proto=prometheus.WriteRequest") return 1;
  throw new HttpFault(
    415,
    "required headers Content-Type and/or X-Prometheus-Remote-Write-Version not found",
  );
}

/** Serves until it is stopped. */
export class WriteHttp implements Actor {
  readonly name = "receive http";
  readonly #options: WriteHttpOptions;
  readonly #deps: WriteHttpDeps;
  readonly #server: Server;
  #address = "";
  #closed: () => void = () => undefined;

  constructor(options: WriteHttpOptions, deps: WriteHttpDeps) {
    this.#options = options;
    this.#deps = deps;
    const settings = { keepAliveTimeout: 300_000, requestTimeout: 300_000 };
    const serve = (request: IncomingMessage, response: ServerResponse): void =>
      void this.#serve(request, response);
    this.#server =
      options.tls === null
        ? createServer(settings, serve)
        : createTlsServer({ ...settings, ...options.tls }, serve);
  }

  get address(): string {
    return this.#address;
  }

  async execute(): Promise<void> {
    const closed = new Promise<void>((resolve) => {
      this.#closed = resolve;
    });
    this.#address = await listen(this.#server, this.#options.address);
    this.#deps.log.info("listening for remote write", { address: this.#address });
    await closed;
  }

  async interrupt(): Promise<void> {
    const done = new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
    });
    this.#server.closeIdleConnections();
    const sweep = setInterval(() => this.#server.closeIdleConnections(), 50);
    const timer = setTimeout(() => this.#server.closeAllConnections(), this.#options.gracePeriodMs);
    await done;
    clearInterval(sweep);
    clearTimeout(timer);
    this.#closed();
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    // Go's router sends who writes `//` or a slash at the end to the same place.
    const path = `/${(request.url ?? "/").split("?")[0]!.split("/").filter(Boolean).join("/")}`;
    const handlers: Readonly<Record<string, string>> = {
      "/api/v1/receive": "receive",
      "/api/v1/otlp": "otlp",
      "/api/v1/otlp/v1/metrics": "otlp",
    };
    const handler = handlers[path];
    if (handler === undefined) {
      if (!this.#deps.other(request, response, path)) answer(response, 404, "404 page not found");
      return;
    }
    if (request.method !== "POST") {
      response.setHeader("Allow", "POST");
      answer(response, 405, "Method Not Allowed");
      return;
    }
    const begun = performance.now();
    const progress: Progress = { tenant: "", series: 0, samples: 0, bytes: 0, version: 1 };
    try {
      await this.#receive(request, response, handler === "otlp", progress);
    } catch (error) {
      this.#fail(response, error, path, progress.version);
    }
    this.#deps.observe({
      handler,
      status: response.statusCode,
      seconds: (performance.now() - begun) / 1000,
      tenant: progress.tenant,
      series: progress.series,
      samples: progress.samples,
      requestBytes: progress.bytes,
    });
  }

  #fail(response: ServerResponse, error: unknown, path: string, version: 1 | 2): void {
    const { log } = this.#deps;
    if (response.destroyed || response.headersSent) return;
    if (error instanceof HttpFault) {
      answer(response, error.status, error.message);
    } else if (error instanceof ReceiveError) {
      // Version 2 knows 400 for what can never be stored.
      const conflict = error.code === "RECEIVE_CONFLICT";
      const status = conflict && version === 2 ? 400 : httpStatusOf[error.code];
      if (status === 429) response.setHeader("Retry-After", "5");
      if (status === 503) response.setHeader("Retry-After", "1");
      if (status >= 500) log.error("write failed", { path, err: error.message });
      else log.debug("write refused", { path, err: error.message });
      answer(response, status, error.message);
    } else if (
      error instanceof RpcError ||
      error instanceof KernelError ||
      error instanceof ModelError
    ) {
      answer(response, 400, error.message);
    } else {
      log.error("internal server error", { path, err: messageOf(error) });
      answer(response, 500, messageOf(error));
    }
  }

  #tenantOf(request: IncomingMessage): string {
    const { tenantHeader, defaultTenant, certificateField } = this.#options;
    let tenant =
      utf8Header(request, tenantHeader) ||
      utf8Header(request, defaultTenantHeader) ||
      defaultTenant;
    if (certificateField !== "") {
      const socket = request.socket as Partial<TLSSocket>;
      const subject = socket.getPeerCertificate?.()?.subject as unknown as
        | Record<string, string | string[]>
        | undefined;
      if (subject === undefined) {
        throw new HttpFault(400, "could not get required certificate field from client cert");
      }
      const value = subject[subjectFields[certificateField]];
      tenant = (Array.isArray(value) ? value[0] : value) ?? "";
      if (tenant === "") {
        throw new HttpFault(400, `could not get ${certificateField} field from client cert`);
      }
    }
    if (!isTenantName(tenant)) throw new HttpFault(400, "tenant name not valid");
    return tenant;
  }

  async #receive(
    request: IncomingMessage,
    response: ServerResponse,
    otlp: boolean,
    progress: Progress,
  ): Promise<void> {
    const { limiter, isReady, budget } = this.#deps;
    if (!isReady()) {
      response.setHeader("Retry-After", "1");
      throw new HttpFault(503, "Service Unavailable");
    }
    const tenant = this.#tenantOf(request);
    progress.tenant = tenant;
    const leave = await limiter.enter();
    let charge = 0;
    try {
      if (!limiter.mayWrite(tenant)) {
        response.setHeader("Retry-After", "60");
        throw new HttpFault(429, "tenant is above active series limit");
      }
      const limits = limiter.of(tenant);
      const sizeMax = limits.sizeBytes > 0 ? limits.sizeBytes : bodyBytesMax;
      const announced = Number(header(request, "content-length") || -1);
      if (announced > sizeMax) throw new HttpFault(413, "write request too large");
      charge = budget.take(Math.max(announced, 0));
      const packed = await readBody(request, sizeMax);
      progress.bytes = packed.length;
      let body: Uint8Array;
      let decoded: DecodedWrite;
      if (otlp) {
        body = await unzipped(request, packed, sizeMax);
        const json = header(request, "content-type").startsWith("application/json");
        decoded = this.#deps.decodeOtlp(body, json);
      } else {
        const version = versionOf(request);
        progress.version = version;
        const encoding = header(request, "content-encoding");
        if (version === 2 && encoding !== "" && encoding !== "snappy") {
          throw new HttpFault(415, `unsupported compression: ${encoding}. Only "snappy" supported`);
        }
        const size = sizeOf(packed);
        if (size > sizeMax) throw new HttpFault(413, "write request too large");
        charge += budget.take(size);
        body = unpacked(packed, sizeMax);
        decoded = version === 2 ? decodeWriteV2(body) : decodeWriteV1(body);
        if (version === 2) {
          response.setHeader("X-Prometheus-Remote-Write-Samples-Written", decoded.samples);
          response.setHeader("X-Prometheus-Remote-Write-Histograms-Written", decoded.histograms);
          response.setHeader("X-Prometheus-Remote-Write-Exemplars-Written", decoded.exemplars);
        }
      }
      await this.#write(request, tenant, decoded, limits, progress);
      if (decoded.refused !== "") throw new HttpFault(400, decoded.refused);
      response.writeHead(progress.version === 2 ? 204 : 200, { "Content-Length": 0 });
      response.end();
    } catch (error) {
      for (const kind of ["Samples", "Histograms", "Exemplars"]) {
        if (!response.headersSent)
          response.removeHeader(`X-Prometheus-Remote-Write-${kind}-Written`);
      }
      throw error;
    } finally {
      budget.give(charge);
      leave();
    }
  }

  async #write(
    request: IncomingMessage,
    tenant: string,
    decoded: DecodedWrite,
    limits: { readonly series: number; readonly samples: number },
    progress: Progress,
  ): Promise<void> {
    const text = header(request, this.#options.replicaHeader);
    const replica = text === "" ? 0 : Number(text);
    if (text !== "" && (!/^\d+$/.test(text) || BigInt(text) >= 2n ** 64n)) {
      throw new HttpFault(400, "could not parse replica header");
    }
    const parts: TenantSeries[] = [];
    if (decoded.families !== null) {
      const families = this.#deps.relabel(decoded.families);
      if (families.count > 0) parts.push({ tenant, series: families });
    }
    if (limits.series > 0 && decoded.series.count > limits.series) {
      throw new HttpFault(413, "too many timeseries");
    }
    if (limits.samples > 0 && decoded.samples > limits.samples) {
      throw new HttpFault(413, "too many samples");
    }
    const series = this.#deps.relabel(decoded.series);
    if (series.count > 0) parts.push({ tenant, series });
    if (parts.length === 0) return;
    progress.series = series.count;
    progress.samples = decoded.samples + decoded.histograms;
    await this.#deps.write(parts, replica);
  }
}

interface Progress {
  tenant: string;
  series: number;
  samples: number;
  bytes: number;
  /** Of remote write. */
  version: 1 | 2;
}

/** Sends an error in plain text, as Go's http.Error does. */
function answer(response: ServerResponse, status: number, text: string): void {
  const body = Buffer.from(`${text}\n`);
  response.writeHead(status, {
    "Content-Type": "text/plain; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
    "Content-Length": body.length,
  });
  response.end(body);
}

async function readBody(request: IncomingMessage, bytesMax: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const part of request as AsyncIterable<Buffer>) {
      bytes += part.length;
      if (bytes > bytesMax) throw new HttpFault(413, "write request too large");
      parts.push(part);
    }
  } catch (error) {
    if (error instanceof HttpFault) throw error;
    throw new HttpFault(400, `read compressed request body: ${messageOf(error)}`);
  }
  return parts.length === 1 ? parts[0]! : Buffer.concat(parts, bytes);
}

function sizeOf(packed: Uint8Array): number {
  try {
    return snappyBlockSize(packed);
  } catch (error) {
    throw new HttpFault(400, `snappy decode error: ${messageOf(error)}`);
  }
}

function unpacked(packed: Uint8Array, bytesMax: number): Uint8Array {
  try {
    return decodeSnappyBlock(packed, bytesMax);
  } catch (error) {
    throw new HttpFault(400, `snappy decode error: ${messageOf(error)}`);
  }
}

async function unzipped(
  request: IncomingMessage,
  packed: Buffer,
  bytesMax: number,
): Promise<Uint8Array> {
  const encoding = header(request, "content-encoding");
  if (encoding === "" || encoding === "identity") return packed;
  if (encoding !== "gzip") {
    throw new HttpFault(
      400,
      `unsupported compression: ${encoding}. Only "gzip" or no compression supported`,
    );
  }
  const { gunzip } = await import("node:zlib");
  return new Promise((resolve, reject) => {
    gunzip(packed, { maxOutputLength: bytesMax }, (error, body) => {
      if (error === null) resolve(body);
      else {
        const large = (error as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE";
        reject(
          large ? new HttpFault(413, "write request too large") : new HttpFault(400, error.message),
        );
      }
    });
  });
}
