// Writes a response body in parts, compressed if the client likes it, never faster than the client reads.
import { once } from "node:events";
import { createGzip, type Gzip } from "node:zlib";
import type { Exchange } from "../exchange.ts";

/** Bodies shorter than this are sent as they are. */
const compressFrom = 1024;

/** True if the client takes gzip. */
export function acceptsGzip(header: string): boolean {
  for (const part of header.split(",")) {
    const [name, ...rest] = part
      .trim()
      .toLowerCase()
      .split(/\s*;\s*/);
    if (name !== "gzip" && name !== "*") continue;
    const quality = rest.find((p) => p.startsWith("q="));
    return quality === undefined || Number(quality.slice(2)) > 0;
  }
  return false;
}

/** One body. Call `write` any number of times, then `end` once. */
export class ResponseBody {
  readonly #exchange: Exchange;
  readonly #status: number;
  readonly #compress: boolean;
  #first: Buffer | null = null;
  #started = false;
  #gzip: Gzip | null = null;
  /** Rejects what waits for the client. */
  #refuse: (reason: unknown) => void = () => undefined;

  constructor(exchange: Exchange, status: number, compress = true) {
    this.#exchange = exchange;
    this.#status = status;
    this.#compress = compress;
    if (compress) exchange.response.setHeader("Vary", "Accept-Encoding");
  }

  /**
   * Keeps `chunk` until it is sent; resolves when there is room for more, with true if the chunk has been sent and may be
   * overwritten. To be called again after that only. Throws if the client is gone.
   */
  async write(chunk: Buffer): Promise<boolean> {
    if (chunk.length === 0) return false;
    if (!this.#started && this.#first === null) {
      this.#first = chunk;
      return false;
    }
    this.#start();
    return this.#send(chunk);
  }

  async end(chunk: Buffer = Buffer.alloc(0)): Promise<void> {
    const { response } = this.#exchange;
    const total = (this.#first?.length ?? 0) + chunk.length;
    if (!this.#started && (total < compressFrom || !this.#wantsGzip())) {
      const body = this.#first === null ? chunk : Buffer.concat([this.#first, chunk]);
      response.writeHead(this.#status, { "Content-Length": body.length });
      response.end(this.#exchange.method === "HEAD" ? undefined : body);
      return;
    }
    this.#start();
    if (this.#gzip === null) {
      response.end(chunk);
      return;
    }
    this.#gzip.end(chunk);
    await once(this.#gzip, "end", { signal: this.#exchange.signal });
  }

  #wantsGzip(): boolean {
    return this.#compress && acceptsGzip(this.#exchange.header("accept-encoding"));
  }

  #start(): void {
    if (this.#started) return;
    this.#started = true;
    const { response, signal } = this.#exchange;
    signal.addEventListener("abort", () => this.#refuse(signal.reason), { once: true });
    if (this.#wantsGzip()) {
      response.setHeader("Content-Encoding", "gzip");
      this.#gzip = createGzip({ level: 1, chunkSize: 65_536 });
      this.#gzip.pipe(response);
    }
    response.writeHead(this.#status);
    if (this.#first !== null) {
      (this.#gzip ?? response).write(this.#first);
      this.#first = null;
    }
  }

  /** Resolves when the chunk has been handed on, with true; rejects when the client is gone or the signal is aborted. */
  #send(chunk: Buffer): Promise<boolean> {
    const { signal, response } = this.#exchange;
    signal.throwIfAborted();
    const target = this.#gzip ?? response;
    return new Promise((resolve, reject) => {
      this.#refuse = reject;
      target.write(chunk, (error) => {
        if (error) reject(error);
        else resolve(true);
      });
    });
  }
}
