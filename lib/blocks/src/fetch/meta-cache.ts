// Block metas that were read before: in memory, and in a folder so that a restart need not read them again.
import { readFileSync } from "node:fs";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { type Log, messageOf } from "@deucalion/base";
import { type BlockMeta, parseBlockMeta } from "../meta/block-meta.ts";
import { blockIdOf } from "./block-lister.ts";

/** Others get their turn after so many ms of reading files. */
const turnMs = 5;

/** A cache in `<folder>/<ulid>/meta.json`; best effort, its errors are logged. No folder, no files. */
export class MetaCache {
  readonly #folder: string | undefined;
  readonly #log: Log;
  readonly #known = new Map<string, { meta: BlockMeta; modifiedMs: number }>();
  #turnEnds = 0;

  constructor(folder: string | undefined, log: Log) {
    this.#folder = folder;
    this.#log = log;
  }

  get size(): number {
    return this.#known.size;
  }

  /** The cached meta, unless the listing shows that it was replaced since. */
  async get(id: string, modifiedMs: number): Promise<BlockMeta | undefined> {
    const known = this.#known.get(id);
    if (known !== undefined) {
      const unknown = known.modifiedMs === 0 || modifiedMs === 0;
      if (unknown || known.modifiedMs === modifiedMs) return known.meta;
      this.#known.delete(id);
      await this.#remove(id);
      return undefined;
    }
    if (this.#folder === undefined) return undefined;
    if (performance.now() > this.#turnEnds) {
      await setImmediate();
      this.#turnEnds = performance.now() + turnMs;
    }
    try {
      // The folder is a local one: asking a thread for a small file costs many times what reading it does.
      const text = readFileSync(join(this.#folder, id, "meta.json"), "utf8");
      const meta = parseBlockMeta(text);
      this.#known.set(id, { meta, modifiedMs });
      return meta;
    } catch (error) {
      if (!(error instanceof Error && "code" in error && error.code === "ENOENT"))
        await this.#remove(id);
      return undefined;
    }
  }

  async put(id: string, modifiedMs: number, meta: BlockMeta, text: string): Promise<void> {
    this.#known.set(id, { meta, modifiedMs });
    if (this.#folder === undefined) return;
    const folder = join(this.#folder, id);
    try {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, "meta.json.tmp"), text);
      await rename(join(folder, "meta.json.tmp"), join(folder, "meta.json"));
    } catch (error) {
      this.#log.warn("could not cache meta.json", { block: id, err: messageOf(error) });
    }
  }

  /** Forgets every block that is not in `ids`. Only for a complete view of the bucket. */
  async keepOnly(ids: { has(id: string): boolean }): Promise<void> {
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
    if (this.#folder === undefined) return;
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names)
      if (blockIdOf(name) !== undefined && !ids.has(name)) await this.#remove(name);
  }

  async #remove(id: string): Promise<void> {
    if (this.#folder === undefined) return;
    await rm(join(this.#folder, id), { recursive: true, force: true }).catch((error: unknown) => {
      this.#log.warn("could not remove cached meta.json", { block: id, err: messageOf(error) });
    });
  }
}
