// Makes the code caches of the bundle: starts each service over the demo's data, asks it what users ask, and keeps what
// V8 compiled meanwhile.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeSeries } from "./warm-writes.mjs";

const withCache = fileURLToPath(new URL("warm-cache.cjs", import.meta.url));
const withWorker = fileURLToPath(new URL("warm-worker.cjs", import.meta.url));
const startMs = 30_000;
const stopMs = 10_000;

/** A port of loopback that was free. */
function freePort() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const noUse = async () => undefined;

/** Runs one service of the bundle, `bundle` being its path without `.cjs`, while `use` asks it. */
async function warm(bundle, command, flags, use = noUse) {
  const [http, grpc] = [await freePort(), await freePort()];
  const hasGrpc = command !== "query-frontend" && command !== "quickstart";
  const addresses = [`--http-address=127.0.0.1:${http}`];
  if (hasGrpc) addresses.push(`--grpc-address=127.0.0.1:${grpc}`);
  const child = spawn(
    process.execPath,
    [withCache, bundle, command, "--log.level=error", ...addresses, ...flags],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  const ended = new Promise((resolve) => child.on("exit", resolve));
  const url = `http://127.0.0.1:${http}`;
  try {
    const end = Date.now() + startMs;
    const ready = () =>
      fetch(`${url}/-/ready`).then(
        ({ ok }) => ok,
        () => false,
      );
    while (!(await ready())) {
      if (child.exitCode !== null || Date.now() > end) throw new Error(`${command} did not start`);
      await sleep(10);
    }
    await use(url, grpc);
  } finally {
    child.kill("SIGTERM");
    const kill = setTimeout(() => child.kill("SIGKILL"), stopMs);
    await ended;
    clearTimeout(kill);
  }
}

async function ask(url, path, parameters) {
  const response = await fetch(`${url}/api/v1/${path}?${new URLSearchParams(parameters)}`);
  await response.arrayBuffer();
}

/** What dashboards and their editors ask. */
async function askAll(url) {
  const now = Date.now() / 1000;
  const range = { start: now - 3600, end: now, step: 30 };
  const queries = [
    'up{cluster="eu"}',
    "sum by (job) (rate(http_requests_total[5m]))",
    "topk(3, process_resident_memory_bytes)",
    "histogram_quantile(0.9, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))",
    "max_over_time(up[1h]) > 0",
  ];
  for (const query of queries) {
    await ask(url, "query", { query });
    await ask(url, "query_range", { query, ...range });
  }
  await ask(url, "labels", {});
  await ask(url, "labels", { "match[]": "up" });
  await ask(url, "label/__name__/values", {});
  await ask(url, "label/job/values", { "match[]": "up" });
  await ask(url, "series", { "match[]": "up" });
}

/** Runs one compaction of the bundle over the blocks of a bucket, which is changed. */
async function warmCompact(bundle, bucket, scratch) {
  const flags = [
    `--http-address=127.0.0.1:${await freePort()}`,
    "--log.level=error",
    "--consistency-delay=0s",
    "--deduplication.replica-label=replica",
    "--deduplication.func=penalty",
    `--data-dir=${scratch}`,
    bucket,
  ];
  await endOf(
    spawn(process.execPath, [withCache, bundle, "compact", ...flags], {
      stdio: ["ignore", "ignore", "inherit"],
    }),
  );
}

/** Runs a receiver of the bundle, and again over the log that it left. */
async function warmReceive(bundle, dir) {
  const end = Date.now();
  for (const round of [0, 1]) {
    const write = await freePort();
    const address = `--remote-write.address=127.0.0.1:${write}`;
    const flags = [address, `--tsdb.path=${dir}`, '--label=replica="0"'];
    await warm(bundle, "receive", flags, () => writeSeries(write, 30, end + round * 450_000));
  }
}

/** Waits for a process that ends by itself. */
async function endOf(child) {
  const kill = setTimeout(() => child.kill("SIGKILL"), startMs);
  await new Promise((resolve) => child.on("exit", resolve));
  clearTimeout(kill);
}

/** Runs a worker of the bundle over the blocks of a bucket. */
async function warmWorker(bundle, worker, bucket, scratch) {
  const child = spawn(process.execPath, [withWorker, bundle, worker, bucket, scratch], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  await endOf(child);
}

/** Writes `<bundle>.<command>.cache` for each service. A service that fails only lacks its cache. */
export async function warmCaches(bundle) {
  const dir = mkdtempSync(join(tmpdir(), "deucalion-warm-"));
  const bucketOf = (path) => `--objstore.config={type: FILESYSTEM, config: {directory: ${path}}}`;
  const bucket = bucketOf(join(dir, "quickstart/bucket"));
  try {
    await warm(bundle, "quickstart", ["--no-discover", `--data-dir=${join(dir, "quickstart")}`]);
    await warm(bundle, "store", [bucket, `--data-dir=${join(dir, "store")}`], async (_, grpc) => {
      await warm(bundle, "query", [`--endpoint=127.0.0.1:${grpc}`], async (url) => {
        await askAll(url);
        const downstream = `--query-frontend.downstream-url=${url}`;
        await warm(bundle, "query-frontend", [downstream], askAll);
      });
    });
    await warmWorker(bundle, "block-worker", join(dir, "quickstart/bucket"), join(dir, "scratch"));
    await warmCompact(bundle, bucket, join(dir, "compact"));
    await warmReceive(bundle, join(dir, "receive"));
  } catch (error) {
    console.error(`code caches: ${error.message}`);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}
