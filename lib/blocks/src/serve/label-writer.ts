// Label bytes of series: symbols of the block and its external labels, merged in order of names.
import {
  compareStrings,
  decodeText,
  encodeLabel,
  encodeLabelParts,
  type Labels,
} from "@deucalion/model";
import type { SeriesEntry } from "@deucalion/tsdb";
import type { Symbols } from "../index-header/symbols.ts";
import type { ByteArena } from "./byte-arena.ts";

/** Memoised labels are forgotten when they take more than this. */
const memoBytesMax = 16 << 20;

/** What is known of a label name of the block. */
interface NameInfo {
  /** External labels that sort before it. */
  readonly externalsBefore: number;
  /** Left out: removed on request, or an external label has the name. */
  readonly skip: boolean;
  /** By value symbol: where the encoded label begins in the memo. */
  readonly values: Map<number, number>;
}

/**
 * Writes the label bytes of one series after the other, without making strings. Encoded labels are remembered by the
 * symbols of their name and value, since most of them come again.
 */
export class LabelWriter {
  readonly #symbols: Symbols;
  readonly #externalNames: readonly string[];
  readonly #external: readonly Uint8Array[];
  readonly #without: ReadonlySet<string>;
  readonly #overridden: ReadonlySet<string>;
  readonly #names = new Map<number, NameInfo>();
  /** BE32 length, then the encoded label, for each. */
  #memo = new Uint8Array(64 << 10);
  #memoEnd = 0;

  /** External labels win over labels of the same name; names in `without` are left out of both. */
  constructor(symbols: Symbols, external: Labels, without: ReadonlySet<string>) {
    const kept = [...external].filter(([name]) => !without.has(name));
    this.#symbols = symbols;
    this.#externalNames = kept.map(([name]) => name);
    this.#external = kept.map(([name, value]) => encodeLabel(name, value));
    this.#without = without;
    this.#overridden = new Set(this.#externalNames);
  }

  /** Appends the labels of `entry` to `out`. */
  write(entry: SeriesEntry, out: ByteArena): void {
    const labels = entry.labels;
    const external = this.#external;
    let nextExternal = 0;
    for (let i = 0; i < 2 * entry.labelCount; i += 2) {
      const info = this.#names.get(labels[i]!) ?? this.#learnName(labels[i]!);
      while (nextExternal < info.externalsBefore) out.append(external[nextExternal++]!);
      if (info.skip) continue;
      const at = info.values.get(labels[i + 1]!) ?? this.#learn(labels[i]!, info, labels[i + 1]!);
      const memo = this.#memo;
      const length =
        (memo[at]! << 24) | (memo[at + 1]! << 16) | (memo[at + 2]! << 8) | memo[at + 3]!;
      out.copy(memo, at + 4, at + 4 + length);
    }
    while (nextExternal < external.length) out.append(external[nextExternal++]!);
  }

  #learnName(symbol: number): NameInfo {
    const bytes = this.#symbols.bytes(symbol);
    const name = decodeText(bytes, 0, bytes.length);
    const before = this.#externalNames.filter((other) => compareStrings(other, name) < 0).length;
    const skip = this.#without.has(name) || this.#overridden.has(name);
    const info = { externalsBefore: before, skip, values: new Map<number, number>() };
    this.#names.set(symbol, info);
    return info;
  }

  #learn(nameSymbol: number, info: NameInfo, valueSymbol: number): number {
    const encoded = encodeLabelParts(
      this.#symbols.bytes(nameSymbol),
      this.#symbols.bytes(valueSymbol),
    );
    if (this.#memoEnd + encoded.length > memoBytesMax) {
      for (const known of this.#names.values()) known.values.clear();
      this.#memoEnd = 0;
    }
    const at = this.#memoEnd;
    const end = at + 4 + encoded.length;
    if (end > this.#memo.length) {
      const grown = new Uint8Array(Math.max(end, this.#memo.length * 2));
      grown.set(this.#memo.subarray(0, at));
      this.#memo = grown;
    }
    new DataView(this.#memo.buffer).setUint32(at, encoded.length);
    this.#memo.set(encoded, at + 4);
    this.#memoEnd = end;
    info.values.set(valueSymbol, at);
    return at;
  }
}
