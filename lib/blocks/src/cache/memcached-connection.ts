// One connection to a memcached server: requests are sent at once, answers come in their order.
import { connect, type Socket } from "node:net";

/** Reads one answer from what has arrived; undefined if it is not complete. */
type Parser<T> = (
  data: Buffer,
  from: number,
) => { readonly value: T; readonly end: number } | undefined;

interface Waiting {
  readonly parse: Parser<unknown>;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly deadlineMs: number;
}

const newline = Buffer.from("\r\n");

/** `VALUE <key> <flags> <bytes>\r\n<data>\r\n` … `END\r\n` */
const parseValues: Parser<Map<string, Uint8Array>> = (data, from) => {
  const found = new Map<string, Uint8Array>();
  for (let at = from; ; ) {
    const line = data.indexOf(newline, at);
    if (line < 0) return undefined;
    const head = data.toString("latin1", at, line);
    if (head === "END") return { value: found, end: line + 2 };
    const [word, key, , bytes] = head.split(" ");
    if (word !== "VALUE") throw new Error(`memcached answered ${head.slice(0, 100)}`);
    const start = line + 2;
    const end = start + Number(bytes);
    if (data.length < end + 2) return undefined;
    found.set(key!, new Uint8Array(data.subarray(start, end)));
    at = end + 2;
  }
};

const parseLine: Parser<string> = (data, from) => {
  const line = data.indexOf(newline, from);
  return line < 0 ? undefined : { value: data.toString("latin1", from, line), end: line + 2 };
};

/** Text until a line END; for `config get cluster`. */
const parseUntilEnd: Parser<string> = (data, from) => {
  const end = data.indexOf("END\r\n", from);
  return end < 0 ? undefined : { value: data.toString("latin1", from, end), end: end + 5 };
};

/** Reconnects when it is used after a failure. Every call is rejected after `timeoutMs`. */
export class MemcachedConnection {
  readonly #address: string;
  readonly #timeoutMs: number;
  #socket: Socket | undefined;
  #waiting: Waiting[] = [];
  #parts: Buffer[] = [];
  #timer: NodeJS.Timeout | undefined;

  /** `host:port`, or the path of a Unix socket. */
  constructor(address: string, timeoutMs: number) {
    this.#address = address;
    this.#timeoutMs = timeoutMs;
  }

  /** Requests without an answer yet. */
  get load(): number {
    return this.#waiting.length;
  }

  get(keys: readonly string[]): Promise<Map<string, Uint8Array>> {
    return this.#send(`get ${keys.join(" ")}\r\n`, undefined, parseValues);
  }

  /** The server's word for it: STORED where all went well. `ttlSeconds` 0 is for ever. */
  set(key: string, value: Uint8Array, ttlSeconds: number): Promise<string> {
    return this.#send(`set ${key} 0 ${ttlSeconds} ${value.length}\r\n`, value, parseLine);
  }

  clusterConfig(): Promise<string> {
    return this.#send("config get cluster\r\n", undefined, parseUntilEnd);
  }

  #send<T>(head: string, body: Uint8Array | undefined, parse: Parser<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const socket = this.#open();
      this.#waiting.push({
        parse,
        resolve: resolve as (value: unknown) => void,
        reject,
        deadlineMs: performance.now() + this.#timeoutMs,
      });
      this.#watch();
      socket.cork();
      socket.write(head, "latin1");
      if (body !== undefined) {
        socket.write(body);
        socket.write(newline);
      }
      socket.uncork();
    });
  }

  #open(): Socket {
    if (this.#socket !== undefined) return this.#socket;
    const socket = this.#address.startsWith("/")
      ? connect(this.#address)
      : connect(...hostAndPort(this.#address));
    socket.setNoDelay(true);
    socket.unref();
    socket.on("data", (data: Buffer) => {
      if (this.#socket === socket) this.#received(data);
    });
    socket.on("error", (error) => this.#fail(socket, error));
    socket.on("close", () => this.#fail(socket, new Error("connection closed")));
    this.#socket = socket;
    return socket;
  }

  #received(data: Buffer): void {
    this.#parts.push(data);
    let all = this.#parts.length === 1 ? data : Buffer.concat(this.#parts);
    try {
      let at = 0;
      while (this.#waiting.length > 0) {
        const answer = this.#waiting[0]!.parse(all, at);
        if (answer === undefined) break;
        at = answer.end;
        this.#waiting.shift()!.resolve(answer.value);
      }
      all = all.subarray(at);
      this.#parts = all.length === 0 ? [] : [all];
    } catch (error) {
      if (this.#socket !== undefined) this.#fail(this.#socket, error as Error);
    }
  }

  /** The answers come in order, so that the first one that waits is the first to be late. */
  #watch(): void {
    if (this.#timer !== undefined) return;
    const first = this.#waiting[0];
    if (first === undefined) return;
    const left = Math.max(1, first.deadlineMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const late = this.#waiting[0];
      if (late !== undefined && late.deadlineMs <= performance.now() && this.#socket !== undefined)
        this.#fail(this.#socket, new Error(`no answer within ${this.#timeoutMs} ms`));
      this.#watch();
    }, left);
  }

  #fail(socket: Socket, error: Error): void {
    if (this.#socket !== socket) return;
    this.#socket = undefined;
    this.#parts = [];
    socket.destroy();
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const { reject } of waiting) reject(error);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#socket !== undefined) this.#fail(this.#socket, new Error("cache client is closed"));
  }
}

function hostAndPort(address: string): [number, string] {
  const at = address.lastIndexOf(":");
  if (at < 0) return [11_211, address];
  return [Number(address.slice(at + 1)), address.slice(0, at).replace(/^\[|\]$/g, "")];
}
