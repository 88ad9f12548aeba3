// Measures XOR decoding and encoding on chunks of a known kind.
import type { FloatColumns } from "../xor/decode-xor.ts";
import { decodeXorInto } from "../xor/decode-xor.ts";
import { encodeXor, XorScratch } from "../xor/encode-xor.ts";

/** Columns that grow: the least that `decodeXorInto` needs. */
export class TestColumns implements FloatColumns {
  count = 0;
  times: Float64Array;
  values: Float64Array;
  valueBits: Uint32Array;

  constructor(capacity = 256) {
    this.times = new Float64Array(capacity);
    this.values = new Float64Array(capacity);
    this.valueBits = new Uint32Array(this.values.buffer);
  }

  reserve(extra: number): void {
    const need = this.count + extra;
    if (need <= this.times.length) return;
    const larger = new TestColumns(Math.max(need, 2 * this.times.length));
    larger.times.set(this.times);
    larger.values.set(this.values);
    this.times = larger.times;
    this.values = larger.values;
    this.valueBits = larger.valueBits;
  }
}

/** What the samples look like: a counter of integers, a gauge of random floats, a constant. */
export type XorSeriesKind = "counter" | "gauge" | "constant";

export interface XorThroughput {
  readonly kind: XorSeriesKind;
  readonly bytesPerSample: number;
  /** Million samples a second, median over the rounds. */
  readonly decode: number;
  readonly encode: number;
}

/** Samples 15 s apart, ±5 ms, made from a seed. */
export function makeXorSamples(kind: XorSeriesKind, count: number, seed: number): TestColumns {
  let state = seed >>> 0 || 1;
  const random = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 4294967296;
  };
  const columns = new TestColumns(count);
  let value = kind === "constant" ? 1 : Math.floor(random() * 1000);
  for (let i = 0; i < count; i++) {
    columns.times[i] = 1_704_153_600_000 + i * 15_000 + Math.floor(random() * 11) - 5;
    if (kind === "counter") value += Math.floor(random() * 100);
    if (kind === "gauge") value = random() * 100;
    columns.values[i] = value;
  }
  columns.count = count;
  return columns;
}

/** Runs `rounds` rounds over 2,000 chunks of 120 samples on this thread. `now` gives milliseconds. */
export function measureXor(kind: XorSeriesKind, rounds: number, now: () => number): XorThroughput {
  const series = Array.from({ length: 2000 }, (_, i) => makeXorSamples(kind, 120, i + 1));
  const scratch = new XorScratch();
  const chunks = series.map((s) => encodeXor(s.times, s.valueBits, 0, s.count, scratch));
  const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
  const slab = new Uint8Array(bytes + 64);
  const offsets: number[] = [];
  let at = 0;
  for (const chunk of chunks) {
    offsets.push(at);
    slab.set(chunk, at);
    at += chunk.length;
  }
  const out = new TestColumns(240_000);
  const decode: number[] = [];
  const encode: number[] = [];
  for (let round = 0; round < rounds; round++) {
    const start = now();
    out.count = 0;
    for (let i = 0; i < chunks.length; i++) {
      decodeXorInto(slab, offsets[i]!, chunks[i]!.length, out);
    }
    const middle = now();
    for (const s of series) encodeXor(s.times, s.valueBits, 0, s.count, scratch);
    decode.push(240 / (middle - start));
    encode.push(240 / (now() - middle));
  }
  const median = (list: number[]): number => list.sort((a, b) => a - b)[list.length >> 1]!;
  return {
    kind,
    bytesPerSample: bytes / 240_000,
    decode: median(decode),
    encode: median(encode),
  };
}
