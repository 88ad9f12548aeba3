// A file as a range reader.
import { open } from "node:fs/promises";
import type { RangeReader } from "../index/range-reader.ts";

export interface FileRanges extends RangeReader {
  readonly path: string;
  close(): Promise<void>;
}

/** Opens a file for reading by ranges; its size is taken now. */
export async function openFileRanges(path: string): Promise<FileRanges> {
  const file = await open(path, "r");
  try {
    const size = (await file.stat()).size;
    return {
      path,
      size,
      read: async (offset, length, signal) => {
        signal?.throwIfAborted();
        if (offset < 0 || length < 0 || offset + length > size) {
          throw new RangeError(`range ${offset}+${length} of ${path} (${size} bytes)`);
        }
        const data = new Uint8Array(length);
        for (let at = 0; at < length; ) {
          const { bytesRead } = await file.read(data, at, length - at, offset + at);
          if (bytesRead === 0) throw new RangeError(`${path} became shorter than ${size} bytes`);
          at += bytesRead;
        }
        return data;
      },
      close: () => file.close(),
    };
  } catch (thrown) {
    await file.close();
    throw thrown;
  }
}
