// Label bytes out of the label sets that Prometheus' series API answers with.
import {
  compareLabelBytes,
  compareStrings,
  encodeLabel,
  type LabelBytes,
  type Labels,
} from "@deucalion/model";
import { uvarintBytes } from "@deucalion/rpc";

/** Label sets share memory in pieces of at least this. */
const pieceBytes = 65_536;

/** Label sets in the order of labels, with `external` set over their own. Labels with an empty value are left out. */
export function encodeSeries(found: readonly unknown[], external: Labels): LabelBytes[] {
  const writer = new LabelSetWriter();
  const names: string[] = [];
  const values: string[] = [];
  const sets = found.map((labels) => {
    names.length = values.length = 0;
    withExternal(labels as Readonly<Record<string, unknown>>, external, names, values);
    return writer.write(names, values);
  });
  return sets.sort(compareLabelBytes);
}

/** Lists names in order, and their values. */
function withExternal(
  labels: Readonly<Record<string, unknown>>,
  external: Labels,
  names: string[],
  values: string[],
): void {
  const own = Object.keys(labels);
  for (let i = 1; i < own.length; i++) {
    if (compareStrings(own[i - 1]!, own[i]!) < 0) continue;
    own.sort(compareStrings);
    break;
  }
  const { pairs } = external;
  let next = 0;
  for (const name of own) {
    let order = 1;
    while (next < pairs.length) {
      order = compareStrings(name, pairs[next]!);
      if (order < 0) break;
      names.push(pairs[next]!);
      values.push(pairs[next + 1]!);
      next += 2;
      if (order === 0) break;
    }
    if (order === 0) continue;
    const value = String(labels[name]);
    if (value === "") continue;
    names.push(name);
    values.push(value);
  }
  for (; next < pairs.length; next += 2) {
    names.push(pairs[next]!);
    values.push(pairs[next + 1]!);
  }
}

/** Writes label sets one behind the other. */
class LabelSetWriter {
  #data = new Uint8Array(0);
  #at = 0;

  write(names: readonly string[], values: readonly string[]): LabelBytes {
    let most = 0;
    for (let i = 0; i < names.length; i++) most += 3 * (names[i]!.length + values[i]!.length) + 18;
    if (this.#at + most > this.#data.length) {
      this.#data = new Uint8Array(Math.max(pieceBytes, most));
      this.#at = 0;
    }
    const start = this.#at;
    for (let i = 0; i < names.length; i++) this.#label(names[i]!, values[i]!);
    return { data: this.#data, start, end: this.#at };
  }

  #label(name: string, value: string): void {
    const data = this.#data;
    const nameBytes = 1 + uvarintBytes(name.length) + name.length;
    const valueBytes = 1 + uvarintBytes(value.length) + value.length;
    let at = this.#at;
    data[at++] = 0x0a;
    at = putUvarint(data, at, nameBytes + valueBytes);
    at = putText(data, at, 0x0a, name);
    if (at >= 0) at = putText(data, at, 0x12, value);
    if (at < 0) {
      const label = encodeLabel(name, value);
      data.set(label, this.#at);
      at = this.#at + label.length;
    }
    this.#at = at;
  }
}

/** Writes a text of ASCII as a field; -1 if it is another. */
function putText(data: Uint8Array, start: number, tag: number, text: string): number {
  const { length } = text;
  data[start] = tag;
  let at = putUvarint(data, start + 1, length);
  for (let i = 0; i < length; i++) {
    const code = text.charCodeAt(i);
    if (code > 0x7f) return -1;
    data[at++] = code;
  }
  return at;
}

function putUvarint(data: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value;
  for (; rest >= 128; rest >>>= 7) data[at++] = (rest & 0x7f) | 0x80;
  data[at++] = rest;
  return at;
}
