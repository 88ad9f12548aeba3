// What is in a folder, with sizes and times: without detours while the disk answers at once, else beside other work.
import { readdirSync, type Stats, statSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { setImmediate } from "node:timers/promises";

/** A folder whose reading took longer than this, in ms, plus a share for each entry, lies on something slow. */
const promptMs = 25;
const promptEntryMs = 0.5;
/** So long something slow is read beside other work, in ms. */
const slowMs = 60_000;
/** Others get their turn after so much work at once, in ms. */
const turnMs = 5;

/** A file or folder; links stand for what they lead to. */
export interface FolderEntry {
  readonly name: string;
  readonly stats: Stats;
}

/**
 * Reads folders. A call of a thread and back costs ten times the call itself, and a bucket of a thousand blocks needs
 * ten thousand of them; but a network disk that hangs must not hold everything else up.
 */
export class FolderReader {
  #slowUntil = 0;
  #turnEnds = 0;

  /** Entries that exist, unordered. Throws what readdir throws; an entry that cannot be looked at is left out. */
  async read(path: string): Promise<FolderEntry[]> {
    const start = performance.now();
    if (start < this.#slowUntil) return readBeside(path);
    if (start > this.#turnEnds) {
      await setImmediate();
      this.#turnEnds = performance.now() + turnMs;
    }
    const begun = performance.now();
    const entries = readAtOnce(path);
    const end = performance.now();
    if (end - begun > promptMs + entries.length * promptEntryMs) this.#slowUntil = end + slowMs;
    return entries;
  }
}

function readAtOnce(path: string): FolderEntry[] {
  const entries: FolderEntry[] = [];
  for (const name of readdirSync(path)) {
    const stats = tryStat(`${path}/${name}`);
    if (stats !== undefined) entries.push({ name, stats });
  }
  return entries;
}

function tryStat(path: string): Stats | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

async function readBeside(path: string): Promise<FolderEntry[]> {
  const names = await readdir(path);
  const found = await Promise.all(
    names.map((name) => stat(`${path}/${name}`).catch(() => undefined)),
  );
  return found.flatMap((stats, i) => (stats === undefined ? [] : [{ name: names[i]!, stats }]));
}
