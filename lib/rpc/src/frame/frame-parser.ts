// Puts gRPC messages together from the buffers that HTTP/2 delivers:  compressed(1)  length(4, big endian)  message.
import { decodeSnappyStream } from "../compress/snappy-stream.ts";
import { RpcError } from "../errors.ts";

/**
 * Feed it buffers; it appends whole messages to `out`. A message within one buffer is a view of it; one that spans
 * buffers is copied once, into memory that grows as bytes arrive and never ahead of them by more than a doubling.
 */
export class FrameParser {
  /** `grpc-encoding` of the peer; "identity" until set. */
  encoding = "identity";
  readonly #bytesMax: number;
  readonly #head = new Uint8Array(5);
  #headLength = 0;
  #compressed = false;
  #need = 0;
  #body: Uint8Array | null = null;
  #bodyLength = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** True if no message has begun and not ended. */
  get idle(): boolean {
    return this.#headLength === 0;
  }

  push(data: Uint8Array, out: Uint8Array[]): void {
    let at = 0;
    while (at < data.length) {
      if (this.#headLength < 5) {
        const take = Math.min(5 - this.#headLength, data.length - at);
        for (let i = 0; i < take; i++) this.#head[this.#headLength++] = data[at++]!;
        if (this.#headLength < 5) return;
        this.#begin();
      }
      const left = data.length - at;
      if (this.#body === null && left >= this.#need) {
        this.#emit(data.subarray(at, at + this.#need), out);
        at += this.#need;
        continue;
      }
      const take = Math.min(left, this.#need - this.#bodyLength);
      this.#collect(data, at, take);
      at += take;
      if (this.#bodyLength === this.#need) this.#emit(this.#body!.subarray(0, this.#need), out);
    }
    if (this.#headLength === 5 && this.#need === 0) this.#emit(new Uint8Array(0), out);
  }

  #begin(): void {
    const head = this.#head;
    if (head[0]! > 1)
      throw new RpcError("RPC_FRAME", "grpc: compression flag is not 0 or 1", { flag: head[0] });
    this.#compressed = head[0] === 1;
    this.#need = head[1]! * 16777216 + head[2]! * 65536 + head[3]! * 256 + head[4]!;
    this.#bodyLength = 0;
    if (this.#need > this.#bytesMax) {
      throw new RpcError(
        "RPC_MESSAGE_SIZE",
        `grpc: received message larger than max (${this.#need} vs. ${this.#bytesMax})`,
        { bytes: this.#need, bytesMax: this.#bytesMax },
      );
    }
  }

  #collect(data: Uint8Array, at: number, count: number): void {
    const want = this.#bodyLength + count;
    if (this.#body === null) {
      // Every byte is written before the message is handed out.
      this.#body = Buffer.allocUnsafeSlow(Math.min(this.#need, Math.max(want, 1 << 20)));
    } else if (want > this.#body.length) {
      const grown = new Uint8Array(Math.min(this.#need, Math.max(want, this.#body.length * 2)));
      grown.set(this.#body.subarray(0, this.#bodyLength));
      this.#body = grown;
    }
    this.#body.set(data.subarray(at, at + count), this.#bodyLength);
    this.#bodyLength = want;
  }

  #emit(message: Uint8Array, out: Uint8Array[]): void {
    this.#headLength = 0;
    this.#body = null;
    this.#bodyLength = 0;
    if (!this.#compressed) {
      out.push(message);
      return;
    }
    if (this.encoding === "snappy") {
      out.push(decodeSnappyStream(message, this.#bytesMax));
      return;
    }
    if (this.encoding === "identity") {
      throw new RpcError("RPC_FRAME", "grpc: compressed flag set with identity or empty encoding");
    }
    throw new RpcError(
      "RPC_ENCODING",
      `grpc: Decompressor is not installed for grpc-encoding "${this.encoding}"`,
      { encoding: this.encoding },
    );
  }
}
