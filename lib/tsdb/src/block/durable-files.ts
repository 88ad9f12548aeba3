// Files that are complete or absent, and buffered appending.
import { type FileHandle, open, rename } from "node:fs/promises";
import { dirname } from "node:path";
import { crc32 } from "node:zlib";

/** Writes to a temporary name, syncs, renames, syncs the folder. */
export async function writeFileDurably(path: string, data: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  await writeSynced(temporary, data);
  await rename(temporary, path);
  await syncDirectory(dirname(path));
}

/** Writes a file anew and makes its bytes durable; its name is not yet. */
export async function writeSynced(path: string, data: Uint8Array): Promise<void> {
  const file = await open(path, "w");
  try {
    await writeAll(file, data);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** Makes the names in a folder durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function writeAll(file: FileHandle, data: Uint8Array): Promise<void> {
  for (let at = 0; at < data.length; ) {
    const { bytesWritten } = await file.write(data, at, data.length - at);
    at += bytesWritten;
  }
}

/** Bytes of each of the two buffers of an `AppendFile`. */
const bufferBytes = 1 << 19;
/** Bytes after which an early file is sent on to the disk. */
const earlyBytes = 1 << 23;

/**
 * Appends to a file through two buffers: one is filled while the other is on its way to the disk. Close it in the
 * function that opened it.
 */
export class AppendFile {
  readonly #file: FileHandle;
  #buffer = new Uint8Array(1 << 14);
  #spare: Uint8Array<ArrayBuffer> | null = null;
  #filled = 0;
  #size = 0;
  #checksum = 0;
  #writing: Promise<void> | null = null;
  readonly #early: boolean;
  /** Bytes written since the last sending to the disk began. */
  #unsent = 0;
  #sending: Promise<void> | null = null;
  /** The first error of a sending. */
  #sendError: { readonly cause: unknown } | null = null;

  private constructor(file: FileHandle, early: boolean) {
    this.#file = file;
    this.#early = early;
  }

  /**
   * Creates the file; it must not exist. One that is `early` goes on to the disk while it is written, so that whoever syncs
   * it at last waits for little.
   */
  static async create(path: string, early = false): Promise<AppendFile> {
    return new AppendFile(await open(path, "wx"), early);
  }

  /** Bytes appended so far. */
  get size(): number {
    return this.#size;
  }

  /** CRC-32 of the whole file; complete after `finish`. */
  get checksum(): number {
    return this.#checksum;
  }

  /** Copies `data`; a promise only where it must wait for room. */
  append(data: Uint8Array): undefined | Promise<void> {
    if (this.#filled + data.length > this.#buffer.length) return this.#appendSlowly(data);
    this.#buffer.set(data, this.#filled);
    this.#filled += data.length;
    this.#size += data.length;
    return undefined;
  }

  async #appendSlowly(data: Uint8Array): Promise<void> {
    this.#size += data.length;
    // Small files stay small in memory.
    if (this.#buffer.length < bufferBytes) {
      const larger = new Uint8Array(bufferBytes);
      larger.set(this.#buffer.subarray(0, this.#filled));
      this.#buffer = larger;
    }
    for (let at = 0; at < data.length; ) {
      const piece = data.subarray(at, at + this.#buffer.length - this.#filled);
      this.#buffer.set(piece, this.#filled);
      this.#filled += piece.length;
      at += piece.length;
      if (this.#filled === this.#buffer.length) await this.#turnOver();
    }
  }

  /** Waits until the other buffer is written, then sends this one and goes on with the other. */
  async #turnOver(): Promise<void> {
    await this.#writing;
    const full = this.#buffer.subarray(0, this.#filled);
    this.#checksum = crc32(full, this.#checksum);
    const writing = this.#write(full);
    // Whoever waits next gets the error.
    writing.catch(() => undefined);
    this.#writing = writing;
    const spare = this.#spare ?? new Uint8Array(bufferBytes);
    this.#spare = this.#buffer;
    this.#buffer = spare;
    this.#filled = 0;
  }

  async #write(data: Uint8Array): Promise<void> {
    if (this.#sendError !== null) throw this.#sendError.cause;
    await writeAll(this.#file, data);
    this.#unsent += data.length;
    if (!this.#early || this.#unsent < earlyBytes || this.#sending !== null) return;
    this.#unsent = 0;
    this.#sending = this.#file.datasync().then(
      () => {
        this.#sending = null;
      },
      (cause: unknown) => {
        this.#sending = null;
        this.#sendError ??= { cause };
      },
    );
  }

  /** Writes what is buffered and closes; `durable` syncs before. Throws what an early sending to the disk met, too. */
  async finish(durable = true): Promise<void> {
    try {
      const rest = this.#buffer.subarray(0, this.#filled);
      await this.#writing;
      this.#checksum = crc32(rest, this.#checksum);
      await writeAll(this.#file, rest);
      await this.#sending;
      if (this.#sendError !== null) throw this.#sendError.cause;
      if (durable) await this.#file.sync();
    } finally {
      await this.#sending;
      await this.#file.close();
    }
  }

  /** Closes without writing what is buffered. */
  async abandon(): Promise<void> {
    await this.#writing?.catch(() => undefined);
    await this.#sending;
    await this.#file.close();
  }
}
