// Labels of a series entry as label bytes, copied from the symbol table without becoming strings.
import type { ByteWriter } from "@deucalion/base";
import { Labels } from "@deucalion/model";
import type { SeriesEntry } from "./series-entry.ts";
import type { Symbols } from "./symbols.ts";

function uvarintLength(value: number): number {
  return value < 0x80 ? 1 : value < 0x4000 ? 2 : value < 0x200000 ? 3 : value < 0x10000000 ? 4 : 5;
}

/** Appends the label bytes of `entry` to `out`; the label at place i takes what `appendLabel` of the model would write. */
export function appendSeriesLabels(out: ByteWriter, entry: SeriesEntry, symbols: Symbols): void {
  const labels = entry.labels;
  const data = symbols.data;
  for (let i = 0; i < 2 * entry.labelCount; i += 2) {
    const name = symbols.ordinal(labels[i]!);
    const value = symbols.ordinal(labels[i + 1]!);
    appendLabel(
      out,
      data,
      symbols.start(name),
      symbols.end(name),
      symbols.start(value),
      symbols.end(value),
    );
  }
}

/** Appends one label given as two ranges of `data`. */
export function appendLabel(
  out: ByteWriter,
  data: Uint8Array,
  nameStart: number,
  nameEnd: number,
  valueStart: number,
  valueEnd: number,
): void {
  const nameLength = nameEnd - nameStart;
  const valueLength = valueEnd - valueStart;
  out.u8(0x0a);
  out.uvarint(
    2 + uvarintLength(nameLength) + nameLength + uvarintLength(valueLength) + valueLength,
  );
  out.u8(0x0a);
  out.uvarint(nameLength);
  copyRange(out, data, nameStart, nameEnd);
  out.u8(0x12);
  out.uvarint(valueLength);
  copyRange(out, data, valueStart, valueEnd);
}

function copyRange(out: ByteWriter, data: Uint8Array, start: number, end: number): void {
  const at = out.reserve(end - start);
  const to = out.data;
  if (end - start > 32) to.set(data.subarray(start, end), at);
  else for (let i = start, j = at; i < end; i++, j++) to[j] = data[i]!;
}

/** Labels of `entry` as strings. */
export function seriesLabels(entry: SeriesEntry, symbols: Symbols): Labels {
  const pairs: string[] = [];
  for (let i = 0; i < 2 * entry.labelCount; i++) {
    pairs.push(symbols.text(symbols.ordinal(entry.labels[i]!)));
  }
  return new Labels(pairs);
}
