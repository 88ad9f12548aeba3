// Buckets with random blocks of one or several streams, and what they hold.
import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Labels, SampleColumns } from "@deucalion/model";
import { encodeSamples, writeBlock } from "@deucalion/tsdb";
import { ulid } from "ulid";
import { parseBlockMeta } from "../meta/block-meta.ts";
import { goMeta } from "../meta/go-meta.ts";

export const hourMs = 3_600_000;
/** A multiple of two weeks. */
export const bucketStart = 1_704_326_400_000 - (1_704_326_400_000 % (336 * hourMs));

/** A source of numbers in [0, 1) that starts from a seed. */
export function seededRandom(seed: number): () => number {
  let state = createHash("sha256").update(String(seed)).digest().readUInt32LE(0);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export interface RandomStream {
  readonly labels: Readonly<Record<string, string>>;
  /** Hours of each block, one after the other. */
  readonly hours: readonly number[];
  readonly series: number;
  readonly stepMs: number;
  /** Streams with the same one have the same values: replicas. */
  readonly values?: number;
  /** Also write each block's middle a second time, with the same values. */
  readonly overlapping?: boolean;
}

async function writeOne(
  folder: string,
  stream: RandomStream,
  minTime: number,
  maxTime: number,
  valueAt: (series: number, time: number) => number,
  random: () => number,
): Promise<void> {
  const id = ulid(bucketStart + Math.floor(random() * hourMs));
  const series = Array.from({ length: stream.series }, (_, n) => {
    const samples = new SampleColumns();
    const skip = random() < 0.2;
    for (let time = minTime + (n % 7) * 1000; time < maxTime; time += stream.stepMs) {
      if (skip && random() < 0.5) continue;
      samples.pushFloat(time, valueAt(n, time));
    }
    if (samples.count === 0) samples.pushFloat(minTime, valueAt(n, minTime));
    const labels = Labels.from({ __name__: `m${n % 3}`, i: String(n).padStart(4, "0") });
    return { labels, chunks: encodeSamples(samples, 0, samples.count) };
  }).sort((a, b) => (a.labels.key < b.labels.key ? -1 : 1));
  const meta = await writeBlock(folder, { ulid: id, minTime, maxTime }, series);
  const complete = parseBlockMeta(
    JSON.stringify({
      ...meta,
      thanos: {
        version: 1,
        labels: stream.labels,
        downsample: { resolution: 0 },
        source: "sidecar",
        index_stats: {},
      },
    }),
  );
  await writeFile(join(folder, id, "meta.json"), JSON.stringify(goMeta(complete), null, "\t"));
  await readFile(join(folder, id, "index"));
}

/** Writes the blocks of all streams into `folder`. */
export async function writeRandomBucket(
  folder: string,
  streams: readonly RandomStream[],
  random: () => number,
): Promise<void> {
  for (const stream of streams) {
    const seed = stream.values ?? Math.floor(random() * 1000);
    const valueAt = (series: number, time: number): number =>
      ((time / 1000 + series * 977 + seed) * 2654435761) % 1000;
    let at = bucketStart;
    for (const hours of stream.hours) {
      const end = at + hours * hourMs;
      await writeOne(folder, stream, at, end, valueAt, random);
      if (stream.overlapping === true && random() < 0.5) {
        const middle = at + Math.floor((end - at) / 2);
        await writeOne(folder, stream, middle, end, valueAt, random);
      }
      at = end;
    }
  }
}
