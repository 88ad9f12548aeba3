// Ended segments of a log whose sync failed: each is written again to a new file.
import { existsSync, renameSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@deucalion/base";
import { syncDirectory, writeSynced } from "../../../block/durable-files.ts";
import { TsdbError } from "../../../errors.ts";
import { readLogSegment } from "../../../wal/log-reader.ts";
import { type EndedSegment, segmentName } from "../../../wal/log-writer.ts";
import type { LiveHeadDeps } from "../live-options.ts";

const pauseMs = 1000;
/** Work in one go at most, in bytes of log, before others get their turn. */
const turnBytes = 1 << 20;

/**
 * After a failed sync the kernel may take the pages for clean and drop them: that a second sync of the same file ends
 * well says nothing. So what the segment holds is read, while it is still there, checked, and written to a new file that
 * takes its place once it is durable. Until then nobody may be told that something is stored.
 */
export class SegmentRescue {
  readonly #report: LiveHeadDeps["report"];
  /** Paths of segments that wait. */
  readonly #waiting = new Set<string>();
  #closed = false;

  constructor(report: LiveHeadDeps["report"]) {
    this.#report = report;
  }

  /** Takes a segment on and begins at once. */
  add(dir: string, segment: EndedSegment, error: Error): void {
    const path = join(dir, segmentName(segment.number));
    this.#report({ file: path, offset: 0, reason: `sync of the log: ${error.message}` });
    if (this.#closed) return;
    this.#waiting.add(path);
    void this.#attempt(dir, path, segment.records);
  }

  /** Throws TSDB_WAL_SYNC while segments wait. */
  assertNone(): void {
    if (this.#waiting.size === 0) return;
    throw new TsdbError(
      "TSDB_WAL_SYNC",
      "a segment of the log could not be made durable; it is being written again",
      { segments: this.#waiting.size },
    );
  }

  async #attempt(dir: string, path: string, records: number): Promise<void> {
    try {
      await this.#writeAgain(dir, path, records);
      this.#waiting.delete(path);
    } catch (thrown) {
      if (this.#closed) return;
      this.#report({ file: path, offset: 0, reason: `writing it again: ${messageOf(thrown)}` });
      setTimeout(() => {
        if (!this.#closed) void this.#attempt(dir, path, records);
      }, pauseMs).unref();
    }
  }

  async #writeAgain(dir: string, path: string, want: number): Promise<void> {
    let data: Uint8Array;
    try {
      data = await readFile(path);
    } catch (thrown) {
      // A checkpoint or blocks stand for it by now.
      if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return;
      throw thrown;
    }
    let got = 0;
    let next = turnBytes;
    const records = readLogSegment(data, ({ offset, reason }) =>
      this.#report({ file: path, offset, reason }),
    );
    for (const { offset } of records) {
      got++;
      if (offset < next) continue;
      next = offset + turnBytes;
      await new Promise((resolve) => setImmediate(resolve));
    }
    if (got < want) {
      // What the kernel lost is in memory, and will be in the next block; there is nothing to write it from.
      this.#report({ file: path, offset: 0, reason: `${want - got} records of ${want} are gone` });
      return;
    }
    const temporary = `${path}.tmp`;
    try {
      await writeSynced(temporary, data);
      if (this.#closed || !existsSync(path)) return;
      renameSync(temporary, path);
    } finally {
      await rm(temporary, { force: true });
    }
    await syncDirectory(dir);
  }

  /** Attempts end; what waits stays as it is. */
  close(): void {
    this.#closed = true;
  }
}
