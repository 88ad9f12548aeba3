// Mends segments of a log that are damaged.
import { rename, rm } from "node:fs/promises";
import { join } from "node:path";
import type { NumberedName } from "../../../wal/log-directory.ts";
import { readLogSegment } from "../../../wal/log-reader.ts";
import { LogWriter, segmentName } from "../../../wal/log-writer.ts";

/** Writes a segment again with only its sound records. */
export async function mendSegment(
  dir: string,
  segment: NumberedName,
  data: Uint8Array,
): Promise<void> {
  const folder = join(dir, `mend.${segmentName(segment.number)}.tmp`);
  await rm(folder, { recursive: true, force: true });
  const writer = LogWriter.open(
    folder,
    segment.number,
    { syncFailed: null },
    // What was compressed better before may need more room now: never begin another segment.
    { segmentBytes: Number.MAX_SAFE_INTEGER, compress: true },
  );
  for (const record of readLogSegment(data, () => undefined)) {
    writer.append(record.data);
    writer.flush();
  }
  writer.close();
  await rename(join(folder, segmentName(segment.number)), join(dir, segment.name));
  await rm(folder, { recursive: true, force: true });
}
