// A label set as strings: for grouping keys, matching and output. In flight labels stay bytes (label-bytes.ts).

/** Orders strings by their UTF-8 bytes, as Prometheus orders label names and values. */
export function compareStrings(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    let x = a.charCodeAt(i);
    let y = b.charCodeAt(i);
    if (x === y) continue;
    // UTF-16 order differs from byte order only where surrogates meet U+E000..U+FFFF.
    if (x >= 0xd800 && y >= 0xd800) {
      x = x >= 0xe000 ? x - 0x800 : x + 0x2000;
      y = y >= 0xe000 ? y - 0x800 : y + 0x2000;
    }
    return x - y;
  }
  return a.length - b.length;
}

/**
 * An immutable label set, sorted by name, without empty values.
 * `pairs` is flat: name, value, name, value, …
 */
export class Labels {
  readonly pairs: readonly string[];
  #key: string | undefined;

  /** The label set without labels. */
  static get empty(): Labels {
    return noLabels;
  }

  /** `pairs` must be sorted by name and free of duplicates and empty values; it is kept, not copied. */
  constructor(pairs: readonly string[]) {
    this.pairs = pairs;
  }

  /** Sorts, and drops empty values; a later duplicate wins. */
  static from(
    entries: Iterable<readonly [string, string]> | Readonly<Record<string, string>>,
  ): Labels {
    const map = new Map(Symbol.iterator in entries ? entries : Object.entries(entries));
    const names = [...map.keys()].filter((name) => map.get(name) !== "").sort(compareStrings);
    return new Labels(names.flatMap((name) => [name, map.get(name)!]));
  }

  get size(): number {
    return this.pairs.length / 2;
  }

  /** The value of a label, or "" where it is absent. */
  get(name: string): string {
    const pairs = this.pairs;
    for (let i = 0; i < pairs.length; i += 2) if (pairs[i] === name) return pairs[i + 1]!;
    return "";
  }

  has(name: string): boolean {
    return this.get(name) !== "";
  }

  *[Symbol.iterator](): IterableIterator<[string, string]> {
    for (let i = 0; i < this.pairs.length; i += 2) yield [this.pairs[i]!, this.pairs[i + 1]!];
  }

  /** A string that is equal for equal label sets only; computed once. */
  get key(): string {
    this.#key ??= this.pairs.join("\u0000\u0001");
    return this.#key;
  }

  /** Keeps only the named labels. */
  keep(names: ReadonlySet<string>): Labels {
    return this.#filter((name) => names.has(name));
  }

  /** Drops the named labels. */
  drop(names: ReadonlySet<string>): Labels {
    return this.#filter((name) => !names.has(name));
  }

  #filter(wanted: (name: string) => boolean): Labels {
    const pairs: string[] = [];
    for (let i = 0; i < this.pairs.length; i += 2) {
      if (wanted(this.pairs[i]!)) pairs.push(this.pairs[i]!, this.pairs[i + 1]!);
    }
    return pairs.length === this.pairs.length ? this : new Labels(pairs);
  }

  /** Sets one label; "" removes it. */
  with(name: string, value: string): Labels {
    return Labels.from([...this, [name, value]]);
  }

  toJSON(): Record<string, string> {
    return Object.fromEntries(this);
  }

  /** `{a="1", b="2"}` with the metric name in front, as Prometheus prints series. */
  toString(): string {
    const rest: string[] = [];
    for (const [name, value] of this) rest.push(`${quoteName(name)}=${JSON.stringify(value)}`);
    return `{${rest.join(", ")}}`;
  }
}

const noLabels = new Labels([]);

function quoteName(name: string): string {
  return /^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : JSON.stringify(name);
}

/** Prometheus' order of label sets: name by name, value by value, then the shorter first. */
export function compareLabels(a: Labels, b: Labels): number {
  const x = a.pairs;
  const y = b.pairs;
  const length = Math.min(x.length, y.length);
  for (let i = 0; i < length; i++) {
    if (x[i] !== y[i]) return compareStrings(x[i]!, y[i]!);
  }
  return x.length - y.length;
}
