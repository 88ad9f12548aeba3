// Temporary files of uploads whose process was killed: found while folders are listed, removed by whoever writes next.
import type { Stats } from "node:fs";
import { readdir, rmdir, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";

/** Part of the names of files that are being uploaded; such files are never listed. */
export const temporaryMark = ".deucalion-upload-";

/** An upload writes all the time, and making a link counts as a change: what nobody changed for so long was given up. */
const staleMs = 24 * 3_600_000;
/** Paths that are remembered at most; others are met again. */
const pathsMax = 10_000;

/** Remembers what was left over. Reading alone changes nothing in the folder. */
export class StaleUploads {
  readonly #root: string;
  readonly #now: () => number;
  readonly #paths = new Set<string>();

  constructor(root: string, now: () => number) {
    this.#root = root;
    this.#now = now;
  }

  /** Remembers a temporary file if nobody has changed it for a day. */
  note(path: string, stats: Stats): void {
    // The time of the last change of any kind: that of the content may be older than the upload.
    if (this.#now() - stats.ctimeMs < staleMs || this.#paths.size >= pathsMax) return;
    this.#paths.add(path);
  }

  /** As `note`, for all temporary files below a folder that holds no others. */
  async noteBelow(folder: string): Promise<void> {
    for (const entry of await readdir(folder, { withFileTypes: true }).catch(() => [])) {
      const path = join(folder, entry.name);
      if (entry.isDirectory()) await this.noteBelow(path);
      else if (entry.name.includes(temporaryMark)) {
        const stats = await stat(path).catch(() => null);
        if (stats !== null) this.note(path, stats);
      }
    }
  }

  /** Removes what was noted, and folders that become empty. What cannot be removed stays. */
  async remove(): Promise<void> {
    if (this.#paths.size === 0) return;
    const paths = [...this.#paths];
    this.#paths.clear();
    for (const path of paths) {
      await unlink(path).catch(() => undefined);
      await removeEmptyFolders(dirname(path), this.#root);
    }
  }
}

/** Folders do not exist in object stores: those that became empty go with their last object. */
export async function removeEmptyFolders(from: string, root: string): Promise<void> {
  for (let folder = from; folder !== root; folder = dirname(folder)) {
    try {
      await rmdir(folder);
    } catch {
      return;
    }
  }
}
