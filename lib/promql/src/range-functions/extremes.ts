// max_over_time, min_over_time and their times, over floats: a queue of candidates, O(samples) for all steps.
import type { FloatKernel } from "./windows.ts";

export interface ExtremeKind {
  readonly largest: boolean;
  /** The result is the time of the extreme (the last of equals) in seconds. */
  readonly time: boolean;
}

let queue = new Int32Array(1024);

/** NaN loses against any number, so a window shows it only when it holds nothing else. */
export function extremeKernel(kind: ExtremeKind): FloatKernel {
  return kind.time ? timeKernel(kind.largest) : kind.largest ? maxKernel : minKernel;
}

const maxKernel: FloatKernel = (windows, from, to, out) => {
  const { floats, values } = windows;
  const { lo, hi } = floats;
  if (queue.length < floats.count) queue = new Int32Array(floats.count * 2);
  const candidates = queue;
  let head = 0;
  let tail = 0;
  /** Value of the first candidate. */
  let best = Number.NEGATIVE_INFINITY;
  let next = from < to ? lo[from]! : 0;
  for (let i = from; i < to; i++) {
    const low = lo[i]!;
    const high = hi[i]!;
    if (low === high) continue;
    if (next < low) next = low;
    for (; next < high; next++) {
      const value = values[next]!;
      if (value > best) {
        // Beyond all that wait: nothing of them will be asked for.
        best = value;
        head = tail = 0;
      } else if (Number.isNaN(value)) continue;
      else while (tail > head && values[candidates[tail - 1]!]! < value) tail--;
      candidates[tail++] = next;
    }
    if (head < tail && candidates[head]! < low) {
      do head++;
      while (head < tail && candidates[head]! < low);
      best = head < tail ? values[candidates[head]!]! : Number.NEGATIVE_INFINITY;
    }
    out.values[i] = head < tail ? best : Number.NaN;
    out.present[i] = 1;
    if (head === tail) head = tail = 0;
  }
};

const minKernel: FloatKernel = (windows, from, to, out) => {
  const { floats, values } = windows;
  const { lo, hi } = floats;
  if (queue.length < floats.count) queue = new Int32Array(floats.count * 2);
  const candidates = queue;
  let head = 0;
  let tail = 0;
  /** Value of the first candidate. */
  let best = Number.POSITIVE_INFINITY;
  let next = from < to ? lo[from]! : 0;
  for (let i = from; i < to; i++) {
    const low = lo[i]!;
    const high = hi[i]!;
    if (low === high) continue;
    if (next < low) next = low;
    for (; next < high; next++) {
      const value = values[next]!;
      if (value < best) {
        // Beyond all that wait: nothing of them will be asked for.
        best = value;
        head = tail = 0;
      } else if (Number.isNaN(value)) continue;
      else while (tail > head && values[candidates[tail - 1]!]! > value) tail--;
      candidates[tail++] = next;
    }
    if (head < tail && candidates[head]! < low) {
      do head++;
      while (head < tail && candidates[head]! < low);
      best = head < tail ? values[candidates[head]!]! : Number.POSITIVE_INFINITY;
    }
    out.values[i] = head < tail ? best : Number.NaN;
    out.present[i] = 1;
    if (head === tail) head = tail = 0;
  }
};

/** The last of equal extremes counts; of NaNs alone the last. */
function timeKernel(largest: boolean): FloatKernel {
  return (windows, from, to, out) => {
    const { floats, values } = windows;
    const { lo, hi, times } = floats;
    for (let i = from; i < to; i++) {
      const low = lo[i]!;
      const high = hi[i]!;
      if (low === high) continue;
      let best = low;
      for (let j = low; j < high; j++) {
        const value = values[j]!;
        const known = values[best]!;
        if (Number.isNaN(known) || (largest ? value >= known : value <= known)) best = j;
      }
      out.values[i] = times[best]! / 1000;
      out.present[i] = 1;
    }
  };
}
