// AssemblyScript: downsampling of floats. Chunks in the module's memory are decoded, aggregated by windows of time and encoded
// as one downsampled chunk with its frame. Built by tools/assembly.mjs; the twins in TypeScript are in the package blocks,
// src/downsample.
import { crc32c } from "./bytes";
import { decodeXor, encodeXor } from "./xor";

const xorEncoding: u8 = 1;
const aggregatedEncoding: u8 = 255;
const staleMarker: u64 = 0x7ff0000000000002;

// The scratch begins with numbers that a call answers with, then come rows of `stride` numbers each.
const headerBytes: u32 = 64;
const timesRow: u32 = 0;
const countRow: u32 = 1;
const counterRow: u32 = 5;

/** Bytes of an encoded chunk at most, beside its samples and for each, and of all else that makes a frame. */
const chunkBytes: u32 = 40;
const sampleBytes: u32 = 20;
const frameBytes: u32 = 64;

function rowOf(scratch: u32, stride: u32, row: u32): u32 {
  return scratch + headerBytes + row * stride * 8;
}

/** Removes stale markers and samples that go back in time, in place. Returns how many are left. */
function keepLive(times: u32, values: u32, count: u32): u32 {
  let last: f64 = -Infinity;
  let to: u32 = 0;
  for (let i: u32 = 0; i < count; i++) {
    const time = load<f64>(times + 8 * i);
    const value = load<u64>(values + 8 * i);
    if (time < last || value === staleMarker) continue;
    last = time;
    if (to !== i) {
      store<f64>(times + 8 * to, time);
      store<u64>(values + 8 * to, value);
    }
    to++;
  }
  return to;
}

/** The last millisecond of a window of `resolution` ms. */
function windowEnd(time: f64, resolution: i64): f64 {
  return time - <f64>(<i64>time % resolution) + <f64>(resolution - 1);
}

/** Puts the length and the encoding of the chunk of `length` bytes at `at + 6` before it. Returns the end. */
function closePart(at: u32, length: u32): u32 {
  let to = at;
  for (let rest = length; ; rest >>>= 7) {
    store<u8>(to++, <u8>(rest < 128 ? rest : (rest & 127) | 128));
    if (rest < 128) break;
  }
  store<u8>(to++, xorEncoding);
  memory.copy(to, at + 6, length);
  return to + length;
}

/** Completes the frame of the aggregates in `[body, end)`, with 16 bytes free before them, and answers. */
function closeFrame(
  scratch: u32,
  body: u32,
  end: u32,
  samples: f64,
  minTime: f64,
  maxTime: f64,
): void {
  const length = end - body;
  let bytes: u32 = 1;
  for (let rest = length; rest >= 128; rest >>>= 7) bytes++;
  const start = body - 1 - bytes;
  let at = start;
  for (let rest = length; ; rest >>>= 7) {
    store<u8>(at++, <u8>(rest < 128 ? rest : (rest & 127) | 128));
    if (rest < 128) break;
  }
  store<u8>(at, aggregatedEncoding);
  store<u32>(end, bswap<u32>(crc32c(at, length + 1)));
  store<f64>(scratch, samples);
  store<f64>(scratch, minTime, 8);
  store<f64>(scratch, maxTime, 16);
  store<f64>(scratch, <f64>start, 24);
  store<f64>(scratch, <f64>body, 32);
  store<f64>(scratch, <f64>(end + 4), 40);
}

/**
 * Decodes the XOR chunks of `table` (place and length, 32 bits each) one after the other, without stale markers and without
 * steps back in time within a chunk. Returns the number of samples, or -1 where JavaScript should do it.
 */
export function decodeRaw(table: u32, chunks: u32, times: u32, values: u32, room: u32): i32 {
  let total: u32 = 0;
  for (let i: u32 = 0; i < chunks; i++) {
    const at = load<u32>(table + 8 * i);
    const length = load<u32>(table + 8 * i, 4);
    const toTimes = times + 8 * total;
    const toValues = values + 8 * total;
    const got = decodeXor(at, length, toTimes, toValues, room - total);
    if (got < 0) return -1;
    total += keepLive(toTimes, toValues, got);
  }
  return total;
}

/**
 * Aggregates raw samples, those that are not numbers left out, to one chunk at `out`. Returns 1, 0 where nothing is left, or
 * -1 where JavaScript should do it.
 */
