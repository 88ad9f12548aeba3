// Uploads the blocks of a data folder to a bucket, each once and complete.
import { join } from "node:path";
import { type Log, messageOf } from "@deucalion/base";
import type { Labels } from "@deucalion/model";
import { type Bucket, isNotFound } from "@deucalion/objstore";
import { blockFiles } from "../compact/bucket/upload-block.ts";
import { eachLimited } from "../each-limited.ts";
import { BlocksError } from "../errors.ts";
import type { BlockFile, BlockMeta } from "../meta/block-meta.ts";
import { formatGoMeta } from "../meta/go-meta.ts";
import { type LocalBlock, localBlocks } from "./local-blocks.ts";
import { OverlapChecker } from "./overlap-checker.ts";
import { readShipperFile, shipperFileName, writeShipperFile } from "./shipper-file.ts";
import { UploadFolder } from "./upload-folder.ts";

export interface ShipperOptions {
  /** The data folder. */
  readonly dir: string;
  /** What meta.json names as the origin: sidecar, receive, ruler. */
  readonly source: string;
  /** Name of the file that remembers what was uploaded. */
  readonly metaFileName: string;
  /** Blocks of levels above 1, too. */
  readonly uploadCompacted: boolean;
  /** Go on with later blocks when one fails. */
  readonly allowOutOfOrderUploads: boolean;
  /** Leave blocks out that cannot be read. */
  readonly skipCorruptedBlocks: boolean;
  /** SHA-256 of each file into meta.json. */
  readonly hash: boolean;
  readonly filesAtOnce: number;
}

export const shipperDefaults: Omit<ShipperOptions, "dir" | "source"> = {
  metaFileName: shipperFileName,
  uploadCompacted: false,
  allowOutOfOrderUploads: false,
  skipCorruptedBlocks: false,
  hash: false,
  filesAtOnce: 1,
};

/** Where the figures go; the names are those of the `thanos_shipper_*` metrics. */
export interface ShipperEvents {
  /** `dir_syncs_total`, or `dir_sync_failures_total` */
  synced(ok: boolean): void;
  /** `uploads_total` */
  uploaded(): void;
  /** `upload_failures_total` */
  uploadFailed(): void;
  /** `corrupted_blocks_total` */
  corrupted(blocks: number): void;
  /** `upload_compacted_done` */
  compactedDone(done: boolean): void;
  /** Blocks that wait for their upload, and since when the oldest is complete (ms; undefined if none waits). */
  waiting(blocks: number, sinceMs: number | undefined): void;
}

export interface ShipperDeps {
  readonly bucket: Bucket;
  /** External labels of the moment. */
  readonly labels: () => Labels;
  readonly log: Log;
  readonly now: () => number;
  readonly events: ShipperEvents;
}

/** Uploads what is new with each `sync`. One at a time; a compactor may work on the same bucket. */
export class Shipper {
  readonly #options: ShipperOptions;
  readonly #deps: ShipperDeps;

