// The decoders of this package with real inputs, for fuzzing.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { crc32c, decodeSnappyBlock } from "@deucalion/kernels";
import { ChunkEncoding, SampleColumns } from "@deucalion/model";
import { Block } from "../block/block.ts";
import { ChunkFrame } from "../block/chunk-frame.ts";
import { parseBlockMeta } from "../block/meta.ts";
import { decodeTombstones } from "../block/tombstones.ts";
import { aggregateChunks } from "../chunk/aggregate-chunks.ts";
import { decodeChunkInto } from "../chunk/decode-chunk.ts";
import { encodeSamples } from "../chunk/encode-samples.ts";
import { IndexReader } from "../index/index-reader.ts";
import { readPostings } from "../index/postings.ts";
import { PostingsTable } from "../index/postings-table.ts";
import { memoryRanges } from "../index/range-reader.ts";
import { SeriesEntry } from "../index/series-entry.ts";
import { Symbols } from "../index/symbols.ts";
import { indexTocBytes, readIndexToc } from "../index/toc.ts";
import { decompressZstd } from "../wal/decompress.ts";
import { readHeadChunks } from "../wal/head-chunks.ts";
import { readLogSegment } from "../wal/log-reader.ts";
import { decodeSnapshotRecord } from "../wal/snapshot-record.ts";
import { decodeWalRecord } from "../wal/wal-record.ts";
import { conformanceBlocks, conformanceRoot } from "./conformance.ts";
import type { FuzzTarget } from "./fuzz.ts";

const perEncodingMax = 40;

/** Real chunks by encoding; those with start timestamps of histograms are made from real histograms. */
async function realChunks(): Promise<Map<number, Uint8Array[]>> {
  const found = new Map<number, Uint8Array[]>();
  const add = (encoding: number, data: Uint8Array): void => {
    const list = found.get(encoding) ?? [];
    found.set(encoding, list);
    if (list.length < perEncodingMax) list.push(data);
  };
  for (const { name, dir } of conformanceBlocks()) {
    if (!/^(floats|hist|downsampled)/.test(name)) continue;
    const block = await Block.open(dir);
    await block.index.readSeries(await block.index.allPostings(), async (entry) => {
      const read = await block.segments.read(entry.refs.subarray(0, Math.min(4, entry.chunkCount)));
      for (let i = 0; i < read.encoding.length; i++) {
        const [offset, length] = [read.offset[i]!, read.length[i]!];
        const data = read.buffers[read.buffer[i]!]!.slice(offset, offset + length);
        add(read.encoding[i]!, data);
        if (read.encoding[i] === ChunkEncoding.histogram || read.encoding[i] === 3) {
          for (const chunk of withStartTimes(read.encoding[i]!, data)) {
            add(chunk.encoding, chunk.data);
          }
        }
      }
    });
    await block.close();
  }
  return found;
}

function withStartTimes(encoding: number, data: Uint8Array): ReturnType<typeof encodeSamples> {
  const samples = new SampleColumns();
  decodeChunkInto(encoding, data, 0, data.length, samples);
  const starts = samples.withStartTimes();
  for (let i = 3; i < samples.count; i++) starts[i] = samples.times[i - (i % 5)]! - 7;
  const options = { samplesPerChunk: 120, xor2: true, histogramStartTimes: true };
  return encodeSamples(samples, 0, samples.count, options);
}

/** BE32 length, body, CRC: sets length and checksum to what the bytes are. */
function sealFrame(data: Uint8Array): void {
  if (data.length < 8) return;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  view.setUint32(0, data.length - 8);
  view.setUint32(data.length - 4, crc32c(data, 4, data.length - 4));
}

/** uvarint length, body, CRC. */
function sealSeries(data: Uint8Array): void {
  if (data.length < 8) return;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  const length = data.length - 6;
  data[0] = (length & 127) | 128;
  data[1] = (length >>> 7) & 127;
  if (length >= 16384) return;
  view.setUint32(data.length - 4, crc32c(data, 2, data.length - 4));
}

function sealTombstones(data: Uint8Array): void {
  if (data.length < 9) return;
  data.set([0x01, 0x30, 0xba, 0x30, 1]);
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  view.setUint32(data.length - 4, crc32c(data, 5, data.length - 4));
}

function frameAt(data: Uint8Array, offset: number): Uint8Array {
  const length = new DataView(data.buffer, data.byteOffset).getUint32(offset);
  return data.slice(offset, offset + length + 8);
}

async function walkIndex(data: Uint8Array): Promise<void> {
  const index = await IndexReader.open(memoryRanges(data));
  for (const name of index.labelNames()) index.labelValues(name);
  await index.readSeries(await index.allPostings(), (entry) => {
    for (let i = 0; i < 2 * entry.labelCount; i++) index.symbols.ordinal(entry.labels[i]!);
  });
}

