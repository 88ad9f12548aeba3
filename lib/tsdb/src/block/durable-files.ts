// Files that are complete or absent, and buffered appending.
import { type FileHandle, open, rename } from "node:fs/promises";
import { dirname } from "node:path";

/** Writes to a temporary name, syncs, renames, syncs the folder. */
export async function writeFileDurably(path: string, data: Uint8Array): Promise<void> {
  const temporary = `${path}.tmp`;
  const file = await open(temporary, "w");
  try {
    await writeAll(file, data);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(temporary, path);
  await syncDirectory(dirname(path));
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

/** Appends to a file through a buffer. Close it in the function that opened it. */
export class AppendFile {
  readonly #file: FileHandle;
  #buffer = new Uint8Array(1 << 18);
  #filled = 0;
  #size = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** Creates the file; it must not exist. */
  static async create(path: string): Promise<AppendFile> {
    return new AppendFile(await open(path, "wx"));
  }

  /** Bytes appended so far. */
  get size(): number {
    return this.#size;
  }

  /** Copies `data`; resolves when there is room for more. */
  async append(data: Uint8Array): Promise<void> {
    this.#size += data.length;
    if (this.#filled + data.length > this.#buffer.length) await this.#flush();
    if (data.length > this.#buffer.length) {
      await writeAll(this.#file, data);
      return;
    }
    this.#buffer.set(data, this.#filled);
    this.#filled += data.length;
  }

  async #flush(): Promise<void> {
    await writeAll(this.#file, this.#buffer.subarray(0, this.#filled));
    this.#filled = 0;
  }

  /** Writes what is buffered, syncs and closes. */
  async finish(): Promise<void> {
    try {
      await this.#flush();
      await this.#file.sync();
    } finally {
      await this.#file.close();
    }
  }

  /** Closes without writing what is buffered. */
  abandon(): Promise<void> {
    return this.#file.close();
  }
}
