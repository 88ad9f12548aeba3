// Thanos' downsampled chunks: five chunks in one.
//
// For count, sum, min, max, counter in this order: uvarint L; if L > 0 an encoding byte and L bytes of that chunk.
import { ByteWriter } from "@deucalion/base";
import { Aggregate } from "@deucalion/model";
import { TsdbError } from "../errors.ts";

/** One aggregate of a downsampled chunk: a chunk of its own within the same bytes. */
export interface AggregateChunk {
  readonly aggregate: Aggregate;
  readonly encoding: number;
  /** From the start of the buffer. */
  readonly offset: number;
  readonly length: number;
}

const order = [
  Aggregate.count,
  Aggregate.sum,
  Aggregate.min,
  Aggregate.max,
  Aggregate.counter,
] as const;

/** Where the aggregates of one downsampled chunk lie, to be filled again for each chunk. */
export class AggregateParts {
  /** How many are present; the columns are filled up to here. */
  count = 0;
  readonly aggregate = new Uint8Array(order.length);
  readonly encoding = new Uint8Array(order.length);
  /** From the start of the buffer. */
  readonly offset = new Float64Array(order.length);
  readonly length = new Float64Array(order.length);

  /** Finds the aggregates of the chunk at `data[offset, offset + length)`, in order. Throws TSDB_CHUNK_DATA. */
  read(data: Uint8Array, offset: number, length: number): void {
    const end = Math.min(offset + length, data.length) | 0;
    let at = offset | 0;
    let count = 0;
    for (let i = 0; i < order.length; i++) {
      let size = 0;
      let scale = 1;
      for (let bytes = 0; ; bytes++) {
        if (at >= end) throw damaged("input ends too early", offset, length);
        if (bytes === 10) throw damaged("varint is longer than 64 bits", offset, length);
        const byte = data[at++]!;
        size += (byte & 0x7f) * scale;
        if (byte < 0x80) break;
        scale *= 128;
      }
      if (size === 0) continue;
      if (size + 1 > end - at) throw damaged("input ends too early", offset, length);
      this.aggregate[count] = order[i]!;
      this.encoding[count] = data[at]!;
      this.offset[count] = at + 1;
      this.length[count] = size;
      count++;
      at = (at + 1 + size) | 0;
    }
    this.count = count;
  }
}

function damaged(what: string, offset: number, length: number): TsdbError {
  return new TsdbError("TSDB_CHUNK_DATA", `downsampled chunk: ${what}`, { offset, length });
}

/** The aggregates that are present, in order. Throws TSDB_CHUNK_DATA. */
export function aggregateChunks(
  data: Uint8Array,
  offset: number,
  length: number,
): AggregateChunk[] {
  const parts = new AggregateParts();
  parts.read(data, offset, length);
  return Array.from({ length: parts.count }, (_, i) => ({
    aggregate: parts.aggregate[i] as Aggregate,
    encoding: parts.encoding[i]!,
    offset: parts.offset[i]!,
    length: parts.length[i]!,
  }));
}

/** Joins aggregates to one downsampled chunk; those left out are absent. */
export function encodeAggregateChunk(
  parts: readonly { aggregate: Aggregate; encoding: number; data: Uint8Array }[],
): Uint8Array {
  const out = new ByteWriter(256);
  for (const aggregate of order) {
    const part = parts.find((candidate) => candidate.aggregate === aggregate);
    out.uvarint(part?.data.length ?? 0);
    if (part === undefined || part.data.length === 0) continue;
    out.u8(part.encoding);
    out.bytes(part.data);
  }
  return out.finish();
}
