// What a new series may be called: labels in order, none empty, none twice.
import { uvarintLength } from "@deucalion/base";
import {
  compareBytes,
  decodeLabels,
  encodeLabels,
  type LabelBytes,
  LabelCursor,
} from "@deucalion/model";
import type { Fault } from "./write-report.ts";

/** Checks the labels of a new series and gives their canonical bytes, or says what is wrong. Throws MODEL_LABELS. */
export function checkLabels(labels: LabelBytes): LabelBytes | Fault {
  const { data } = labels;
  if (isPlain(data, labels.start, labels.end)) return labels;
  const cursor = new LabelCursor().reset(labels);
  let nameStart = -1;
  let nameEnd = -1;
  // Bytes that the shortest encoding takes; names stand before values in it.
  let shortest = 0;
  let inOrder = true;
  while (cursor.next()) {
    const nameLength = cursor.nameEnd - cursor.nameStart;
    const valueLength = cursor.valueEnd - cursor.valueStart;
    if (nameLength === 0 || valueLength === 0) return "labelsEmpty";
    if (nameStart >= 0) {
      const order = compareBytes(data, nameStart, nameEnd, data, cursor.nameStart, cursor.nameEnd);
      if (order === 0) return "labelsDuplicate";
      if (order > 0) return "labelsOutOfOrder";
    }
    nameStart = cursor.nameStart;
    nameEnd = cursor.nameEnd;
    if (cursor.valueStart < nameStart) inOrder = false;
    const inner =
      2 + uvarintLength(nameLength) + nameLength + uvarintLength(valueLength) + valueLength;
    shortest += 1 + uvarintLength(inner) + inner;
  }
  if (nameStart < 0) return "labelsEmpty";
  if (inOrder && shortest === labels.end - labels.start) return labels;
  return encodeLabels(decodeLabels(labels));
}

/** True for labels as nearly all are: sound, encoded in the shortest way, and none longer than lengths of one byte say. */
function isPlain(data: Uint8Array, start: number, end: number): boolean {
  let nameStart = 0;
  let nameEnd = 0;
  for (let at = start; at < end; ) {
    const stop = at + 2 + data[at + 1]!;
    // Behind tag, length, tag and length.
    const from = at + 4;
    const to = from + data[at + 3]!;
    const value = data[to + 1]!;
    if (data[at] !== 0x0a || data[at + 2] !== 0x0a || data[to] !== 0x12) return false;
    if (stop > end || stop - at > 129 || to === from || value === 0 || to + 2 + value !== stop) {
      return false;
    }
    if (at > start && compareBytes(data, nameStart, nameEnd, data, from, to) >= 0) return false;
    nameStart = from;
    nameEnd = to;
    at = stop;
  }
  return end > start;
}
