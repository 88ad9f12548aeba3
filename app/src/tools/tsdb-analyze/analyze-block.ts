// `deucalion tools tsdb analyze`: what makes a block large. Figures and order of promtool's `tsdb analyze`.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { formatGoDuration } from "@deucalion/base";
import type { Matcher } from "@deucalion/model";
import { Block, type BlockMeta, readBlockMeta, type SeriesEntry, TsdbError } from "@deucalion/tsdb";

export interface AnalyzeOptions {
  /** Lines of each list at most. */
  readonly limit: number;
  /** Only series that match all; every series where empty. */
  readonly match: readonly Matcher[];
  /** The selector as it was given, for the output. */
  readonly matchText: string;
}

/** Counts over the label pairs and label names of a block, by numbers of symbols. */
class PairCounts {
  readonly #symbols: number;
  /** Pair → its place in the columns. */
  readonly #places = new Map<number, number>();
  readonly names: number[] = [];
  readonly values: number[] = [];
  readonly series: number[] = [];
  readonly uncoveredMs: number[] = [];
  entries = 0;

  constructor(symbols: number) {
    this.#symbols = symbols;
  }

  add(name: number, value: number, uncoveredMs: number): void {
    const key = name * this.#symbols + value;
    let place = this.#places.get(key);
    if (place === undefined) {
      place = this.names.push(name) - 1;
      this.#places.set(key, place);
      this.values.push(value);
      this.series.push(0);
      this.uncoveredMs.push(0);
    }
    this.series[place]! += 1;
    this.uncoveredMs[place]! += uncoveredMs;
    this.entries++;
  }
}

/** The block of `dir`: `dir` itself, or the newest below it. Throws TSDB_NOT_A_BLOCK. */
async function blockFolder(dir: string): Promise<string> {
  const names = await readdir(dir).catch((): string[] => []);
  if (names.includes("meta.json")) return dir;
  let newest: { readonly path: string; readonly meta: BlockMeta } | undefined;
  for (const name of names.filter((one) => /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/.test(one)).sort()) {
    const path = join(dir, name);
    const meta = await readBlockMeta(path);
    if (newest === undefined || meta.maxTime >= newest.meta.maxTime) newest = { path, meta };
  }
  if (newest !== undefined) return newest.path;
  throw new TsdbError("TSDB_NOT_A_BLOCK", `${dir} is not a block and holds none`, { dir });
}

/** Milliseconds of the block that a series does not cover. */
function uncovered({ minTimes, maxTimes, chunkCount }: SeriesEntry, meta: BlockMeta): number {
  const covered = chunkCount === 0 ? 0 : maxTimes[chunkCount - 1]! - minTimes[0]!;
  return meta.maxTime - meta.minTime - covered;
}

/** Prints the figures of a block, or of the newest block of a data folder, with `write`. */
export async function analyzeBlock(
  dir: string,
  options: AnalyzeOptions,
  write: (text: string) => void | Promise<void>,
): Promise<void> {
  const block = await Block.open(await blockFolder(dir));
  try {
    const { index, meta } = block;
    const { symbols } = index;
    const matched = options.match.length > 0;
    const refs = matched ? await index.select(options.match) : await index.allPostings();
    const pairs = new PairCounts(symbols.count);
    await index.readSeries(refs, (entry) => {
      const left = uncovered(entry, meta);
      for (let i = 0; i < 2 * entry.labelCount; i += 2) {
        const name = symbols.ordinal(entry.labels[i]!);
        pairs.add(name, symbols.ordinal(entry.labels[i + 1]!), left);
      }
    });
    const text = (symbol: number): string => symbols.text(symbol);
    const pairOf = (place: number): string =>
      `${text(pairs.names[place]!)}=${text(pairs.values[place]!)}`;
    const places = pairs.names.map((_, place) => place);
    const byName = (figure: (place: number) => number): Map<string, number> => {
      const sums = new Map<string, number>();
      for (const place of places) {
        const name = text(pairs.names[place]!);
        sums.set(name, (sums.get(name) ?? 0) + figure(place));
      }
      return sums;
    };
    const wholeMs = meta.maxTime - meta.minTime;
    const churn = (ms: number): number => Math.trunc(ms / wholeMs);
    const bytesOf = (symbol: number): number => symbols.end(symbol) - symbols.start(symbol);
    const cardinality = byName(() => 1);
    const lists: readonly [title: string, figures: Iterable<[string, number]>][] = [
      [
        "Label pairs most involved in churning",
        places.map((place) => [pairOf(place), churn(pairs.uncoveredMs[place]!)]),
      ],
      [
        "Label names most involved in churning",
        [...byName((place) => pairs.uncoveredMs[place]!)].map(([name, ms]) => [name, churn(ms)]),
      ],
      ["Most common label pairs", places.map((place) => [pairOf(place), pairs.series[place]!])],
      [
        "Label names with highest cumulative label value length",
        byName((place) => bytesOf(pairs.values[place]!)),
      ],
      ["Highest cardinality labels", cardinality],
      [
        "Highest cardinality metric names",
        places
          .filter((place) => text(pairs.names[place]!) === "__name__")
          .map((place) => [text(pairs.values[place]!), pairs.series[place]!]),
      ],
    ];
    await write(
      [
        `Block ID: ${meta.ulid}`,
        `Duration: ${formatGoDuration(wholeMs)}`,
        `Total Series: ${meta.stats?.numSeries ?? 0}`,
        ...(matched ? [`Matcher: ${options.matchText}`] : []),
        `Label names: ${cardinality.size}`,
        ...(matched ? [`Matched series: ${refs.length}`] : []),
        `Postings (unique label pairs): ${places.length}`,
        `Postings entries (total label pairs): ${pairs.entries}`,
        "",
      ].join("\n"),
    );
    for (const [title, figures] of lists) {
      await write(`\n${title}:\n${listText(figures, options.limit)}`);
    }
  } finally {
    await block.close();
  }
}

/** Largest first; equals in order of their names. */
function listText(figures: Iterable<[string, number]>, limit: number): string {
  return [...figures]
    .sort(([a, x], [b, y]) => y - x || (a < b ? -1 : a > b ? 1 : 0))
    .slice(0, limit)
    .map(([name, figure]) => `${figure} ${name}\n`)
    .join("");
}
