// A store gateway over thousands of small blocks behind a slow bucket: start, idle memory, requests of an idle hour.
// With the path of a Thanos binary in THANOS, that is measured the same way, after ours.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { compareLabels, Labels, SampleColumns } from "@deucalion/model";
import { encodeSamples, writeBlock } from "@deucalion/tsdb";
import { freePort, ready } from "./end-to-end.ts";
import type { Figure, Workload } from "./workload.ts";

const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, "../../..");
const copies = Number(process.env.BLOCKS ?? 5000);
const latencyMs = 20;
/** Thanos looks at the bucket every 15 minutes: four looks are an hour. */
const looks = 4;
const lookMs = 15_000;
const startMs = 1_704_153_600_000;
const ulid = "01HK0000000000000000000000";

/** A block of 50 series × 2 h at one minute. */
async function writeTemplate(folder: string): Promise<string> {
  const series = Array.from({ length: 50 }, (_, i) => {
    const samples = new SampleColumns(120);
    for (let k = 0; k < 120; k++) samples.pushFloat(startMs + k * 60_000, i + k);
    const labels = Labels.from({ __name__: "x", job: `j${i % 5}`, instance: `10.0.0.${i}:9100` });
    return { labels, chunks: encodeSamples(samples, 0, samples.count) };
  }).sort((a, b) => compareLabels(a.labels, b.labels));
  const thanos = {
    version: 1,
    labels: { cluster: "bench" },
    downsample: { resolution: 0 },
    source: "sidecar",
    segment_files: ["000001"],
    index_stats: {},
  };
  const times = { minTime: startMs, maxTime: startMs + 7_200_000 };
  await writeBlock(folder, { ulid, ...times, thanos }, series);
  return join(folder, ulid);
}

interface Measured {
  readonly readyMs: number;
  readonly readyCpuMs: number;
  readonly idleMiB: number;
  readonly peakMiB: number;
  readonly requestsToReady: number;
  readonly requestsOfHour: number;
}

async function cpuOf({ pid }: ChildProcess): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

async function memoryOf({ pid }: ChildProcess, field: "VmRSS" | "VmHWM"): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8");
  return Number(new RegExp(`${field}:\\s+(\\d+) kB`).exec(status)?.[1]) / 1024;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until a process does next to nothing between two looks at the bucket. */
async function settled(child: ChildProcess): Promise<void> {
  for (let i = 0; i < 120; i++) {
    const before = await cpuOf(child);
    await pause(2000);
    if ((await cpuOf(child)) - before < 60) return;
  }
}

async function requests(address: string): Promise<number> {
  const counts = (await (await fetch(`http://${address}/stats`)).json()) as Record<string, number>;
  return Object.values(counts).reduce((sum, count) => sum + count, 0);
}

async function measure(command: readonly string[], bucket: string): Promise<Measured> {
  const dataDir = await mkdtemp(join(tmpdir(), "deucalion-many-data-"));
  const [http, grpc] = [await freePort(), await freePort()];
  const config = {
    type: "S3",
    config: {
      ...{ bucket: "blocks", endpoint: bucket, insecure: true, region: "us-east-1" },
      ...{ access_key: "a", secret_key: "s" },
    },
  };
  await requests(bucket);
  const begun = performance.now();
  const child = spawn(
    command[0]!,
    [
      ...command.slice(1),
      "store",
      `--data-dir=${dataDir}`,
      `--objstore.config=${JSON.stringify(config)}`,
      `--http-address=127.0.0.1:${http}`,
      `--grpc-address=127.0.0.1:${grpc}`,
      `--sync-block-duration=${lookMs / 1000}s`,
    ],
    { stdio: "ignore" },
  );
  const ended = new Promise((resolve) => child.on("exit", resolve));
  try {
    const died = ended.then(() => Promise.reject(new Error(`${command.at(-1)} ended`)));
    await Promise.race([ready(`http://127.0.0.1:${http}/-/ready`, 50), died]);
    died.catch(() => undefined);
    const readyMs = performance.now() - begun;
    const readyCpuMs = await cpuOf(child);
    const requestsToReady = await requests(bucket);
    await settled(child);
    const idleMiB = await memoryOf(child, "VmRSS");
    await requests(bucket);
    await pause(looks * lookMs);
    const requestsOfHour = await requests(bucket);
    const peakMiB = await memoryOf(child, "VmHWM");
    return { readyMs, readyCpuMs, idleMiB, peakMiB, requestsToReady, requestsOfHour };
  } finally {
    child.kill("SIGTERM");
    const timer = setTimeout(() => child.kill("SIGKILL"), 10_000);
    await ended;
    clearTimeout(timer);
    await rm(dataDir, { recursive: true, force: true });
  }
}

function figures(name: string, measured: Measured): Figure[] {
  return [
    { name: `${name}: start to ready`, value: measured.readyMs, unit: "ms" },
    { name: `${name}: CPU to ready`, value: measured.readyCpuMs, unit: "ms" },
    { name: `${name}: requests to ready`, value: measured.requestsToReady, unit: "" },
    { name: `${name}: idle RSS`, value: measured.idleMiB, unit: "MiB" },
    { name: `${name}: peak RSS`, value: measured.peakMiB, unit: "MiB" },
    { name: `${name}: requests of four looks (an hour)`, value: measured.requestsOfHour, unit: "" },
  ];
}

export const manyBlocks: Workload = {
  name: "many-blocks",
  about: `store over ${copies} small blocks, S3 with ${latencyMs} ms; four looks at the bucket, ${lookMs / 1000} s apart`,
  run: async () => {
    const folder = await mkdtemp(join(tmpdir(), "deucalion-many-"));
    const template = await writeTemplate(folder);
    const server = spawn(
      process.execPath,
      [join(here, "s3-stand-in.js"), template, String(copies), String(latencyMs)],
      { stdio: ["ignore", "pipe", "inherit"] },
    );
    const ended = new Promise((resolve) => server.on("exit", resolve));
    try {
      const bucket = await new Promise<string>((resolve) =>
        server.stdout.once("data", (data: Buffer) => resolve(data.toString().trim())),
      );
      const main = process.env.MAIN ?? join(root, "app/dist/bundle/main.js");
      const ours = [process.execPath, main];
      const result = figures("ours", await measure(ours, bucket));
      const { THANOS: thanos } = process.env;
      if (thanos !== undefined) result.push(...figures("Thanos", await measure([thanos], bucket)));
      return result;
    } finally {
      server.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true });
    }
  },
};
