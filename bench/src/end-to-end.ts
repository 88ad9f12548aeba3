// A query from a filesystem bucket through a store and a querier of our own, over gRPC, in processes of their own.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compareLabels, Labels, SampleColumns } from "@deucalion/model";
import { encodeSamples, writeBlock } from "@deucalion/tsdb";
import { median, type Workload } from "./workload.ts";

const root = dirname(dirname(dirname(dirname(fileURLToPath(import.meta.url)))));
const startMs = 1_704_153_600_000;
const samplesPerSeries = 1440;
const jobs = 20;

/** 10k series × 6 h at 15 s in three blocks of two hours. */
async function writeBucket(folder: string): Promise<void> {
  await mkdir(folder, { recursive: true });
  const labels = Array.from({ length: 10_000 }, (_, i) =>
    Labels.from({
      __name__: "x",
      job: `job-${i % jobs}`,
      instance: `10.0.0.${i}:9100`,
      zone: `z${i % 3}`,
    }),
  ).sort(compareLabels);
  for (let block = 0; block < 3; block++) {
    const from = (block * samplesPerSeries) / 3;
    const to = ((block + 1) * samplesPerSeries) / 3;
    const ulid = `01HK0000000000000000000${String(block).padStart(3, "0")}`;
    const meta = {
      ulid,
      minTime: startMs + from * 15_000,
      maxTime: startMs + to * 15_000,
      thanos: {
        version: 1,
        labels: { cluster: "bench" },
        downsample: { resolution: 0 },
        source: "bench",
        segment_files: ["000001"],
        index_stats: {},
      },
    };
    const series = labels.map((one, i) => {
      const samples = new SampleColumns(to - from);
      for (let k = from; k < to; k++)
        samples.pushFloat(startMs + k * 15_000, i + k * (5 + (i % 90)));
      return { labels: one, chunks: encodeSamples(samples, 0, samples.count) };
    });
    await writeBlock(folder, meta, series);
  }
}

/** A port that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() =>
        resolve(typeof address === "object" && address !== null ? address.port : 0),
      );
    });
  });
}

/** User and system time of a process in ms. */
async function cpuMs(child: ChildProcess): Promise<number> {
  const stat = await readFile(`/proc/${child.pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Waits for a 200, for five minutes at most. */
export async function ready(url: string, everyMs = 100): Promise<void> {
  const end = performance.now() + 300_000;
  while (performance.now() < end) {
    const ok = await fetch(url).then(
      (response) => response.ok,
      () => false,
    );
    if (ok) return;
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
  throw new Error(`not ready: ${url}`);
}

export const endToEnd: Workload = {
  name: "end-to-end",
  about:
    "sum by (job) (rate(x[5m])), 10k series × 6 h @15 s, step 60 s: filesystem bucket, store, gRPC, querier",
  run: async (rounds) => {
    const folder = await mkdtemp(join(tmpdir(), "deucalion-bench-"));
    const running: ChildProcess[] = [];
    const start = (args: readonly string[]): ChildProcess => {
      const child = spawn(process.execPath, [join(root, "app/dist/bundle/main.js"), ...args], {
        stdio: "ignore",
      });
      running.push(child);
      return child;
    };
    try {
      await writeBucket(join(folder, "bucket"));
      const [storeHttp, storeGrpc, http, grpc] = [
        await freePort(),
        await freePort(),
        await freePort(),
        await freePort(),
      ];
      const store = start([
        "store",
        `--objstore.config={type: FILESYSTEM, config: {directory: ${join(folder, "bucket")}}}`,
        `--data-dir=${join(folder, "data")}`,
        `--http-address=127.0.0.1:${storeHttp}`,
        `--grpc-address=127.0.0.1:${storeGrpc}`,
      ]);
      await ready(`http://127.0.0.1:${storeHttp}/-/ready`);
      const query = start([
        "query",
        `--endpoint=127.0.0.1:${storeGrpc}`,
        `--http-address=127.0.0.1:${http}`,
        `--grpc-address=127.0.0.1:${grpc}`,
      ]);
      await ready(`http://127.0.0.1:${http}/-/ready`);
      const from = startMs / 1000 + 300;
      const to = startMs / 1000 + (samplesPerSeries - 1) * 15;
      const url = `http://127.0.0.1:${http}/api/v1/query_range?query=${encodeURIComponent("sum by (job) (rate(x[5m]))")}&start=${from}&end=${to}&step=60`;
      const wall: number[] = [];
      const storeCpu: number[] = [];
      const queryCpu: number[] = [];
      for (let round = 0; round <= 2 * rounds; round++) {
        const before = [await cpuMs(store), await cpuMs(query)];
        const begin = performance.now();
        const body = (await (await fetch(url)).json()) as { data?: { result?: unknown[] } };
        if (body.data?.result?.length !== jobs)
          throw new Error(`unexpected answer: ${JSON.stringify(body).slice(0, 300)}`);
        if (round < 2) continue;
        wall.push(performance.now() - begin);
        storeCpu.push((await cpuMs(store)) - before[0]!);
        queryCpu.push((await cpuMs(query)) - before[1]!);
      }
      return [
        { name: "wall", value: median(wall), unit: "ms" },
        { name: "CPU of the store", value: median(storeCpu), unit: "ms" },
        { name: "CPU of the querier", value: median(queryCpu), unit: "ms" },
      ];
    } finally {
      for (const child of running) child.kill("SIGTERM");
      await Promise.all(
        running.map((child) => new Promise((resolve) => child.on("exit", resolve))),
      );
      await rm(folder, { recursive: true, force: true });
    }
  },
};
