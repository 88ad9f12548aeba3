// Starts what is compared: our store and querier, and a Prometheus, over the same block.
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { deucalion, freePort, Running } from "../../support/mod.ts";
import { type Level, prometheusFeatures } from "./language.ts";

/** Something to ask, and how to end it. */
export interface Server {
  readonly url: string;
  stop(): Promise<void>;
}

/** Store and querier of ours over the blocks in `bucket`. */
export async function startOurs(bucket: string, flags: readonly string[] = []): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "deucalion-fuzz-"));
  const [storeHttp, storeGrpc, http, grpc] = await Promise.all([0, 1, 2, 3].map(() => freePort()));
  const store = deucalion("store", [
    "store",
    `--objstore.config={type: FILESYSTEM, config: {directory: ${JSON.stringify(bucket)}}}`,
    `--data-dir=${join(folder, "store")}`,
    `--http-address=127.0.0.1:${storeHttp}`,
    `--grpc-address=127.0.0.1:${storeGrpc}`,
  ]);
  const querier = deucalion("querier", [
    "query",
    `--endpoint=127.0.0.1:${storeGrpc}`,
    `--http-address=127.0.0.1:${http}`,
    `--grpc-address=127.0.0.1:${grpc}`,
    "--endpoint.info-timeout=1s",
    "--enable-feature=promql-experimental-functions",
    ...flags,
  ]);
  const stop = async (): Promise<void> => {
    await Promise.all([store.stop(3000), querier.stop(3000)]);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const url = `http://127.0.0.1:${http}`;
    await store.ready(`http://127.0.0.1:${storeHttp}/-/ready`);
    await querier.ready(`${url}/-/ready`);
    await seen(url);
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Waits until the querier has found its store. */
async function seen(url: string): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    const response = await fetch(`${url}/api/v1/labels?start=0&end=4000000000`);
    const body = (await response.json()) as { data?: string[]; warnings?: string[] };
    if ((body.data?.length ?? 0) > 0 && body.warnings === undefined) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("the querier does not see its store");
}

/** A Prometheus over copies of the blocks in `bucket`. */
export async function startPrometheus(
  binary: string,
  level: Level,
  bucket: string,
  names: readonly string[],
): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), "deucalion-fuzz-peer-"));
  const data = join(folder, "data");
  mkdirSync(data);
  for (const name of names) cpSync(join(bucket, name), join(data, name), { recursive: true });
  writeFileSync(join(folder, "prometheus.yml"), "global: {evaluation_interval: 1m}\n");
  const port = await freePort();
  const running = new Running("prometheus", binary, [
    `--config.file=${join(folder, "prometheus.yml")}`,
    `--storage.tsdb.path=${data}`,
    "--storage.tsdb.retention.time=100y",
    `--web.listen-address=127.0.0.1:${port}`,
    ...prometheusFeatures(level),
  ]);
  const stop = async (): Promise<void> => {
    await running.stop(3000);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    const url = `http://127.0.0.1:${port}`;
    await running.ready(`${url}/-/ready`);
    return { url, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