export function rawChunk(
  times: u32,
  values: u32,
  count: u32,
  resolution: f64,
  scratch: u32,
  stride: u32,
  out: u32,
  room: u32,
): i32 {
  let first: u32 = 0;
  while (first < count && isNaN(load<f64>(values + 8 * first))) first++;
  if (first === count) return 0;
  let last = count - 1;
  while (isNaN(load<f64>(values + 8 * last))) last--;

  const step = <i64>resolution;
  const lastTime = load<f64>(times + 8 * last);
  // The counter has one time more at both ends.
  const outTimes = rowOf(scratch, stride, timesRow);
  const rowBytes = 8 * stride;
  let at = rowOf(scratch, stride, countRow);
  let windows: u32 = 0;
  let end: f64 = -Infinity;
  let counter = load<f64>(values + 8 * first);
  let previous = counter;
  let inWindow: f64 = 0;
  let sum: f64 = 0;
  let min = f64.MAX_VALUE;
  let max = -f64.MAX_VALUE;
  store<f64>(outTimes, load<f64>(times + 8 * first));
  store<f64>(rowOf(scratch, stride, counterRow), counter);
  for (let i = first; i <= last; i++) {
    const value = load<f64>(values + 8 * i);
    if (isNaN(value)) continue;
    const time = load<f64>(times + 8 * i);
    if (time > end) {
      if (windows > 0) {
        store<f64>(outTimes + 8 * windows, end);
        store<f64>(at, inWindow);
        store<f64>(at + rowBytes, sum);
        store<f64>(at + 2 * rowBytes, min);
        store<f64>(at + 3 * rowBytes, max);
        store<f64>(at + 4 * rowBytes, counter, 8);
        at += 8;
      }
      windows++;
      if (windows + 2 > stride) return -1;
      end = windowEnd(time, step);
      if (lastTime < end) end = lastTime;
      inWindow = 0;
      sum = 0;
      min = f64.MAX_VALUE;
      max = -f64.MAX_VALUE;
    }
    if (i > first) counter += value < previous ? value : value - previous;
    previous = value;
    sum += value;
    inWindow += 1;
    min = value < min ? value : min;
    max = value > max ? value : max;
  }
  store<f64>(outTimes + 8 * windows, end);
  store<f64>(at, inWindow);
  store<f64>(at + rowBytes, sum);
  store<f64>(at + 2 * rowBytes, min);
  store<f64>(at + 3 * rowBytes, max);
  store<f64>(at + 4 * rowBytes, counter, 8);
  store<f64>(outTimes + 8 * windows, end, 8);
  store<f64>(at + 4 * rowBytes, previous, 16);

  if (frameBytes + 5 * (chunkBytes + sampleBytes * (windows + 2)) > room) return -1;
  const body = out + 16;
  let to = body;
  for (let row = countRow; row < counterRow; row++) {
    const length = encodeXor(outTimes + 8, rowOf(scratch, stride, row), windows, to + 6);
    if (length < 0) return -1;
    to = closePart(to, length);
  }
  const length = encodeXor(outTimes, rowOf(scratch, stride, counterRow), windows + 2, to + 6);
  if (length < 0) return -1;
  to = closePart(to, length);
  closeFrame(scratch, body, to, windows, load<f64>(outTimes, 8), end);
  return 1;
}

/** Where the search of `findPart` ended, and what it found. */
let partAt: u32 = 0;
let partLength: u32 = 0;