async function indexTargets(): Promise<FuzzTarget[]> {
  const blocks = conformanceBlocks().filter(({ name }) => name.startsWith("compaction/input"));
  const indexes = blocks.map(({ dir }) => new Uint8Array(readFileSync(join(dir, "index"))));
  const tocs = indexes.map((data) => data.slice(-indexTocBytes));
  const symbols: Uint8Array[] = [];
  const tables: Uint8Array[] = [];
  const lists: Uint8Array[] = [];
  const series: Uint8Array[] = [];
  for (const data of indexes) {
    const toc = readIndexToc(data.slice(-indexTocBytes), data.length);
    symbols.push(frameAt(data, toc.symbols));
    tables.push(frameAt(data, toc.postingsTable));
    const index = await IndexReader.open(memoryRanges(data));
    for (let entry = 0; entry < index.table.count; entry++) {
      lists.push(frameAt(data, index.table.listOffset(entry)));
    }
    const one = new SeriesEntry();
    for (const ref of await index.allPostings()) {
      const bytes = one.read(data, ref * 16);
      const padded = new Uint8Array(bytes + 1);
      padded.set(data.subarray(ref * 16, ref * 16 + bytes), 1);
      sealSeries(padded);
      series.push(padded);
    }
  }
  const entry = new SeriesEntry();
  return [
    { name: "index", corpus: indexes, run: walkIndex },
    { name: "index toc", corpus: tocs, run: (data) => readIndexToc(data, 5000) },
    {
      name: "symbols",
      corpus: symbols,
      seal: sealFrame,
      run: (data) => Symbols.read(data, 0, 2, 0),
    },
    {
      name: "postings table",
      corpus: tables,
      seal: sealFrame,
      run: (data) => PostingsTable.read(data, 0, 5000),
    },
    { name: "postings", corpus: lists, seal: sealFrame, run: (data) => readPostings(data, 0) },
    { name: "series entry", corpus: series, seal: sealSeries, run: (data) => entry.read(data, 0) },
  ];
}

function logTargets(): FuzzTarget[] {
  const segments: Uint8Array[] = [];
  const records: Uint8Array[] = [];
  const headChunks: Uint8Array[] = [];
  for (const name of ["snappy", "zstd", "library-uncompressed"]) {
    const dir = join(conformanceRoot, "wal", name, "data");
    for (const file of readdirSync(join(dir, "wal")).filter((one) => /^\d+$/.test(one))) {
      const data = new Uint8Array(readFileSync(join(dir, "wal", file)));
      if (data.length > 0) segments.push(data.slice(0, 32768));
      for (const record of readLogSegment(data, () => undefined)) {
        if (records.length < 2000) records.push(record.data);
      }
    }
    for (const file of readdirSync(join(dir, "chunks_head"))) {
      headChunks.push(new Uint8Array(readFileSync(join(dir, "chunks_head", file))).slice(0, 8192));
    }
  }
  const snapshot = Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 9, 1, 1, 97, 1, 98, ...new Uint8Array(9));
  return [
    {
      name: "log segment",
      corpus: segments,
      run: (data) => {
        for (const record of readLogSegment(data, () => undefined)) void record;
      },
    },
    { name: "log record", corpus: records, run: decodeWalRecord },
    {
      name: "head chunks",
      corpus: headChunks,
      run: (data) => {
        for (const chunk of readHeadChunks(data, 1)) void chunk;
      },
    },
    { name: "snapshot record", corpus: [snapshot], run: decodeSnapshotRecord },
    {
      name: "snappy block",
      corpus: compressedRecords("snappy", 0x09),
      run: (data) => decodeSnappyBlock(data, 1 << 24),
    },
    { name: "zstd frame", corpus: compressedRecords("zstd", 0x11), run: decompressZstd },
  ];
}

/** Compressed records as they lie in segments, those of one fragment of this type. */
function compressedRecords(folder: string, type: number): Uint8Array[] {
  const dir = join(conformanceRoot, "wal", folder, "data", "wal");
  const frames: Uint8Array[] = [];
  for (const file of readdirSync(dir).filter((one) => /^\d+$/.test(one))) {
    const data = new Uint8Array(readFileSync(join(dir, file)));
    for (let at = 0; at + 7 < data.length && data[at] !== 0; ) {
      const length = (data[at + 1]! << 8) | data[at + 2]!;
      if (data[at] === type) frames.push(data.slice(at + 7, at + 7 + length));
      at += 7 + length;
    }
  }
  return frames;
}

/** Every decoder of this package. Needs the conformance data. */
export async function fuzzTargets(): Promise<FuzzTarget[]> {
  const targets: FuzzTarget[] = [];
  const chunks = await realChunks();
  const samples = new SampleColumns();
  for (const [encoding, corpus] of [...chunks].sort((a, b) => a[0] - b[0])) {
    if (encoding === ChunkEncoding.aggregated) continue;
    const run = (data: Uint8Array): void => {
      samples.reset();
      decodeChunkInto(encoding, data, 0, data.length, samples);
    };
    targets.push({ name: `chunk encoding ${encoding}`, corpus, run });
  }
  const frame = new ChunkFrame();
  const frames = [...chunks.values()].flat();
  targets.push(
    {
      name: "downsampled chunk",
      corpus: chunks.get(ChunkEncoding.aggregated)!,
      run: (data) => aggregateChunks(data, 0, data.length),
    },
    { name: "chunk frame", corpus: frames, run: (data) => frame.read(data, 0) },
    ...(await indexTargets()),
    ...logTargets(),
  );
  const [tombstones] = conformanceBlocks().filter(({ name }) => name.startsWith("tombstones"));
  const folder = tombstones!.dir;
  targets.push(
    {
      name: "tombstones",
      corpus: [new Uint8Array(readFileSync(join(folder, "tombstones")))],
      seal: sealTombstones,
      run: decodeTombstones,
    },
    {
      name: "meta.json",
      corpus: [new Uint8Array(readFileSync(join(folder, "meta.json")))],
      run: (data) => parseBlockMeta(new TextDecoder().decode(data)),
    },
  );
  return targets;
}
