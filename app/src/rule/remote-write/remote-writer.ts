// Sends what is in the spool to one target, in order for each series, and remembers how far it came.
import { createHash } from "node:crypto";
import { setMaxListeners } from "node:events";
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Log, messageOf } from "@deucalion/base";
import { decodeSnappyBlock, SnappyEncoder } from "@deucalion/kernels";
import { pause } from "../../prometheus/prometheus-watch.ts";
import { RuleError } from "../errors.ts";
import type { AuthorizerDeps } from "./auth/authorizer.ts";
import type { RemoteWriteTarget } from "./remote-write-config.ts";
import type { TargetMetrics } from "./remote-write-metrics.ts";
import { shardBatches, type WriteBatch } from "./shard-batches.ts";
import { comparePositions, type Spool, type SpoolPosition } from "./spool.ts";
import { WriteClient } from "./write-client.ts";

/** Bytes of the spool that are on their way at once. */
const roundBytes = 4 * 1024 * 1024;
/** The place in the spool is written down at most this often: what was sent since then is sent again after a crash. */
const rememberMs = 500;
/** A request in the spool is never larger than this. */
const payloadBytesMax = 256 * 1024 * 1024;

export interface RemoteWriterDeps {
  readonly dir: string;
  readonly spool: Spool;
  readonly log: Log;
  readonly now: () => number;
  readonly metrics: TargetMetrics;
  readonly env: AuthorizerDeps["env"];
  /** Told of each new place in the spool. */
  readonly advanced: () => void;
}

function positionFile(dir: string, { name, url }: RemoteWriteTarget): string {
  const hash = createHash("sha256").update(`${name}\n${url.href}`).digest("hex");
  return join(dir, `position-${hash.slice(0, 16)}.json`);
}

/** Where a target is; null if it was never told. All is sent again where the file is damaged. */
function readPosition(file: string): SpoolPosition | null {
  const all: SpoolPosition = { segment: 0, offset: 0 };
  try {
    const json = JSON.parse(readFileSync(file, "utf8")) as Partial<SpoolPosition> | null;
    const { segment, offset } = json ?? {};
    return Number.isSafeInteger(segment) && Number.isSafeInteger(offset)
      ? { segment: segment!, offset: offset! }
      : all;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "ENOENT" ? null : all;
  }
}

export class RemoteWriter {
  readonly #target: RemoteWriteTarget;
  readonly #deps: RemoteWriterDeps;
  readonly #client: WriteClient;
  readonly #file: string;
  readonly #log: Log;
  readonly #snappy = new SnappyEncoder();
  #position: SpoolPosition;
  #rememberedAt = 0;
  /** Batches before this place are not waited for to be full. */
  #urgent: SpoolPosition = { segment: 0, offset: 0 };
  #hurry: () => void = () => undefined;
  readonly #reached = new Set<() => void>();

  /** A target that is new begins with what is stored from now on. Throws APP_CONFIG. */
  constructor(target: RemoteWriteTarget, deps: RemoteWriterDeps) {
    this.#target = target;
    this.#deps = deps;
    this.#client = new WriteClient(target, deps);
    this.#file = positionFile(deps.dir, target);
    this.#log = deps.log.with({ remote_name: target.name, url: target.url.href });
    this.#position = deps.spool.clamp(readPosition(this.#file) ?? deps.spool.end);
    this.#remember();
  }

  /** Everything before was sent, or will never be. */
  get position(): SpoolPosition {
    return this.#position;
  }

