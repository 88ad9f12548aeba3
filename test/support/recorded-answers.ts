// Recorded answers of a real querier, and how to put the same requests to ours.
import { cpSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { freePort } from "@deucalion/base/testing";
import { deucalion, type Running } from "./processes.ts";
import { conformanceRoot } from "./repository.ts";

export interface RecordedAnswer {
  readonly dedup_func?: string;
  readonly path: string;
  readonly params: Readonly<Record<string, string | number | readonly string[]>>;
  readonly status: number;
  readonly body: unknown;
}

/** Lines of `blocks/<folder>/answers.jsonl.gz`. */
export function recordedAnswers(folder: string): RecordedAnswer[] {
  const file = join(conformanceRoot, "blocks", folder, "answers.jsonl.gz");
  return gunzipSync(readFileSync(file))
    .toString()
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as RecordedAnswer);
}

/** A store over a copy of a bucket, and queriers over the store. */
export class Cluster {
  readonly #folder: string;
  readonly #running: Running[];
  readonly #storeGrpc: number;

  private constructor(folder: string, running: Running[], storeGrpc: number) {
    this.#folder = folder;
    this.#running = running;
    this.#storeGrpc = storeGrpc;
  }

  /** Copies the bucket and starts the store. */
  static async start(bucket: string): Promise<Cluster> {
    const folder = mkdtempSync(join(tmpdir(), "deucalion-cluster-"));
    cpSync(bucket, join(folder, "bucket"), { recursive: true });
    const [http, grpc] = [await freePort(), await freePort()];
    const store = deucalion("store", [
      "store",
      `--objstore.config={type: FILESYSTEM, config: {directory: ${join(folder, "bucket")}}}`,
      `--data-dir=${join(folder, "data")}`,
      `--http-address=127.0.0.1:${http}`,
      `--grpc-address=127.0.0.1:${grpc}`,
    ]);
    await store.ready(`http://127.0.0.1:${http}/-/ready`);
    return new Cluster(folder, [store], grpc);
  }

  /** gRPC address of the store. */
  get storeAddress(): string {
    return `127.0.0.1:${this.#storeGrpc}`;
  }

  /** Starts a querier and returns its address once it knows the store. */
  async querier(flags: readonly string[]): Promise<string> {
    return (await this.querierWithGrpc(flags)).url;
  }

  /** Starts a querier; its HTTP and gRPC addresses once it knows the store. */
  async querierWithGrpc(flags: readonly string[]): Promise<{ url: string; grpc: string }> {
    const port = await freePort();
    const grpc = `127.0.0.1:${await freePort()}`;
    const querier = deucalion("querier", [
      "query",
      `--endpoint=127.0.0.1:${this.#storeGrpc}`,
      `--http-address=127.0.0.1:${port}`,
      `--grpc-address=${grpc}`,
      ...flags,
    ]);
    this.#running.push(querier);
    await querier.ready(`http://127.0.0.1:${port}/-/ready`);
    return { url: `http://127.0.0.1:${port}`, grpc };
  }

  async stop(): Promise<void> {
    await Promise.all(this.#running.map((one) => one.stop()));
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Puts a recorded request to a querier. */
export async function ask(
  base: string,
  recorded: RecordedAnswer,
): Promise<{ status: number; body: unknown }> {
  const params = new URLSearchParams();
  for (const [name, value] of Object.entries(recorded.params)) {
    for (const one of Array.isArray(value) ? value : [value]) params.append(name, String(one));
  }
  const response = await fetch(`${base}${recorded.path}?${params}`, {
    signal: AbortSignal.timeout(60_000),
  });
  const body = (await response.json()) as { data?: { analysis?: unknown } };
  if (body.data !== undefined && body.data !== null) delete body.data.analysis;
  return { status: response.status, body };
}
