// XOR2 chunks: time and value under one prefix, stale markers in few bits, optional start timestamps.
//
// BE16 count, start-time header byte. Sample 0: varint t, float64; sample 1: uvarint Δt, value; then
//   0 → Δ² 0, same value   10 → Δ² 0 + value known to differ   110 → 13 bits of Δ² + value   1110 → 20 bits + value
//   11110 → 64 bits + value   11111 → Δ² 0, stale marker.   Values are differences to the last that was no stale marker.
import { BitReader, XorValueReader } from "@deucalion/kernels";
import type { SampleColumns } from "@deucalion/model";
import { TsdbError } from "../errors.ts";
import { StartTimeReader } from "./start-time.ts";

/** Appends the samples of an XOR2 chunk to `out`. On an error `out.count` is unchanged. */
export function decodeXor2Into(
  data: Uint8Array,
  offset: number,
  length: number,
  out: SampleColumns,
): void {
  if (length < 3) throw new TsdbError("TSDB_CHUNK_DATA", "XOR2 chunk is too short", { length });
  const count = (data[offset]! << 8) | data[offset + 1]!;
  if (count === 0) return;
  const from = new BitReader().reset(data, offset + 3, length - 3);
  if (count > from.left) {
    throw new TsdbError("TSDB_CHUNK_DATA", "XOR2 chunk names more samples than it has", { count });
  }
  const starts = new StartTimeReader(data[offset + 2]!);
  const value = new XorValueReader();
  out.reserve(count);
  const first = out.count;
  const times = out.times;
  const bits = out.valueBits;
  const startTimes = starts.none ? out.startTimes : out.withStartTimes();
  let time = 0;
  let delta = 0;
  for (let index = 0; index < count; index++) {
    const previous = time;
    let stale = false;
    if (index > 1) {
      const control = readControl(from);
      if (control >= 2 && control <= 4) {
        delta += readDeltaOfDelta(from, control);
        stale = readValue(from, value);
      } else if (control === 1) {
        if (from.bits(1) === 0) value.readSame(from);
        else value.readFresh(from);
      } else {
        stale = control === 5;
      }
      time += delta;
    } else if (index === 1) {
      delta = from.uvarint();
      time += delta;
      stale = readValue(from, value);
    } else {
      time = from.varint();
      value.first(from);
      stale = value.high === 0x7ff00000 && value.low === 2;
      if (stale) {
        value.high = 0;
        value.low = 0;
      }
    }
    starts.read(from, index, time, previous);
    const at = first + index;
    times[at] = time;
    bits[2 * at] = stale ? 2 : value.low;
    bits[2 * at + 1] = stale ? 0x7ff00000 : value.high;
    if (startTimes !== null) startTimes[at] = starts.start;
  }
  out.count = first + count;
  if (out.histograms !== null) {
    for (let i = first; i < out.count; i++) out.histograms[i] = undefined;
  }
}

/** Number of leading ones, five at most. */
function readControl(from: BitReader): number {
  const ones = Math.min(5, Math.clz32(~from.peek32()));
  from.bits(ones === 5 ? 5 : ones + 1);
  return ones;
}

function readDeltaOfDelta(from: BitReader, control: number): number {
  if (control === 4) return from.int64();
  const width = control === 2 ? 13 : 20;
  const value = from.bits(width);
  return value >= 1 << (width - 1) ? value - (1 << width) : value;
}

/** 0 same, 10 window as before, 110 new window, 111 stale marker. True for the last. */
function readValue(from: BitReader, value: XorValueReader): boolean {
  const ones = Math.min(3, Math.clz32(~from.peek32()));
  from.bits(ones === 3 ? 3 : ones + 1);
  if (ones === 1) value.readSame(from);
  else if (ones === 2) value.readFresh(from);
  return ones === 3;
}
