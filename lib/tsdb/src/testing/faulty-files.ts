// Makes writes and syncs of files fail now and then, in a process of its own: `node --import faulty-files.js …`.
//
// DEUCALION_FILE_FAULTS says how, as JSON: `FileFaults`. What fails: opening files to write, writing (whole, or only a part
// of it is written), syncing, renaming. With a quarter of the faults a short time begins in which everything fails, like a
// disk that is full or gone. A file whose first sync fails may lose what it holds, unless it has more than one name.
import fs, { type PathLike } from "node:fs";
import fsPromises, { type FileHandle } from "node:fs/promises";
import { syncBuiltinESMExports } from "node:module";

export interface FileFaults {
  /** Only files in this folder. */
  readonly dir: string;
  /** Chance of a fault for each call. */
  readonly rate: number;
  readonly seed: number;
}

const burstMsMax = 120;

/** Whether a call fails, from a seed. */
class Dice {
  readonly #rate: number;
  #state: number;
  #burstEnd = 0;

  constructor({ rate, seed }: FileFaults) {
    this.#rate = rate;
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let t = this.#state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }

  fails(): boolean {
    const now = Date.now();
    if (now < this.#burstEnd) return true;
    if (this.next() >= this.#rate) return false;
    if (this.next() < 0.25) this.#burstEnd = now + this.next() * burstMsMax;
    return true;
  }
}

function fault(code: "EIO" | "ENOSPC", call: string): NodeJS.ErrnoException {
  const error: NodeJS.ErrnoException = new Error(`${code}: injected, ${call}`);
  error.code = code;
  error.syscall = call;
  return error;
}

/** Replaces functions of `node:fs`, for good. */
export async function injectFileFaults(faults: FileFaults): Promise<void> {
  const dice = new Dice(faults);
  const real = {
    openSync: fs.openSync,
    writeSync: fs.writeSync,
    fsyncSync: fs.fsyncSync,
    fdatasync: fs.fdatasync,
    fdatasyncSync: fs.fdatasyncSync,
    renameSync: fs.renameSync,
    rename: fsPromises.rename,
  };
  const within = (path: PathLike): boolean => String(path).startsWith(faults.dir);
  const ours = (fd: number): boolean => {
    try {
      return within(fs.readlinkSync(`/proc/self/fd/${fd}`));
    } catch {
      return false;
    }
  };
  const strikes = (fd: number): boolean => ours(fd) && dice.fails();
  const handle = await fsPromises.open("/dev/null", "r");
  const shared = Object.getPrototypeOf(handle) as FileHandle;
  await handle.close();

  fs.openSync = (path, flags, mode) => {
    const writes = typeof flags === "string" && /[aw]/.test(flags);
    if (writes && within(path) && dice.fails()) throw fault("ENOSPC", "open");
    return real.openSync(path, flags!, mode);
  };
  fs.writeSync = ((fd: number, data: Uint8Array, offset: number, length: number) => {
    if (typeof data !== "string" && length > 0 && strikes(fd)) {
      if (length < 2 || dice.next() < 0.5) throw fault("ENOSPC", "write");
      return real.writeSync(fd, data, offset, Math.ceil(length * dice.next()) || 1);
    }
    return real.writeSync(fd, data, offset, length);
  }) as typeof fs.writeSync;
  fs.fsyncSync = (fd) => {
    if (strikes(fd)) throw fault("EIO", "fsync");
    real.fsyncSync(fd);
  };
  fs.fdatasyncSync = (fd) => {
    if (strikes(fd)) throw fault("EIO", "fdatasync");
    real.fdatasyncSync(fd);
  };
  fs.fdatasync = Object.assign(
    (fd: number, done: (error: NodeJS.ErrnoException | null) => void) => {
      if (strikes(fd)) setImmediate(() => done(fault("EIO", "fdatasync")));
      else real.fdatasync(fd, done);
    },
    { __promisify__: real.fdatasync.__promisify__ },
  );
  fs.renameSync = (from, to) => {
    if (within(to) && dice.fails()) throw fault("EIO", "rename");
    real.renameSync(from, to);
  };
  fsPromises.rename = async (from, to) => {
    if (within(to) && dice.fails()) throw fault("EIO", "rename");
    await real.rename(from, to);
  };
  injectHandleFaults(shared, strikes, dice);
  syncBuiltinESMExports();
}

function injectHandleFaults(
  shared: FileHandle,
  strikes: (fd: number) => boolean,
  dice: Dice,
): void {
  const { sync, write, writeFile } = shared;
  const synced = new WeakSet<FileHandle>();
  shared.sync = async function (this: FileHandle): Promise<void> {
    if (!strikes(this.fd)) {
      await sync.call(this);
      synced.add(this);
      return;
    }
    const found = await this.stat();
    if (found.isFile() && found.nlink === 1 && !synced.has(this) && dice.next() < 0.5) {
      await this.truncate(Math.floor(found.size * dice.next()));
    }
    throw fault("EIO", "fsync");
  };
  shared.write = async function (this: FileHandle, ...args: unknown[]) {
    if (strikes(this.fd)) throw fault("ENOSPC", "write");
    return Reflect.apply(write, this, args) as ReturnType<FileHandle["write"]>;
  } as FileHandle["write"];
  shared.writeFile = async function (this: FileHandle, ...args: unknown[]) {
    if (strikes(this.fd)) throw fault("ENOSPC", "write");
    return Reflect.apply(writeFile, this, args) as Promise<void>;
  } as FileHandle["writeFile"];
}

const given = process.env.DEUCALION_FILE_FAULTS;
if (given !== undefined) await injectFileFaults(JSON.parse(given) as FileFaults);
