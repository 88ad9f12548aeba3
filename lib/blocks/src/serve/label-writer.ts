// Label bytes of series: symbols of the block and its external labels, merged in order of names.
import { compareStrings, encodeLabel, type Labels } from "@deucalion/model";
import type { SeriesEntry } from "@deucalion/tsdb";
import type { ByteArena } from "./byte-arena.ts";
import type { LabelMemo, MemoName } from "./label-memo.ts";

/** What is known of a label name of the block. */
interface NameInfo {
  readonly name: MemoName;
  /** External labels that sort before it. */
  readonly externalsBefore: number;
  /** Left out: removed on request, or an external label has the name. */
  readonly skip: boolean;
}

/**
 * Writes the label bytes of one series after the other, without making strings. Encoded labels are remembered by the
 * symbols of their name and value, since most of them come again.
 */
export class LabelWriter {
  readonly #memo: LabelMemo;
  readonly #externalNames: readonly string[];
  readonly #external: readonly Uint8Array[];
  readonly #without: ReadonlySet<string>;
  readonly #overridden: ReadonlySet<string>;
  readonly #names = new Map<number, NameInfo>();
  /** The entry before: its symbols, where its labels begin in `#lastOut`, and for each of its labels where it ends. */
  #lastOut: ByteArena | undefined;
  #lastStart = 0;
  #lastCount = 0;
  #lastLabels = new Uint32Array(64);
  #lastEnds = new Uint32Array(64);
  /** External labels written before the end of each label. */
  #lastExternals = new Uint32Array(64);

  /** External labels win over labels of the same name; names in `without` are left out of both. */
  constructor(memo: LabelMemo, external: Labels, without: ReadonlySet<string>) {
    const kept = [...external].filter(([name]) => !without.has(name));
    this.#memo = memo;
    this.#externalNames = kept.map(([name]) => name);
    this.#external = kept.map(([name, value]) => encodeLabel(name, value));
    this.#without = without;
    this.#overridden = new Set(this.#externalNames);
  }

  /**
   * Appends the labels of `entry` to `out`. What it shares with the entry before, in front, is copied as a whole: in a
   * sorted list that is most of it. Returns false if the entry surely does not begin with all labels of the one before.
   */
  write(entry: SeriesEntry, out: ByteArena): boolean {
    const labels = entry.labels;
    const count = 2 * entry.labelCount;
    const external = this.#external;
    const start = out.length;
    let i = 0;
    let extendsLast = true;
    if (out === this.#lastOut) {
      const last = this.#lastLabels;
      const limit = Math.min(count, this.#lastCount);
      while (i < limit && labels[i] === last[i] && labels[i + 1] === last[i + 1]) i += 2;
      extendsLast = i === this.#lastCount;
    }
    if (count > this.#lastLabels.length) {
      this.#lastLabels = new Uint32Array(2 * count);
      this.#lastEnds = new Uint32Array(2 * count);
      this.#lastExternals = new Uint32Array(2 * count);
      i = 0;
    }
    const ends = this.#lastEnds;
    const externals = this.#lastExternals;
    let nextExternal = 0;
    if (i > 0) {
      nextExternal = externals[i - 2]!;
      out.copy(out.data, this.#lastStart, this.#lastStart + ends[i - 2]!);
    }
    for (; i < count; i += 2) {
      const name = labels[i]!;
      const value = labels[i + 1]!;
      const info = this.#names.get(name) ?? this.#learnName(name);
      while (nextExternal < info.externalsBefore) out.append(external[nextExternal++]!);
      if (!info.skip) {
        const at = info.name.values.get(value) ?? this.#memo.learn(info.name, value);
        const memo = this.#memo.data;
        const length =
          (memo[at]! << 24) | (memo[at + 1]! << 16) | (memo[at + 2]! << 8) | memo[at + 3]!;
        out.copy(memo, at + 4, at + 4 + length);
      }
      this.#lastLabels[i] = name;
      this.#lastLabels[i + 1] = value;
      ends[i] = out.length - start;
      externals[i] = nextExternal;
    }
    while (nextExternal < external.length) out.append(external[nextExternal++]!);
    this.#lastOut = out;
    this.#lastStart = start;
    this.#lastCount = count;
    return extendsLast;
  }

  #learnName(symbol: number): NameInfo {
    const name = this.#memo.name(symbol);
    const isBefore = (other: string): boolean => compareStrings(other, name.text) < 0;
    const info = {
      name,
      externalsBefore: this.#externalNames.filter(isBefore).length,
      skip: this.#without.has(name.text) || this.#overridden.has(name.text),
    };
    this.#names.set(symbol, info);
    return info;
  }
}
