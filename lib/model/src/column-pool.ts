// Columns for those who read series one after the other: they lie where decoders are quickest, and are used again.
import { SampleMemory } from "@deucalion/kernels";
import { SampleColumns } from "./sample-columns.ts";

/** Columns at a time that lie in the memory; those of more readers are made anew. */
const columnsMax = 12;
/** A day at 1 s; memory is taken up as it is written to. */
const samplesEach = 86_400;

const free: SampleColumns[] = [];
let memory: SampleMemory | null = null;
let asked = 0;

/** Empty columns; to be given back, by `giveColumns`, when nobody looks at them or their arrays any more. */
export function takeColumns(): SampleColumns {
  const columns = free.pop();
  if (columns !== undefined) return columns;
  if (asked++ === 0) {
    try {
      memory = new SampleMemory(columnsMax, samplesEach);
    } catch {
      // No address space: columns of JavaScript do.
      memory = null;
    }
  }
  return new SampleColumns(undefined, memory);
}

/** Takes columns back, each once. */
export function giveColumns(columns: SampleColumns): void {
  if (columns.memory === null) return;
  columns.renew();
  free.push(columns);
}
