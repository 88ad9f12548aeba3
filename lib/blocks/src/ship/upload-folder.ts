// A block's files, held by hard links while they are uploaded, and what of them is in the bucket already.
import {
  constants,
  copyFile,
  link,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";

/** Below the data folder, as Thanos has it. */
const uploads = join("thanos", "upload");

/** The folder of one upload. What Prometheus deletes meanwhile stays readable here. */
export class UploadFolder {
  /** Folder with `index` and `chunks/`. */
  readonly path: string;
  readonly #record: string;
  #sent = new Map<string, number>();

  private constructor(path: string) {
    this.path = path;
    this.#record = `${path}.json`;
  }

  /** Links the files of block `id` of `dataDir`. */
  static async open(dataDir: string, id: string): Promise<UploadFolder> {
    const folder = new UploadFolder(join(dataDir, uploads, id));
    await rm(folder.path, { recursive: true, force: true });
    await mkdir(join(folder.path, "chunks"), { recursive: true, mode: 0o750 });
    const block = join(dataDir, id);
    const segments = (await readdir(join(block, "chunks"))).map((name) => join("chunks", name));
    for (const name of [...segments, "index"])
      await linkOrCopy(join(block, name), join(folder.path, name));
    try {
      const record = JSON.parse(await readFile(folder.#record, "utf8")) as Record<string, number>;
      folder.#sent = new Map(Object.entries(record));
    } catch {
      // None, or not readable: everything is sent again.
    }
    return folder;
  }

  /** Whether an earlier try sent this file, in this size, to its end. */
  wasSent(name: string, bytes: number): boolean {
    return this.#sent.get(name) === bytes;
  }

  /** Remembers a file that is in the bucket. */
  async sent(name: string, bytes: number): Promise<void> {
    this.#sent.set(name, bytes);
    // Not synced: a record that is lost costs an upload, no more.
    await writeFile(`${this.#record}.tmp`, JSON.stringify(Object.fromEntries(this.#sent)));
    await rename(`${this.#record}.tmp`, this.#record);
  }

  /** Removes the links. With `done` also what was remembered. */
  async close(done: boolean): Promise<void> {
    await rm(this.path, { recursive: true, force: true });
    if (done) await rm(this.#record, { force: true });
  }

  /** Removes what uploads of blocks that are no longer there left behind. */
  static async removeLeftovers(dataDir: string, alive: ReadonlySet<string>): Promise<void> {
    const names = await readdir(join(dataDir, uploads)).catch(() => []);
    for (const name of names) {
      const id = name.replace(/\.json(\.tmp)?$/, "");
      if (!alive.has(id)) await rm(join(dataDir, uploads, name), { recursive: true, force: true });
    }
  }
}

async function linkOrCopy(from: string, to: string): Promise<void> {
  try {
    await link(from, to);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : "";
    // Some network file systems and containers know no hard links.
    if (code !== "EPERM" && code !== "EXDEV" && code !== "ENOTSUP" && code !== "EMLINK")
      throw error;
    await copyFile(from, to, constants.COPYFILE_FICLONE);
  }
}
