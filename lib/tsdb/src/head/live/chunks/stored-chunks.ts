// What the files of head chunks hold when a head is opened.
import { mkdir, readdir, readFile, truncate, unlink } from "node:fs/promises";
import { join } from "node:path";
import { TsdbError } from "../../../errors.ts";
import { readHeadChunks } from "../../../wal/head-chunks.ts";
import type { LiveHeadDeps } from "../live-options.ts";
import { headChunkFileNumber } from "./head-chunk-files.ts";

/** Entries of head chunk files as columns, and by series. */
export interface StoredChunks {
  readonly refs: number[];
  readonly minTimes: number[];
  readonly maxTimes: number[];
  readonly encodings: number[];
  readonly inOrder: Map<number, number[]>;
  readonly outOfOrder: Map<number, number[]>;
  lastRef: number;
}

/** Reads the files of head chunks; from the first damage on they are cut off, since the logs have what they held. */
export async function loadHeadChunks(
  folder: string,
  minValidTime: number,
  deps: LiveHeadDeps,
): Promise<StoredChunks> {
  const stored: StoredChunks = {
    refs: [],
    minTimes: [],
    maxTimes: [],
    encodings: [],
    inOrder: new Map(),
    outOfOrder: new Map(),
    lastRef: -1,
  };
  await mkdir(folder, { recursive: true });
  const names = (await readdir(folder)).filter((name) => headChunkFileNumber(name) >= 0).sort();
  let damaged = false;
  for (const name of names) {
    const file = join(folder, name);
    if (damaged) {
      await unlink(file);
      continue;
    }
    const data = await readFile(file);
    try {
      for (const entry of readHeadChunks(data, headChunkFileNumber(name))) {
        stored.lastRef = entry.chunkRef;
        if (entry.encoding < 1 || entry.encoding > 6) continue;
        if (!entry.outOfOrder && entry.maxTime < minValidTime) continue;
        const map = entry.outOfOrder ? stored.outOfOrder : stored.inOrder;
        const list = map.get(entry.seriesRef) ?? [];
        const last = list.at(-1);
        if (!entry.outOfOrder && last !== undefined && stored.maxTimes[last]! >= entry.minTime) {
          throw new TsdbError("TSDB_HEAD_CHUNKS", "out of sequence m-mapped chunk", {
            offset: entry.chunkRef % 4294967296,
          });
        }
        list.push(stored.refs.length);
        map.set(entry.seriesRef, list);
        stored.refs.push(entry.chunkRef);
        stored.minTimes.push(entry.minTime);
        stored.maxTimes.push(entry.maxTime);
        stored.encodings.push(entry.encoding);
      }
    } catch (thrown) {
      if (!(thrown instanceof TsdbError)) throw thrown;
      // From here on the logs are asked: what they skip would otherwise be missing.
      const offset = Number(thrown.data.offset ?? 0);
      deps.report({ file, offset, reason: thrown.message });
      damaged = true;
      if (offset >= 8) await truncate(file, offset);
      else await unlink(file);
    }
  }
  return stored;
}