  /** Sends up to a place at once; resolves when that was done, after so many ms, or when the signal aborts. */
  async reach(end: SpoolPosition, ms: number, signal: AbortSignal): Promise<void> {
    const stop = new AbortController();
    const done = (): void => {
      if (comparePositions(this.#position, end) >= 0) stop.abort();
    };
    const onAbort = (): void => stop.abort();
    this.#reached.add(done);
    signal.addEventListener("abort", onAbort);
    if (comparePositions(this.#urgent, end) < 0) this.#urgent = end;
    this.#hurry();
    done();
    await pause(ms, stop.signal);
    signal.removeEventListener("abort", onAbort);
    this.#reached.delete(done);
  }

  /** A full disk does not stop the sending: more is sent again after a crash. */
  #remember(): void {
    this.#rememberedAt = this.#deps.now();
    try {
      writeFileSync(`${this.#file}.tmp`, JSON.stringify(this.#position));
      renameSync(`${this.#file}.tmp`, this.#file);
    } catch (error) {
      this.#log.warn("the place of remote write cannot be written", { err: messageOf(error) });
    }
  }

  /** Sends until the signal aborts; `hard` ends requests under way. */
  async run(signal: AbortSignal, hard: AbortSignal): Promise<void> {
    const { spool, now, advanced } = this.#deps;
    // Each request of a round listens.
    setMaxListeners(0, hard);
    try {
      while (!hard.aborted) {
        if (comparePositions(this.#position, spool.end) >= 0) {
          if (signal.aborted) break;
          await spool.more(this.#position, signal);
          continue;
        }
        await this.#gather(signal);
        const { payloads, next } = await spool.read(this.#position, roundBytes);
        await this.#send(payloads, hard);
        this.#position = next;
        if (now() - this.#rememberedAt >= rememberMs) this.#remember();
        advanced();
        for (const look of this.#reached) look();
      }
    } catch (error) {
      if (!hard.aborted) throw error;
    } finally {
      this.#remember();
      this.#client.close();
    }
  }

  /** Waits for more, as long as a batch may wait and is not full. */
  async #gather(signal: AbortSignal): Promise<void> {
    const { spool } = this.#deps;
    const { batchDeadlineMs, samplesPerSendMax } = this.#target.queue;
    // A sample takes some 100 bytes; compressed, fewer: a full batch is one that is surely full.
    const full = samplesPerSendMax * 100;
    const untilMs = this.#deps.now() + batchDeadlineMs;
    const step = Math.max(5, Math.min(250, batchDeadlineMs / 4));
    const hurried = new AbortController();
    const stop = AbortSignal.any([signal, hurried.signal]);
    this.#hurry = () => hurried.abort();
    while (
      !stop.aborted &&
      comparePositions(this.#urgent, this.#position) <= 0 &&
      this.#deps.now() < untilMs &&
      spool.bytesFrom(this.#position) < full
    ) {
      await pause(Math.min(step, Math.max(1, untilMs - this.#deps.now())), stop);
    }
    this.#hurry = () => undefined;
  }

  async #send(payloads: readonly Uint8Array[], hard: AbortSignal): Promise<void> {
    const { metrics, now } = this.#deps;
    const plain = payloads.map((payload) => decodeSnappyBlock(payload, payloadBytesMax));
    const { shards, samples, dropped } = shardBatches(plain, this.#target, now());
    for (const [reason, count] of Object.entries(dropped)) metrics.dropped(reason, count);
    metrics.pending(samples);
    metrics.shards(shards.length);
    await Promise.all(
      shards.map(async (batches) => {
        for (const batch of batches) await this.#sendBatch(batch, hard);
      }),
    );
    metrics.pending(0);
  }

  /** Sends until it is taken or refused for good. Throws the signal's reason. */
  async #sendBatch(batch: WriteBatch, hard: AbortSignal): Promise<void> {
    const { metrics, now } = this.#deps;
    const { queue } = this.#target;
    const body = this.#snappy.encode(batch.request).slice();
    let backoffMs = queue.backoffMinMs;
    for (let attempt = 0; ; attempt++) {
      hard.throwIfAborted();
      const begun = now();
      try {
        const missing = await this.#client.post(batch, body, attempt, hard);
        metrics.sent(batch.samples, batch.histograms, body.length, (now() - begun) / 1000);
        metrics.highestSent(batch.newestMs);
        if (missing > 0) {
          metrics.failed(missing);
          this.#log.error("a 2xx status, and yet some data was not written", { count: missing });
        }
        return;
      } catch (error) {
        hard.throwIfAborted();
        const status = error instanceof RuleError ? Number(error.data.status) : 0;
        const again = status === 0 || status >= 500 || (status === 429 && queue.retryOn429);
        const err = messageOf(error);
        if (!again) {
          metrics.failed(batch.samples);
          this.#log.error("non-recoverable error", { count: batch.samples, err });
          return;
        }
        metrics.retried(batch.samples);
        this.#log.warn("Failed to send batch, retrying", { err });
        const told = error instanceof RuleError ? Number(error.data.retryAfterMs ?? 0) : 0;
        await pause(told > 0 ? told : backoffMs, hard);
        backoffMs = Math.min(queue.backoffMaxMs, 2 * backoffMs);
      }
    }
  }
}