/** Finds aggregate `wanted` of the downsampled chunk at `from`; false where the chunk is not as it should be. */
function findPart(from: u32, length: u32, wanted: u32): bool {
  const end = from + length;
  let at = from;
  for (let i: u32 = 0; i <= wanted; i++) {
    let size: u32 = 0;
    for (let shift: u32 = 0; ; shift += 7) {
      if (at >= end || shift > 21) return false;
      const byte: u32 = load<u8>(at++);
      size |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    if (size !== 0 && size + 1 > end - at) return false;
    if (i === wanted) {
      partLength = size;
      if (size === 0) return true;
      partAt = at + 1;
      return load<u8>(at) === xorEncoding;
    }
    if (size !== 0) at += size + 1;
  }
  return false;
}

/** Samples of one aggregate over several chunks; -1 where JavaScript should do it. */
function expand(
  table: u32,
  chunks: u32,
  aggregate: u32,
  times: u32,
  values: u32,
  room: u32,
): i32 {
  let total: u32 = 0;
  for (let i: u32 = 0; i < chunks; i++) {
    if (!findPart(load<u32>(table + 8 * i), load<u32>(table + 8 * i, 4), aggregate)) return -1;
    if (partLength === 0) continue;
    const toTimes = times + 8 * total;
    const toValues = values + 8 * total;
    const got = decodeXor(partAt, partLength, toTimes, toValues, room - total);
    if (got < 0) return -1;
    total += keepLive(toTimes, toValues, got);
  }
  return total;
}

/** The last true value of the counter that `expandCounter` went over. */
let lastValue: f64 = 0;

/** Totals of the counter over chunks, resets taken out; -1 where JavaScript should do it. */
function expandCounter(table: u32, chunks: u32, times: u32, values: u32, room: u32): i32 {
  let count: u32 = 0;
  let total: f64 = 0;
  let lastTime: f64 = 0;
  let last: f64 = 0;
  for (let i: u32 = 0; i < chunks; i++) {
    if (!findPart(load<u32>(table + 8 * i), load<u32>(table + 8 * i, 4), 4)) return -1;
    if (partLength === 0) continue;
    const begin = count;
    const got = decodeXor(
      partAt,
      partLength,
      times + 8 * begin,
      values + 8 * begin,
      room - begin,
    );
    if (got < 0) return -1;
    for (let from = begin, end = begin + <u32>got; from < end; from++) {
      const time = load<f64>(times + 8 * from);
      const value = load<f64>(values + 8 * from);
      if (isNaN(value)) continue;
      if (count === 0) total = value;
      else if (time > lastTime) total += value >= last ? value - last : value;
      else {
        // A second sample at one time tells the true last value of the chunk.
        if (time === lastTime) last = value;
        continue;
      }
      lastTime = time;
      last = value;
      store<f64>(times + 8 * count, time);
      store<f64>(values + 8 * count, total);
      count++;
    }
  }
  lastValue = last;
  return count;
}

/** Folds samples by windows: their sum (0), lowest (1), highest (2) or counter (3). Returns the windows, -1 for too many. */
function fold(
  kind: u32,
  times: u32,
  values: u32,
  count: u32,
  step: i64,
  outTimes: u32,
  out: u32,
  stride: u32,
): i32 {
  const lastTime = load<f64>(times + 8 * (count - 1));
  const initial: f64 = kind === 1 ? f64.MAX_VALUE : kind === 2 ? -f64.MAX_VALUE : 0;
  let windows: u32 = 0;
  let end: f64 = -Infinity;
  let result = kind === 3 ? load<f64>(values) : initial;
  let previous = result;
  for (let i: u32 = 0; i < count; i++) {
    const time = load<f64>(times + 8 * i);
    const value = load<f64>(values + 8 * i);
    if (time > end) {
      if (windows > 0) {
        store<f64>(outTimes + 8 * (windows - 1), end);
        store<f64>(out + 8 * (windows - 1), result);
      }
      windows++;
      if (windows + 2 > stride) return -1;
      end = windowEnd(time, step);
      if (lastTime < end) end = lastTime;
      if (kind !== 3) result = initial;
    }
    if (kind === 0) result += value;
    else if (kind === 1) result = value < result ? value : result;
    else if (kind === 2) result = value > result ? value : result;
    else {
      if (i > 0) result += value < previous ? value : value - previous;
      previous = value;
    }
  }
  store<f64>(outTimes + 8 * (windows - 1), end);
  store<f64>(out + 8 * (windows - 1), result);
  return windows;
}

/**
 * Aggregates the downsampled chunks of `table` to one coarser chunk at `out`; `times` and `values` have room for `samples`.
 * Returns 1, 0 where nothing is left, or -1 where JavaScript should do it.
 */
export function coarserChunk(
  table: u32,
  chunks: u32,
  resolution: f64,
  times: u32,
  values: u32,
  samples: u32,
  scratch: u32,
  stride: u32,
  out: u32,
  room: u32,
): i32 {
  const step = <i64>resolution;
  const outTimes = rowOf(scratch, stride, timesRow);
  const row = rowOf(scratch, stride, countRow);
  const body = out + 16;
  let to = body;
  let minTime: f64 = Infinity;
  let maxTime: f64 = -Infinity;
  let inFirst: f64 = 0;
  let found = false;
  for (let aggregate: u32 = 0; aggregate < 5; aggregate++) {
    const isCounter = aggregate === 4;
    const count = isCounter
      ? expandCounter(table, chunks, times, values, samples)
      : expand(table, chunks, aggregate, times, values, samples);
    if (count < 0) return -1;
    if (count === 0) {
      if (to + frameBytes > out + room) return -1;
      store<u8>(to++, 0);
      continue;
    }
    const kind: u32 = aggregate < 2 ? 0 : aggregate - 1;
    const windows = fold(kind, times, values, count, step, outTimes + 8, row + 8, stride);
    if (windows < 0) return -1;
    if (to + frameBytes + chunkBytes + sampleBytes * (windows + 2) > out + room) return -1;
    const firstEnd = load<f64>(outTimes, 8);
    const lastEnd = load<f64>(outTimes + 8 * windows);
    if (firstEnd < minTime) minTime = firstEnd;
    if (lastEnd > maxTime) maxTime = lastEnd;
    if (aggregate === 0) inFirst = windows;
    let length: i32;
    if (isCounter) {
      store<f64>(outTimes, load<f64>(times));
      store<f64>(row, load<f64>(values));
      store<f64>(outTimes + 8 * windows, lastEnd, 8);
      store<f64>(row + 8 * windows, lastValue, 8);
      length = encodeXor(outTimes, row, windows + 2, to + 6);
    } else length = encodeXor(outTimes + 8, row + 8, windows, to + 6);
    if (length < 0) return -1;
    to = closePart(to, length);
    found = true;
  }
  if (!found) return 0;
  closeFrame(scratch, body, to, inFirst, minTime, maxTime);
  return 1;
}
