// Downsampling one block: make, read back, upload; or set the block aside.
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@deucalion/base";
import { ulid } from "ulid";
import { noDownsampleMarkFile } from "../meta/markers.ts";
import type { DownsampleStep } from "../plan/plan-downsample.ts";
import { markNoDownsample } from "./bucket/block-marks.ts";
import type { Lease } from "./bucket/leases.ts";
import { uploadBlock } from "./bucket/upload-block.ts";
import type { CompactorDeps, CompactorOptions } from "./compactor-options.ts";
import { SourceBlockError } from "./merge/source-error.ts";
import { downsampledMeta, segmentNamesOf } from "./result-meta.ts";
import type { Tally } from "./tally.ts";

/** Takes the steps of a downsampling plan. */
export class DownsampleSteps {
  readonly #options: CompactorOptions;
  readonly #deps: CompactorDeps;

  constructor(options: CompactorOptions, deps: CompactorDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Makes one coarser block. Failures go to `tally`; a damaged source gets a mark. */
  async run(
    step: DownsampleStep,
    lease: Lease | null,
    tally: Tally,
    signal: AbortSignal,
  ): Promise<void> {
    const { events, log, bucket, now } = this.#deps;
    const { source } = step;
    const { resolution } = source.thanos.downsample;
    try {
      await this.#make(step, lease, signal);
      tally.downsamplings++;
    } catch (thrown) {
      signal.throwIfAborted();
      events.downsampleFailed(resolution);
      if (this.#options.haltOnError) throw thrown;
      if (thrown instanceof SourceBlockError) {
        log.warn("block is set aside: it is not downsampled until its mark is removed", {
          block: source.ulid,
          reason: thrown.reason,
          err: thrown.message,
        });
        tally.setAside.push(source.ulid);
        const { reason, message } = thrown;
        if (await markNoDownsample(bucket, source.ulid, reason, message, now(), signal)) {
          events.marked(noDownsampleMarkFile, reason);
        }
        return;
      }
      log.error("downsampling a block failed; it is tried again", {
        block: source.ulid,
        err: messageOf(thrown),
      });
      tally.failures.push(`downsampling ${source.ulid}: ${messageOf(thrown)}`);
    }
  }

  async #make(
    { source, resolutionMs }: DownsampleStep,
    lease: Lease | null,
    signal: AbortSignal,
  ): Promise<void> {
    const { bucket, executor, log, events, now } = this.#deps;
    const { acceptMalformedIndex, upload } = this.#options;
    const begun = now();
    const id = ulid(now());
    const dir = join(this.#options.workDir, "downsample", id);
    try {
      const made = await executor.run(
        { kind: "downsample", source, resolutionMs, dir, acceptMalformedIndex },
        signal,
      );
      const meta = downsampledMeta(id, source, resolutionMs, made.stats, segmentNamesOf(made));
      const content = await executor.run({ kind: "verify", meta, dir, written: made }, signal);
      const complete = { ...meta, thanos: { ...meta.thanos, index_stats: content.indexStats } };
      const commit = async (): Promise<void> => lease?.check(signal);
      await uploadBlock(bucket, dir, complete, upload, now(), commit, signal);
      const seconds = (now() - begun) / 1000;
      events.downsampled(source.thanos.downsample.resolution, seconds);
      log.info("downsampled block", { from: source.ulid, to: id, duration_ms: now() - begun });
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  }
}
