// JSON of a label set out of its bytes, without strings between.
import { decodeLabels, type LabelBytes, LabelCursor } from "@deucalion/model";
import type { JsonWriter } from "../../http/answers/json-writer.ts";
import { writeLabels } from "./result-json.ts";

const quote = 0x22;

/** Copies plain ASCII and returns where it ends in `to`; -1 if it holds what JSON escapes, or is not ASCII. */
function copyPlain(
  from: Uint8Array,
  start: number,
  end: number,
  to: Uint8Array,
  at: number,
): number {
  let next = at;
  for (let i = start; i < end; i++) {
    const byte = from[i]!;
    if (byte < 0x20 || byte > 0x7e || byte === quote || byte === 0x5c) return -1;
    to[next++] = byte;
  }
  return next;
}

/** Writes plain labels into `out`, which has room for them; returns where they end, -1 if some label is not plain. */
function writePlain(labels: LabelBytes, cursor: LabelCursor, out: Uint8Array, at: number): number {
  const { data } = labels;
  let next = at;
  cursor.reset(labels);
  out[next++] = 0x7b;
  let count = 0;
  while (cursor.next()) {
    if (cursor.valueEnd === cursor.valueStart) continue;
    // A name that is left out takes less room than its quotes.
    if (cursor.nameEnd === cursor.nameStart) return -1;
    if (count++ > 0) out[next++] = 0x2c;
    out[next++] = quote;
    next = copyPlain(data, cursor.nameStart, cursor.nameEnd, out, next);
    if (next < 0) return -1;
    out[next++] = quote;
    out[next++] = 0x3a;
    out[next++] = quote;
    next = copyPlain(data, cursor.valueStart, cursor.valueEnd, out, next);
    if (next < 0) return -1;
    out[next++] = quote;
  }
  out[next++] = 0x7d;
  return next;
}

/** Writes `{"name":"value",…}`. Labels with an empty value are left out. Throws MODEL_LABELS on malformed bytes. */
export function writeLabelBytes(out: JsonWriter, labels: LabelBytes): void {
  // A label takes six bytes beside its texts, and as many in JSON.
  const slab = out.room(labels.end - labels.start + 2);
  const end = writePlain(labels, new LabelCursor(), slab, out.length);
  if (end < 0) writeLabels(out, decodeLabels(labels));
  else out.wrote(end);
}
