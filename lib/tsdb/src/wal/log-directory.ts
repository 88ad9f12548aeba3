// The segments of a log, its checkpoints and snapshots, by their names.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { messageOf } from "@deucalion/base";
import { type LogDamage, type LogRecord, readLogSegment } from "./log-reader.ts";

/** A numbered file or folder. */
export interface NumberedName {
  readonly name: string;
  readonly number: number;
}

async function namesIn(dir: string): Promise<string[]> {
  try {
    return await readdir(dir);
  } catch (thrown) {
    if ((thrown as NodeJS.ErrnoException).code === "ENOENT") return [];
    throw thrown;
  }
}

/** Segments of a folder in order; none where the folder does not exist. */
export async function listSegments(dir: string): Promise<NumberedName[]> {
  const found = (await namesIn(dir)).filter((name) => /^\d{6,}$/.test(name));
  return found.map((name) => ({ name, number: Number(name) })).sort((a, b) => a.number - b.number);
}

/** The last complete checkpoint of a log; its number is that of the last segment it stands for. */
export async function lastCheckpoint(dir: string): Promise<NumberedName | null> {
  const found = (await namesIn(dir))
    .map((name) => ({ name, number: Number(/^checkpoint\.(\d+)$/.exec(name)?.[1] ?? -1) }))
    .filter(({ number }) => number >= 0)
    .sort((a, b) => a.number - b.number);
  return found.at(-1) ?? null;
}

/** The last memory snapshot of a data folder: it stands for the log up to `offset` of segment `number`. */
export async function lastSnapshot(
  dir: string,
): Promise<(NumberedName & { readonly offset: number }) | null> {
  const found = (await namesIn(dir))
    .map((name) => ({ name, parts: /^chunk_snapshot\.(\d+)\.(\d+)$/.exec(name) }))
    .filter(({ parts }) => parts !== null)
    .map(({ name, parts }) => ({ name, number: Number(parts![1]), offset: Number(parts![2]) }))
    .sort((a, b) => a.number - b.number || a.offset - b.offset);
  return found.at(-1) ?? null;
}

/** Records of one segment file. A file that cannot be read is reported and empty. */
export async function* readSegmentFile(
  dir: string,
  segment: NumberedName,
  report: (damage: LogDamage & { readonly file: string }) => void,
): AsyncIterable<LogRecord> {
  const file = join(dir, segment.name);
  let data: Uint8Array;
  try {
    data = await readFile(file);
  } catch (thrown) {
    report({ file, offset: 0, reason: messageOf(thrown) });
    return;
  }
  yield* readLogSegment(data, (damage) => report({ file, ...damage }));
}
