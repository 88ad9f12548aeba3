// Writes the demo into a filesystem bucket: on the first start the last 26 hours, later what has passed since.
import { mkdir, readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { compareLabels, type Labels, SampleColumns } from "@deucalion/model";
import { type EncodedChunk, encodeSamples, writeBlock } from "@deucalion/tsdb";
import { ulid } from "ulid";
import { demoTargets } from "./demo-fleet.ts";
import { demoClusters, demoReplicas, demoScrapeTimes } from "./demo-scrapes.ts";

/** How much history the demo has at its start, in ms. */
export const demoHistoryMs = 26 * 3_600_000;

/** Blocks end at multiples of this, in ms, but for the newest. */
const blockMs = 8 * 3_600_000;

/** Less than this is not worth a block of its own, in ms. */
const leastMs = 60_000;

/** What a run of `writeDemo` did. */
export interface DemoWritten {
  readonly blocks: number;
  readonly series: number;
  readonly samples: number;
}

/** Marks blocks as the demo's, so that nothing else in the bucket is taken for it. */
const demoSource = "deucalion.demo";

/** End of the demo data in a bucket, in ms; null without any. */
async function demoEnd(bucket: string): Promise<number | null> {
  let end: number | null = null;
  for (const name of await readdir(bucket)) {
    if (!/^[0-9A-HJKMNP-TV-Z]{26}$/.test(name)) continue;
    const text = await readFile(join(bucket, name, "meta.json"), "utf8").catch(() => "{}");
    const meta = JSON.parse(text) as { maxTime?: number; thanos?: { source?: string } };
    if (meta.thanos?.source === demoSource && meta.maxTime !== undefined)
      end = Math.max(end ?? 0, meta.maxTime);
  }
  return end;
}

function* replicaSeries(
  cluster: string,
  replica: string,
  from: number,
  to: number,
): Generator<{ labels: Labels; chunks: readonly EncodedChunk[]; samples: number }> {
  const all = demoTargets(cluster).flatMap((target, i) => {
    const times = demoScrapeTimes(cluster, replica, i, from, to);
    return target.series.map((series) => ({ series, times }));
  });
  all.sort((a, b) => compareLabels(a.series.labels, b.series.labels));
  const samples = new SampleColumns();
  for (const { series, times } of all) {
    samples.reset();
    for (const time of times) {
      if (series.histogram === undefined) samples.pushFloat(time, series.float!(time));
      else samples.pushHistogram(time, series.histogram(time));
    }
    if (samples.count === 0) continue;
    yield {
      labels: series.labels,
      chunks: encodeSamples(samples, 0, samples.count),
      samples: samples.count,
    };
  }
}

async function writeReplica(
  bucket: string,
  cluster: string,
  replica: string,
  from: number,
  to: number,
): Promise<DemoWritten> {
  const series = [...replicaSeries(cluster, replica, from, to)];
  if (series.length === 0) return { blocks: 0, series: 0, samples: 0 };
  await writeBlock(
    bucket,
    {
      ulid: ulid(),
      minTime: from,
      maxTime: to,
      thanos: {
        version: 1,
        labels: { cluster, replica },
        downsample: { resolution: 0 },
        source: demoSource,
        segment_files: ["000001"],
        index_stats: {},
        upload_time: new Date().toISOString(),
      },
    },
    series,
  );
  return {
    blocks: 1,
    series: series.length,
    samples: series.reduce((sum, one) => sum + one.samples, 0),
  };
}

/**
 * Makes the demo data of a bucket reach `now` (ms): 26 hours of it, or what is missing since the last time. The folder
 * is made if need be; blocks that are not the demo's are left alone.
 */
export async function writeDemo(bucket: string, now: number): Promise<DemoWritten> {
  await mkdir(bucket, { recursive: true });
  const end = await demoEnd(bucket);
  const sum = { blocks: 0, series: 0, samples: 0 };
  for (let from = Math.max(end ?? 0, now - demoHistoryMs); now - from >= leastMs; ) {
    const to = Math.min(now, (Math.floor(from / blockMs) + 1) * blockMs);
    let series = 0;
    for (const cluster of demoClusters) {
      for (const replica of demoReplicas) {
        const written = await writeReplica(bucket, cluster, replica, from, to);
        sum.blocks += written.blocks;
        sum.samples += written.samples;
        series += written.series;
      }
    }
    sum.series = Math.max(sum.series, series);
    from = to;
  }
  return sum;
}
