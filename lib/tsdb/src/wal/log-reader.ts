// Segments of a log: pages of 32 KiB that hold fragments of records.
//
// Fragment: type byte (low three bits: 0 rest of page is empty, 1 full, 2 first, 3 middle, 4 last; 0x08 snappy,
// 0x10 zstd), BE16 length, BE32 CRC-32C of the data, data. A record never crosses segments.

import { messageOf } from "@deucalion/base";
import { crc32c } from "@deucalion/kernels";
import { decompressSnappy, decompressZstd } from "./decompress.ts";

export const walPageBytes = 32 * 1024;
const headerBytes = 7;

/** A record as it lies in a segment. */
export interface LogRecord {
  /** Decompressed. Valid for as long as someone holds it; until the next is asked for, if memory was given. */
  readonly data: Uint8Array;
  /** Position in the segment behind the record. */
  readonly offset: number;
}

/** Something that could not be read; what is around it was. */
export interface LogDamage {
  readonly offset: number;
  readonly reason: string;
}

/**
 * Records of one segment, in order. What is damaged or torn is reported and costs only itself: a record whose checksum
 * is wrong is left out, and where lengths make no sense reading goes on with the next page. Records of the usual size
 * are decompressed to `memory`, one after the other, if that is given.
 */
export function* readLogSegment(
  data: Uint8Array,
  report: (damage: LogDamage) => void,
  memory?: Uint8Array,
): Iterable<LogRecord> {
  let parts: Uint8Array[] = [];
  let compression = 0;
  let expectMore = false;
  let at = 0;
  const drop = (offset: number, reason: string): void => {
    report({ offset, reason });
    parts = [];
    expectMore = false;
  };
  while (at < data.length) {
    const pageEnd = Math.min(data.length, (Math.floor(at / walPageBytes) + 1) * walPageBytes);
    const type = data[at]! & 7;
    if (type === 0) {
      if (data[at] !== 0 || !isZero(data, at, pageEnd)) {
        drop(at, "unexpected non-zero byte in padded page");
      }
      at = pageEnd;
      continue;
    }
    if (pageEnd - at < headerBytes) {
      drop(at, "fragment header is cut off");
      at = pageEnd;
      continue;
    }
    const length = (data[at + 1]! << 8) | data[at + 2]!;
    const start = at + headerBytes;
    const end = start + length;
    if (type > 4 || end > pageEnd) {
      drop(at, type > 4 ? `unexpected record type ${type}` : `invalid record size ${length}`);
      at = pageEnd;
      continue;
    }
    const want =
      ((data[at + 3]! << 24) | (data[at + 4]! << 16) | (data[at + 5]! << 8) | data[at + 6]!) >>> 0;
    const begins = type === 1 || type === 2;
    if (crc32c(data, start, end) !== want) {
      drop(at, "unexpected checksum");
      at = end;
      continue;
    }
    if (begins === expectMore) {
      if (begins) drop(at, "record before is torn");
      else drop(at, "record has no beginning");
    }
    at = end;
    if (begins) {
      compression = data[start - headerBytes]! & 0x18;
      parts = [];
      expectMore = true;
    } else if (!expectMore) {
      continue;
    }
    parts.push(data.subarray(start, end));
    if (type === 2 || type === 3) continue;
    expectMore = false;
    const record = parts.length === 1 ? parts[0]! : joined(parts);
    parts = [];
    try {
      yield { data: decompressed(record, compression, memory), offset: at };
    } catch (thrown) {
      report({ offset: start, reason: messageOf(thrown) });
    }
  }
  if (expectMore) report({ offset: data.length, reason: "last record is torn" });
}

function decompressed(data: Uint8Array, compression: number, memory?: Uint8Array): Uint8Array {
  if ((compression & 0x08) !== 0) return decompressSnappy(data, memory);
  return (compression & 0x10) !== 0 ? decompressZstd(data) : data;
}

function joined(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

function isZero(data: Uint8Array, from: number, to: number): boolean {
  for (let i = from; i < to; i++) if (data[i] !== 0) return false;
  return true;
}
