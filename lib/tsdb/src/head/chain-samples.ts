// Joins runs of samples of one series, each in order of time, to one: the rule by which Prometheus merges what blocks
// and the head hold of a series. One sample for each timestamp; after a change of runs nothing is known of counter resets.
import type { SampleColumns } from "@deucalion/model";

/** One run and how far it has been read. */
interface Cursor {
  readonly samples: SampleColumns;
  at: number;
}

function timeOf(cursor: Cursor): number {
  return cursor.samples.times[cursor.at]!;
}

/** Merges runs into `out`. Where two hold a timestamp, the one that is being read goes first. */
export function chainSamplesInto(runs: readonly SampleColumns[], out: SampleColumns): void {
  const heap: Cursor[] = [];
  const [first, ...rest] = runs;
  if (first === undefined) return;
  let current: Cursor = { samples: first, at: -1 };
  for (const samples of rest) if (samples.count > 0) push(heap, { samples, at: 0 });
  let last = Number.NEGATIVE_INFINITY;
  let changed = true;
  for (;;) {
    current.at++;
    let found = false;
    if (current.at < current.samples.count) {
      const time = timeOf(current);
      if (time === last) continue;
      if (heap.length === 0 || time < timeOf(heap[0]!)) found = true;
      else push(heap, current);
    } else if (heap.length === 0) {
      return;
    }
    if (!found) {
      current = pop(heap)!;
      changed = true;
      // A timestamp that has been given already: go on within this run.
      if (timeOf(current) === last) continue;
    }
    last = timeOf(current);
    give(current, changed, out);
    changed = false;
  }
}

function give(cursor: Cursor, changed: boolean, out: SampleColumns): void {
  out.pushFrom(cursor.samples, cursor.at);
  const histogram = cursor.samples.histograms?.[cursor.at];
  if (!changed || histogram === undefined || histogram.counterResetHint === "gauge") return;
  if (histogram.counterResetHint === "unknown") return;
  out.histograms![out.count - 1] = { ...histogram, counterResetHint: "unknown" };
}

/** A binary heap by time; which of equals comes first follows from its shape, as it does in Go's. */
function push(heap: Cursor[], cursor: Cursor): void {
  heap.push(cursor);
  for (let at = heap.length - 1; at > 0; ) {
    const parent = (at - 1) >> 1;
    if (timeOf(heap[at]!) >= timeOf(heap[parent]!)) return;
    swap(heap, at, parent);
    at = parent;
  }
}

function pop(heap: Cursor[]): Cursor | undefined {
  const end = heap.length - 1;
  if (end < 0) return undefined;
  swap(heap, 0, end);
  for (let at = 0; ; ) {
    let child = 2 * at + 1;
    if (child >= end) break;
    if (child + 1 < end && timeOf(heap[child + 1]!) < timeOf(heap[child]!)) child++;
    if (timeOf(heap[child]!) >= timeOf(heap[at]!)) break;
    swap(heap, at, child);
    at = child;
  }
  return heap.pop();
}

function swap(heap: Cursor[], a: number, b: number): void {
  const cursor = heap[a]!;
  heap[a] = heap[b]!;
  heap[b] = cursor;
}
