// Thanos' downsampled chunks: five chunks in one.
//
// For count, sum, min, max, counter in this order: uvarint L; if L > 0 an encoding byte and L bytes of that chunk.
import { ByteReader, ByteWriter, messageOf } from "@deucalion/base";
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

/** The aggregates that are present, in order. Throws TSDB_CHUNK_DATA. */
export function aggregateChunks(
  data: Uint8Array,
  offset: number,
  length: number,
): AggregateChunk[] {
  const from = new ByteReader(data, offset, offset + length);
  const found: AggregateChunk[] = [];
  try {
    for (const aggregate of order) {
      const size = from.uvarint();
      if (size === 0) continue;
      const encoding = from.u8();
      found.push({ aggregate, encoding, offset: from.at, length: size });
      from.skip(size);
    }
  } catch (thrown) {
    const text = `downsampled chunk: ${messageOf(thrown)}`;
    throw new TsdbError("TSDB_CHUNK_DATA", text, { offset, length }, { cause: thrown });
  }
  return found;
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
