// A whole data folder of a stopped Prometheus: its blocks and its head, as one source.
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { compareLabels, type Labels, type Matcher, SampleColumns } from "@deucalion/model";
import { Block } from "../block/block.ts";
import { removeDeleted } from "../block/tombstones.ts";
import { decodeChunkInto } from "../chunk/decode-chunk.ts";
import { seriesLabels } from "../index/series-labels.ts";
import { chainSamplesInto } from "./chain-samples.ts";
import type { Head } from "./head.ts";
import type { HeadSeries } from "./head-series.ts";
import { type ReplayDamage, replayHead } from "./replay.ts";

const blockName = /^[0-7][0-9A-HJKMNP-TV-Z]{25}$/;
const notInOrder = ["from-out-of-order", "from-stale-series", "from-selected-series"];

/** A series of a database with all its samples, ascending. The columns are reused by the next series. */
export interface DatabaseSeries {
  readonly labels: Labels;
  readonly samples: SampleColumns;
}

/** Where the samples of a series are. */
interface Found {
  readonly labels: Labels;
  head: HeadSeries | null;
  readonly blocks: { readonly block: Block; readonly ref: number }[];
}

/** Opened for reading; nothing in the folder is written to. */
export class Database {
  readonly blocks: readonly Block[];
  readonly head: Head;
  /** What could not be read. */
  readonly damage: readonly ReplayDamage[];

  private constructor(blocks: readonly Block[], head: Head, damage: readonly ReplayDamage[]) {
    this.blocks = blocks;
    this.head = head;
    this.damage = damage;
  }

  /** Opens blocks and replays the logs. A block that does not open is reported and left out. */
  static async open(dir: string): Promise<Database> {
    const damage: ReplayDamage[] = [];
    const blocks: Block[] = [];
    const names = (await readdir(dir)).filter((name) => blockName.test(name)).sort();
    try {
      for (const name of names) {
        const path = join(dir, name);
        try {
          blocks.push(await Block.open(path));
        } catch (thrown) {
          const reason = thrown instanceof Error ? thrown.message : String(thrown);
          damage.push({ file: path, offset: 0, reason });
        }
      }
      const kept = await withoutReplaced(blocks);
      let minValidTime = Number.NEGATIVE_INFINITY;
      for (const { meta } of kept) {
        if (meta.compaction.hints?.some((hint) => notInOrder.includes(hint))) continue;
        minValidTime = Math.max(minValidTime, meta.maxTime);
      }
      const head = await replayHead(dir, minValidTime, { report: (one) => damage.push(one) });
      return new Database(kept, head, damage);
    } catch (thrown) {
      await Promise.all(blocks.map((block) => block.close()));
      throw thrown;
    }
  }

  async close(): Promise<void> {
    await Promise.all(this.blocks.map((block) => block.close()));
  }

  /** Series that match, ordered by labels; all of them without matchers. */
  async *series(matchers: readonly Matcher[]): AsyncIterable<DatabaseSeries> {
    const found = await this.#find(matchers);
    const samples = new SampleColumns();
    for (const one of found) {
      samples.reset();
      await this.#samplesInto(one, samples);
      if (samples.count > 0) yield { labels: one.labels, samples };
    }
  }

  async #find(matchers: readonly Matcher[]): Promise<Found[]> {
    const found = new Map<string, Found>();
    const at = (labels: Labels): Found => {
      let one = found.get(labels.key);
      if (one === undefined) {
        one = { labels, head: null, blocks: [] };
        found.set(labels.key, one);
      }
      return one;
    };
    for (const series of this.head.series.values()) {
      if (matchers.every((matcher) => matcher.matches(series.labels.get(matcher.name)))) {
        at(series.labels).head = series;
      }
    }
    for (const block of this.blocks) {
      const refs = await block.index.select(matchers);
      await block.index.readSeries(refs, (entry, ref) => {
        at(seriesLabels(entry, block.index.symbols)).blocks.push({ block, ref });
      });
    }
    return [...found.values()].sort((a, b) => compareLabels(a.labels, b.labels));
  }

  async #samplesInto(found: Found, out: SampleColumns): Promise<void> {
    const runs: SampleColumns[] = [];
    if (found.head !== null) {
      const samples = new SampleColumns();
      this.head.samplesInto(found.head, samples);
      runs.push(samples);
    }
    for (const { block, ref } of found.blocks) runs.push(await readBlockSeries(block, ref));
    if (runs.length > 1) {
      chainSamplesInto(runs, out);
      return;
    }
    for (let i = 0; i < (runs[0]?.count ?? 0); i++) out.pushFrom(runs[0]!, i);
  }
}

/** Leaves out and closes blocks that another one was made from. */
async function withoutReplaced(blocks: readonly Block[]): Promise<Block[]> {
  const replaced = new Set<string>();
  for (const { meta } of blocks) {
    for (const parent of meta.compaction.parents ?? []) replaced.add(parent.ulid);
  }
  const kept: Block[] = [];
  for (const block of blocks) {
    if (replaced.has(block.meta.ulid) || block.meta.compaction.deletable) await block.close();
    else kept.push(block);
  }
  return kept.sort((a, b) => a.meta.minTime - b.meta.minTime);
}

/** All samples of one series of a block, deleted ones left out. */
async function readBlockSeries(block: Block, ref: number): Promise<SampleColumns> {
  const samples = new SampleColumns();
  await block.index.readSeries(Uint32Array.of(ref), async (entry) => {
    const read = await block.segments.read(entry.refs.subarray(0, entry.chunkCount));
    for (let i = 0; i < entry.chunkCount; i++) {
      const data = read.buffers[read.buffer[i]!]!;
      decodeChunkInto(read.encoding[i]!, data, read.offset[i]!, read.length[i]!, samples);
    }
  });
  removeDeleted(samples, 0, block.tombstones.get(ref) ?? []);
  return samples;
}