  constructor(options: ShipperOptions, deps: ShipperDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  get #file(): string {
    return join(this.#options.dir, this.#options.metaFileName);
  }

  /** Ids of blocks that are known to be in the bucket. */
  async uploadedBlocks(): Promise<ReadonlySet<string>> {
    return new Set(await readShipperFile(this.#file).catch(() => undefined));
  }

  /** True if every local block is known to be in the bucket. */
  async allUploaded(): Promise<boolean> {
    const { blocks } = await localBlocks(this.#options.dir);
    const uploaded = await this.uploadedBlocks();
    return blocks.every(({ meta }) => uploaded.has(meta.ulid));
  }

  /** Uploads what is new and returns how many blocks that were. Throws what stopped it. */
  async sync(signal: AbortSignal): Promise<number> {
    const { events, log } = this.#deps;
    let before: readonly string[] = [];
    try {
      const found = await readShipperFile(this.#file);
      if (found === undefined)
        log.info("no meta file found, creating empty meta data to write later");
      before = found ?? [];
    } catch (error) {
      log.error("failed to read meta file, creating empty meta data to write later", {
        err: messageOf(error),
      });
    }
    let blocks: readonly LocalBlock[];
    let failed: ReadonlyMap<string, string>;
    try {
      ({ blocks, failed } = await localBlocks(this.#options.dir));
      this.#reportFailed(failed);
    } catch (error) {
      events.synced(false);
      throw error;
    }
    const run = new SyncRun(this.#options, this.#deps, before);
    try {
      await run.ship(blocks, signal);
    } catch (error) {
      events.synced(false);
      throw error;
    } finally {
      await this.#remember(run.kept(blocks));
      await UploadFolder.removeLeftovers(
        this.#options.dir,
        new Set(blocks.map(({ meta }) => meta.ulid)),
      ).catch(() => undefined);
    }
    events.synced(true);
    if (run.failures > 0 || failed.size > 0) {
      events.corrupted(failed.size);
      throw new BlocksError("BLOCKS_SHIP", `failed to sync ${run.failures}/${failed.size} blocks`);
    }
    events.compactedDone(this.#options.uploadCompacted);
    return run.uploads;
  }

  #reportFailed(failed: ReadonlyMap<string, string>): void {
    for (const [id, reason] of failed) {
      if (!this.#options.skipCorruptedBlocks)
        throw new BlocksError("BLOCKS_SHIP", `read metadata for block ${id}: ${reason}`, { id });
      this.#deps.log.error("read metadata for block", { block: id, err: reason });
    }
  }

  async #remember(ids: readonly string[]): Promise<void> {
    try {
      await writeShipperFile(this.#file, ids);
    } catch (error) {
      this.#deps.log.warn("updating meta file failed", { err: messageOf(error) });
    }
  }
}

/** One round over the local blocks. */
class SyncRun {
  uploads = 0;
  failures = 0;
  readonly #options: ShipperOptions;
  readonly #deps: ShipperDeps;
  /** In the bucket, by what we know. */
  readonly #there: Set<string>;
  readonly #waiting = new Map<string, number>();
  #checker: OverlapChecker | undefined;

  constructor(options: ShipperOptions, deps: ShipperDeps, before: readonly string[]) {
    this.#options = options;
    this.#deps = deps;
    this.#there = new Set(before);
  }

  /** What the file says next: blocks in the bucket that still lie here, oldest first. */
  kept(blocks: readonly LocalBlock[]): string[] {
    return blocks.map(({ meta }) => meta.ulid).filter((id) => this.#there.has(id));
  }

  async ship(blocks: readonly LocalBlock[], signal: AbortSignal): Promise<void> {
    const todo = blocks.filter(({ meta }) => this.#isForUpload(meta));
    for (const { meta, writtenMs } of todo) this.#waiting.set(meta.ulid, writtenMs);
    this.#report();
    try {
      for (const { meta } of todo) {
        await this.#shipOne(meta, signal);
        if (this.#there.has(meta.ulid)) this.#waiting.delete(meta.ulid);
      }
    } finally {
      this.#report();
    }
  }

  #report(): void {
    const since = this.#waiting.size === 0 ? undefined : Math.min(...this.#waiting.values());
    this.#deps.events.waiting(this.#waiting.size, since);
  }

  #isForUpload(meta: BlockMeta): boolean {
    if (this.#there.has(meta.ulid)) return false;
    if ((meta.stats.numSamples ?? 0) === 0) return false;
    return meta.compaction.level <= 1 || this.#options.uploadCompacted;
  }

  async #shipOne(meta: BlockMeta, signal: AbortSignal): Promise<void> {
    const { bucket, labels, log, events } = this.#deps;
    const id = meta.ulid;
    if (await bucket.exists(`${id}/meta.json`, signal)) {
      this.#there.add(id);
      return;
    }
    if (meta.compaction.level > 1 && !this.#options.allowOutOfOrderUploads) {
      this.#checker ??= new OverlapChecker(bucket, labels());
      await this.#checker.check(meta, signal);
    }
    try {
      await this.#upload(meta, signal);
    } catch (error) {
      events.uploadFailed();
      if (signal.aborted || !this.#options.allowOutOfOrderUploads) throw error;
      log.error("shipping failed", { block: id, err: messageOf(error) });
      this.failures++;
      return;
    }
    this.#there.add(id);
    this.#checker?.add(meta);
    this.uploads++;
    events.uploaded();
  }

  async #upload(local: BlockMeta, signal: AbortSignal): Promise<void> {
    const { bucket, log, now } = this.#deps;
    const id = local.ulid;
    const labels = { ...local.thanos.labels, ...Object.fromEntries(this.#deps.labels()) };
    if (Object.keys(labels).length === 0)
      throw new BlocksError(
        "BLOCKS_SHIP",
        "empty external labels are not allowed for Thanos block",
        { id },
      );
    log.info("upload new block", { id });
    const folder = await UploadFolder.open(this.#options.dir, id);
    let done = false;
    try {
      const files = await blockFiles(folder.path, this.#options.hash);
      const data = files.filter((file) => file.size_bytes !== undefined);
      const segments = data.filter((file) => file.rel_path.startsWith("chunks/"));
      const upload = (file: BlockFile): Promise<void> => this.#uploadFile(folder, id, file, signal);
      await eachLimited(segments, Math.max(1, this.#options.filesAtOnce), upload);
      await upload(data.find((file) => file.rel_path === "index")!);
      const meta: BlockMeta = {
        ...local,
        thanos: {
          ...local.thanos,
          labels,
          source: this.#options.source,
          segment_files: segments.map((file) => file.rel_path.slice("chunks/".length)),
          files,
          upload_time: new Date(now()).toISOString(),
        },
      };
      const text = new TextEncoder().encode(`${formatGoMeta(meta)}\n`);
      await bucket.upload(`${id}/meta.json`, text, {}, signal);
      done = true;
    } finally {
      await folder.close(done).catch((error: unknown) => {
        log.error("failed to clean upload directory", { err: messageOf(error) });
      });
    }
  }

  /** Sends a file unless an earlier try did; the size in the bucket decides, in both cases. */
  async #uploadFile(
    folder: UploadFolder,
    id: string,
    { rel_path: path, size_bytes: bytes = 0 }: BlockFile,
    signal: AbortSignal,
  ): Promise<void> {
    const { bucket, log } = this.#deps;
    const name = `${id}/${path}`;
    if (folder.wasSent(path, bytes) && (await sizeOf(bucket, name, signal)) === bytes) {
      log.debug("file is in the bucket already", { name });
      return;
    }
    await bucket.upload(name, { path: join(folder.path, path) }, {}, signal);
    const size = await sizeOf(bucket, name, signal);
    if (size !== bytes)
      throw new BlocksError(
        "BLOCKS_SHIP",
        `${name} has ${size ?? "no"} bytes after its upload, not ${bytes}`,
        { name, size: size ?? -1, bytes },
      );
    await folder.sent(path, bytes);
  }
}

async function sizeOf(
  bucket: Bucket,
  name: string,
  signal: AbortSignal,
): Promise<number | undefined> {
  try {
    return (await bucket.attributes(name, signal)).size;
  } catch (error) {
    if (isNotFound(error)) return undefined;
    throw error;
  }
}
