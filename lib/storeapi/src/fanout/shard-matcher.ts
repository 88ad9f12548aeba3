// Says whether a series belongs to a shard: xxhash64 over the labels that take part, modulo the number of shards.
import type { Xxhash64 } from "@deucalion/kernels";
import { decodeText, type LabelBytes, LabelCursor, type ShardSelector } from "@deucalion/model";

export class ShardMatcher {
  readonly #shard: ShardSelector;
  readonly #names: ReadonlySet<string>;
  readonly #hash: Xxhash64;
  readonly #cursor = new LabelCursor();
  #scratch = new Uint8Array(1024);

  constructor(shard: ShardSelector, hash: Xxhash64) {
    this.#shard = shard;
    this.#names = new Set(shard.labels);
    this.#hash = hash;
  }

  matches(labels: LabelBytes): boolean {
    const { data } = labels;
    const cursor = this.#cursor.reset(labels);
    const need = labels.end - labels.start + 16;
    if (this.#scratch.length < need) this.#scratch = new Uint8Array(need * 2);
    const scratch = this.#scratch;
    let at = 0;
    while (cursor.next()) {
      const listed = this.#names.has(decodeText(data, cursor.nameStart, cursor.nameEnd));
      if (listed !== this.#shard.by) continue;
      for (let i = cursor.nameStart; i < cursor.nameEnd; i++) scratch[at++] = data[i]!;
      scratch[at++] = 0xff;
      for (let i = cursor.valueStart; i < cursor.valueEnd; i++) scratch[at++] = data[i]!;
      scratch[at++] = 0xff;
    }
    this.#hash.hash(scratch, 0, at);
    return modulo(this.#hash.high, this.#hash.low, this.#shard.total) === this.#shard.index;
  }
}

/** A 64-bit number modulo one below 2^26. */
function modulo(high: number, low: number, by: number): number {
  return ((((high % by) * (4294967296 % by)) % by) + (low % by)) % by;
}
