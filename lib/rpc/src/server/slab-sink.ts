// Joins messages into slabs of 64 KB, so that many small messages cost few writes.
import type { ServerHttp2Stream } from "node:http2";
import { SnappyEncoder } from "@deucalion/kernels";
import { RpcError } from "../errors.ts";
import { encodeFrame, putLength } from "../frame/frame.ts";
import type { MessageSink } from "./service.ts";

const slabBytes = 65_536;
/** Slabs kept for later calls: without them a large answer is as much garbage again. */
const spareSlabsMax = 64;
const spareSlabs: Buffer[] = [];

/** The sending side of one call. Slabs go out when full, or at the end of the event-loop turn. */
export class SlabSink implements MessageSink {
  readonly #stream: ServerHttp2Stream;
  readonly #compressed: boolean;
  readonly #unsentBytesMax: number;
  readonly #onFirst: () => void;
  readonly #onSent: (bytes: number) => void;
  readonly #head = new Uint8Array(5);
  #encoder: SnappyEncoder | undefined;
  #slab: Buffer | null = null;
  #used = 0;
  #unsent = 0;
  #scheduled = false;
  #started = false;
  #gone: unknown = null;
  #waiting: (() => void)[] = [];

  /** `onFirst` sends the headers. */
  constructor(
    stream: ServerHttp2Stream,
    compressed: boolean,
    unsentBytesMax: number,
    onFirst: () => void,
    onSent: (bytes: number) => void,
  ) {
    this.#stream = stream;
    this.#compressed = compressed;
    this.#unsentBytesMax = unsentBytesMax;
    this.#onFirst = onFirst;
    this.#onSent = onSent;
  }

  send(message: Uint8Array): Promise<void> | undefined {
    if (this.#gone !== null) return Promise.reject(this.#gone);
    if (!this.#started) {
      this.#started = true;
      this.#onFirst();
    }
    this.#onSent(message.length);
    if (this.#compressed) {
      this.#encoder ??= new SnappyEncoder();
      this.#put(encodeFrame(message, "snappy", this.#encoder));
    } else {
      putLength(this.#head, 1, message.length);
      this.#put(this.#head);
      this.#put(message);
    }
    if (!this.#scheduled) {
      this.#scheduled = true;
      setImmediate(() => {
        this.#scheduled = false;
        this.flush();
      });
    }
    if (this.#unsent <= this.#unsentBytesMax) return undefined;
    return new Promise((resolve, reject) => {
      this.#waiting.push(() => (this.#gone === null ? resolve() : reject(this.#gone as Error)));
    });
  }

  #put(bytes: Uint8Array): void {
    let at = 0;
    while (at < bytes.length) {
      this.#slab ??= spareSlabs.pop() ?? Buffer.allocUnsafeSlow(slabBytes);
      const take = Math.min(bytes.length - at, slabBytes - this.#used);
      if (take === bytes.length) this.#slab.set(bytes, this.#used);
      else this.#slab.set(bytes.subarray(at, at + take), this.#used);
      this.#used += take;
      at += take;
      if (this.#used === slabBytes) this.flush();
    }
  }

  /** Hands what has been collected to the socket. */
  flush(): void {
    const slab = this.#slab;
    if (slab === null || this.#used === 0 || this.#gone !== null) return;
    const part = this.#used === slabBytes ? slab : slab.subarray(0, this.#used);
    this.#slab = null;
    this.#used = 0;
    this.#unsent += part.length;
    this.#stream.write(part, (error) => {
      this.#unsent -= part.length;
      // The socket has taken all of it; after an error it may still hold a part.
      if (error == null && spareSlabs.length < spareSlabsMax) spareSlabs.push(slab);
      if (this.#unsent <= this.#unsentBytesMax / 2) this.#wake();
    });
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const go of waiting) go();
  }

  /** The receiver has left: waiting and later sends are rejected. */
  abandon(reason: unknown): void {
    this.#gone ??= reason ?? new RpcError("RPC_CANCELLED", "context canceled");
    this.#slab = null;
    this.#wake();
  }
}
