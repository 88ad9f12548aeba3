// Memory snapshots: every series with its open chunk, so that the next start need not replay the log.
import { renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { ByteWriter } from "@deucalion/base";
import { LabelCursor, SampleColumns } from "@deucalion/model";
import { encodeTombstones } from "../../../block/tombstones.ts";
import { decodeChunkInto } from "../../../chunk/decode-chunk.ts";
import { LogWriter, syncFolder } from "../../../wal/log-writer.ts";
import { ExemplarRecord, writeHistogram } from "../../../wal/record-writer.ts";
import type { LiveHead } from "../live-head.ts";
import { ChunkKind, holdsHistograms } from "../series/series-table.ts";

/** Bytes that are gathered before they are written. */
const flushBytes = 1 << 20;
const exemplarsAtOnce = 10_000;

/** Writes a snapshot that stands for the log up to where it is now; everything is committed. The layout: docs/format/wal.md. */
export function writeSnapshot(head: LiveHead): void {
  const { wal } = head.log;
  const number = String(wal.segment).padStart(6, "0");
  const folder = join(
    head.dir,
    `chunk_snapshot.${number}.${String(wal.position).padStart(10, "0")}`,
  );
  const temporary = `${folder}.tmp`;
  rmSync(temporary, { recursive: true, force: true });
  const writer = LogWriter.open(
    temporary,
    0,
    { syncFailed: null },
    { segmentBytes: head.options.segmentBytes, compress: head.options.walCompression },
  );
  const cursor = new LabelCursor();
  const last = new SampleColumns(256);
  const record = new ByteWriter(4096);
  for (const series of head.table.all()) {
    record.reset();
    writeSeries(head, series, record, cursor, last);
    writer.append(record.view());
    if (writer.pendingBytes > flushBytes) writer.flush();
  }
  record.reset();
  record.u8(2);
  const tombstones = new Map(
    [...head.tombstones].map(([series, intervals]) => [head.table.ref[series]!, intervals]),
  );
  record.uvarintBytes(encodeTombstones(tombstones));
  writer.append(record.view());
  writeExemplars(head, writer);
  writer.close();
  renameSync(temporary, folder);
  syncFolder(head.dir);
}

function writeSeries(
  head: LiveHead,
  series: number,
  out: ByteWriter,
  cursor: LabelCursor,
  last: SampleColumns,
): void {
  const { table } = head;
  const labels = table.labels(series);
  out.u8(1);
  out.u64(table.ref[series]!);
  let count = 0;
  cursor.reset(labels);
  while (cursor.next()) count++;
  out.uvarint(count);
  cursor.reset(labels);
  while (cursor.next()) {
    out.uvarintBytes(labels.data.subarray(cursor.nameStart, cursor.nameEnd));
    out.uvarintBytes(labels.data.subarray(cursor.valueStart, cursor.valueEnd));
  }
  out.u64(0);
  const kind = table.kind[series]!;
  if (kind === ChunkKind.none) {
    out.uvarint(0);
    return;
  }
  const data = head.openBytes(series);
  out.uvarint(1);
  out.i64(table.openTime[series]!);
  out.i64(table.lastTime[series]!);
  out.u8(kind);
  out.uvarintBytes(data);
  if (holdsHistograms(kind)) {
    last.reset();
    decodeChunkInto(kind, data, 0, data.length, last);
    writeHistogram(out, last.histograms![last.count - 1]!);
    return;
  }
  // Room for four samples, of which only the last value means something.
  for (let i = 0; i < 7; i++) out.u64(0);
  out.u32(table.high[series]! >>> 0);
  out.u32(table.low[series]! >>> 0);
}

function writeExemplars(head: LiveHead, writer: LogWriter): void {
  let record = new ExemplarRecord();
  const flush = (): void => {
    if (record.count === 0) return;
    const data = record.view().slice();
    // The same as in the log but for the type.
    data[0] = 3;
    writer.append(data);
    record = new ExemplarRecord();
  };
  for (const { series, time, value, labels } of head.exemplars.of(
    () => true,
    -Infinity,
    Infinity,
  )) {
    record.push(head.table.ref[series]!, time, value, labels);
    if (record.count >= exemplarsAtOnce) flush();
  }
  flush();
}
