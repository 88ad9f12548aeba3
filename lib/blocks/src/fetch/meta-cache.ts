// Block metas that were read before: in memory, and in a folder so that a restart need not read them again.
import { readdirSync, readFileSync } from "node:fs";
import { mkdir, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { type Log, messageOf } from "@deucalion/base";
import { eachLimited } from "../each-limited.ts";
import { type BlockMeta, parseBlockMeta } from "../meta/block-meta.ts";
import { blockIdOf } from "./block-lister.ts";

/** Files written at once. */
const writesAtOnce = 4;

/** Others get their turn after so many ms of reading files. */
const turnMs = 5;

/** A cache in `<folder>/<ulid>/meta.json`; best effort, its errors are logged. No folder, no files. */
export class MetaCache {
  readonly #folder: string | undefined;
  readonly #log: Log;
  readonly #known = new Map<string, { meta: BlockMeta; modifiedMs: number }>();
  /** Blocks with a file; undefined before the folder was looked at. */
  #files: Set<string> | undefined;
  /** Texts that have no file yet. */
  readonly #unwritten = new Map<string, string>();
  #writing: Promise<void> | undefined;
  #turnEnds = 0;

  constructor(folder: string | undefined, log: Log) {
    this.#folder = folder;
    this.#log = log;
  }

  #filesOf(folder: string): Set<string> {
    if (this.#files === undefined) {
      try {
        this.#files = new Set(readdirSync(folder));
      } catch {
        this.#files = new Set();
      }
    }
    return this.#files;
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
    if (this.#folder === undefined || !this.#filesOf(this.#folder).has(id)) return undefined;
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

  /** Keeps a meta in memory; `flush` writes its file. */
  put(id: string, modifiedMs: number, meta: BlockMeta, text: string): void {
    this.#known.set(id, { meta, modifiedMs });
    if (this.#folder !== undefined) this.#unwritten.set(id, text);
  }

  /** How many metas have no file yet. */
  get unwritten(): number {
    return this.#unwritten.size;
  }

  /** Writes the files of new metas. A query need not wait for it: what is not written is read from the bucket again. */
  flush(): Promise<void> {
    this.#writing ??= eachLimited(this.#takeUnwritten(), writesAtOnce, ([id, text]) =>
      this.#write(id, text),
    ).finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  *#takeUnwritten(): Generator<[string, string]> {
    for (const [id, text] of this.#unwritten) {
      this.#unwritten.delete(id);
      yield [id, text];
    }
  }

  async #write(id: string, text: string): Promise<void> {
    if (this.#folder === undefined || !this.#known.has(id)) return;
    const folder = join(this.#folder, id);
    try {
      await mkdir(folder, { recursive: true });
      await writeFile(join(folder, "meta.json.tmp"), text);
      await rename(join(folder, "meta.json.tmp"), join(folder, "meta.json"));
      this.#files?.add(id);
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
    this.#unwritten.delete(id);
    this.#files?.delete(id);
    await rm(join(this.#folder, id), { recursive: true, force: true }).catch((error: unknown) => {
      this.#log.warn("could not remove cached meta.json", { block: id, err: messageOf(error) });
    });
  }
}
