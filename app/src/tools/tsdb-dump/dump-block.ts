// One block as JSON lines, a line a series in the order of its index.
import { crc32c } from "@deucalion/kernels";
import { ChunkEncoding, type Matcher, SampleColumns } from "@deucalion/model";
import {
  aggregateChunks,
  type Block,
  chunkSampleCount,
  decodeChunkInto,
  removeDeleted,
  type SeriesEntry,
  seriesLabels,
} from "@deucalion/tsdb";
import { samplesJson } from "./sample-json.ts";

const aggregateNames = ["raw", "count", "sum", "min", "max", "counter"] as const;

/** Writes the block's series that match (all for none). With `chunks` also references, chunks and tombstones. */
export async function dumpBlock(
  block: Block,
  chunks: boolean,
  matchers: readonly Matcher[],
  write: (line: string) => void | Promise<void>,
): Promise<void> {
  const refs =
    matchers.length === 0 ? await block.index.allPostings() : await block.index.select(matchers);
  await block.index.readSeries(refs, async (entry, ref) => {
    await write(`${JSON.stringify(await seriesJson(block, entry, ref, chunks))}\n`);
  });
}

async function seriesJson(
  block: Block,
  entry: SeriesEntry,
  ref: number,
  withChunks: boolean,
): Promise<Record<string, unknown>> {
  const labels = seriesLabels(entry, block.index.symbols).toJSON();
  const intervals = block.tombstones.get(ref) ?? [];
  const read = await block.segments.read(entry.refs.subarray(0, entry.chunkCount));
  const samples = new SampleColumns();
  const chunks: Record<string, unknown>[] = [];
  let raw = entry.chunkCount === 0;
  for (let i = 0; i < entry.chunkCount; i++) {
    const data = read.buffers[read.buffer[i]!]!;
    const offset = read.offset[i]!;
    const length = read.length[i]!;
    const encoding = read.encoding[i]!;
    const chunk: Record<string, unknown> = {};
    if (encoding === ChunkEncoding.aggregated) {
      chunk.aggr = aggregatesJson(data, offset, length);
    } else {
      raw = true;
      decodeChunkInto(encoding, data, offset, length, samples);
    }
    chunk.crc32c = crc32c(data, offset, offset + length)
      .toString(16)
      .padStart(8, "0");
    chunk.enc = encoding;
    chunk.len = length;
    chunk.maxt = entry.maxTimes[i];
    chunk.mint = entry.minTimes[i];
    if (encoding !== ChunkEncoding.aggregated) {
      chunk.n = chunkSampleCount(encoding, data, offset);
    }
    chunk.ref = entry.refs[i];
    chunks.push(chunk);
  }
  removeDeleted(samples, 0, intervals);
  const json: Record<string, unknown> = withChunks ? { chunks, labels, ref } : { labels };
  if (raw || !withChunks) json.samples = samplesJson(samples);
  if (withChunks && intervals.length > 0) {
    json.tombstones = intervals.map((interval) => [interval.minTime, interval.maxTime]);
  }
  return json;
}

function aggregatesJson(data: Uint8Array, offset: number, length: number): object {
  const json: Record<string, unknown> = {};
  for (const part of aggregateChunks(data, offset, length)) {
    const samples = new SampleColumns();
    decodeChunkInto(part.encoding, data, part.offset, part.length, samples);
    json[aggregateNames[part.aggregate]] = { enc: part.encoding, samples: samplesJson(samples) };
  }
  return json;
}
