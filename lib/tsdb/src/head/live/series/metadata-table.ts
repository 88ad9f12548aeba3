// What the metrics of a head mean: type, unit and help, each once, with a number that series refer to.
import { LabelPairs } from "./label-pairs.ts";

export interface SeriesMetadata {
  /** As in `WalMetadata`. */
  readonly type: number;
  readonly unit: string;
  readonly help: string;
}

/** Different texts that are kept; more are as good as none. */
const entriesMax = 200_000;

const suffixesOfType: Readonly<Record<number, readonly string[]>> = {
  3: ["_bucket", "_count", "_sum"],
  4: ["_bucket", "_gcount", "_gsum", "_count", "_sum"],
  5: ["_count", "_sum"],
};

/** Name of the family of a series: histograms and summaries have several names. */
export function familyOf(name: string, type: number): string {
  for (const suffix of suffixesOfType[type] ?? []) {
    if (name.endsWith(suffix) && name.length > suffix.length) return name.slice(0, -suffix.length);
  }
  return name;
}

/** Entries by the bytes that they came as, and metric families with what was said of each. */
export class MetadataTable {
  readonly #keys = new LabelPairs();
  /** By key. */
  readonly #entryOfKey: number[] = [];
  readonly #entries: SeriesMetadata[] = [];
  readonly #byContent = new Map<string, number>();
  readonly #families = new Map<string, Set<number>>();

  get(entry: number): SeriesMetadata {
    return this.#entries[entry]!;
  }

  /** The entry that came as these bytes before, −1 if none did. */
  find(data: Uint8Array, start: number, end: number): number {
    const key = this.#keys.find(data, start, end, this.#keys.hashOf(data, start, end));
    return key < 0 ? -1 : this.#entryOfKey[key]!;
  }

  /** The entry of this content, added if there is room (else −1) and remembered under the bytes. */
  add(data: Uint8Array, start: number, end: number, metadata: SeriesMetadata): number {
    const entry = this.of(metadata);
    if (entry < 0 || this.#keys.count >= entriesMax) return entry;
    this.#entryOfKey[this.#keys.add(data, start, end, this.#keys.hashOf(data, start, end))] = entry;
    return entry;
  }

  /** The entry of this content, added if there is room, else −1. */
  of(metadata: SeriesMetadata): number {
    const { type, unit, help } = metadata;
    const content = `${type}\n${unit}\n${help}`;
    let entry = this.#byContent.get(content);
    if (entry === undefined) {
      if (this.#entries.length >= entriesMax) return -1;
      entry = this.#entries.push({ type, unit, help }) - 1;
      this.#byContent.set(content, entry);
    }
    return entry;
  }

  /** Notes that an entry was said of a metric. */
  note(name: string, entry: number): void {
    const family = familyOf(name, this.#entries[entry]!.type);
    const known = this.#families.get(family);
    if (known !== undefined) known.add(entry);
    else if (this.#families.size < entriesMax) this.#families.set(family, new Set([entry]));
  }

  /** Families and what was said of them. */
  *families(): IterableIterator<readonly [string, SeriesMetadata[]]> {
    for (const [family, entries] of this.#families) {
      yield [family, [...entries].map((entry) => this.#entries[entry]!)];
    }
  }

  /** What was said of one family. */
  family(name: string): SeriesMetadata[] {
    return [...(this.#families.get(name) ?? [])].map((entry) => this.#entries[entry]!);
  }
}
