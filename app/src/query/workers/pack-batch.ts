// A batch of encoded series as one piece of memory that can be handed to another thread.
import { ChunkColumns } from "@deucalion/model";

/** Everything lies in `memory`, one column after the other; see `layoutOf`. */
export interface PackedBatch {
  readonly memory: ArrayBuffer;
  readonly series: number;
  readonly chunks: number;
}

/** Where the columns of a batch lie, in bytes: times, 32-bit columns, single bytes, then labels and chunks. */
function layoutOf(series: number, chunks: number) {
  const maxTime = 8 * chunks;
  const labelStart = 2 * maxTime;
  const labelEnd = labelStart + 4 * series;
  const first = labelEnd + 4 * series;
  const offset = first + 4 * (series + 1);
  const length = offset + 4 * chunks;
  const encoding = length + 4 * chunks;
  const aggregate = encoding + chunks;
  return {
    maxTime,
    labelStart,
    labelEnd,
    first,
    offset,
    length,
    encoding,
    aggregate,
    data: aggregate + chunks,
  };
}

/** Copies a batch: what it was read from may go. */
export function packBatch(from: ChunkColumns): PackedBatch {
  const { seriesCount: series, chunkCount: chunks, buffers } = from;
  const at = layoutOf(series, chunks);
  const memory = new ArrayBuffer(at.data + from.bytes);
  new Float64Array(memory, 0, chunks).set(from.minTime.subarray(0, chunks));
  new Float64Array(memory, at.maxTime, chunks).set(from.maxTime.subarray(0, chunks));
  new Uint32Array(memory, at.first, series + 1).set(from.first.subarray(0, series + 1));
  new Uint32Array(memory, at.length, chunks).set(from.length.subarray(0, chunks));
  new Uint8Array(memory, at.encoding, chunks).set(from.encoding.subarray(0, chunks));
  new Uint8Array(memory, at.aggregate, chunks).set(from.aggregate.subarray(0, chunks));
  const labelStart = new Uint32Array(memory, at.labelStart, series);
  const labelEnd = new Uint32Array(memory, at.labelEnd, series);
  const offset = new Uint32Array(memory, at.offset, chunks);
  const data = new Uint8Array(memory, at.data);
  let to = 0;
  const copy = (buffer: number, start: number, end: number): void => {
    data.set(buffers[buffer]!.subarray(start, end), to);
    to += end - start;
  };
  for (let i = 0; i < series; i++) {
    labelStart[i] = to;
    copy(from.labelBuffer[i]!, from.labelStart[i]!, from.labelEnd[i]!);
    labelEnd[i] = to;
  }
  for (let i = 0; i < chunks; i++) {
    offset[i] = to;
    const start = from.offset[i]!;
    if (from.length[i]! > 0) copy(from.buffer[i]!, start, start + from.length[i]!);
  }
  return { memory, series, chunks };
}

/** The batch again, over the memory it came in. */
export function unpackBatch({ memory, series, chunks }: PackedBatch): ChunkColumns {
  const at = layoutOf(series, chunks);
  const columns = new ChunkColumns(1, 1);
  columns.addBuffer(new Uint8Array(memory, at.data));
  columns.seriesCount = series;
  columns.chunkCount = chunks;
  columns.labelBuffer = new Uint16Array(series);
  columns.labelStart = new Uint32Array(memory, at.labelStart, series);
  columns.labelEnd = new Uint32Array(memory, at.labelEnd, series);
  columns.first = new Uint32Array(memory, at.first, series + 1);
  columns.minTime = new Float64Array(memory, 0, chunks);
  columns.maxTime = new Float64Array(memory, at.maxTime, chunks);
  columns.encoding = new Uint8Array(memory, at.encoding, chunks);
  columns.aggregate = new Uint8Array(memory, at.aggregate, chunks);
  columns.buffer = new Uint16Array(chunks);
  columns.offset = new Uint32Array(memory, at.offset, chunks);
  columns.length = new Uint32Array(memory, at.length, chunks);
  return columns;
}
