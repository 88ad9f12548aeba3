// Bytes that are read by ranges: a file, an object in a bucket, or memory.

/** Random access to bytes that do not change. */
export interface RangeReader {
  readonly size: number;
  /** Reads exactly `length` bytes, or throws. The result is never written to again. */
  read(offset: number, length: number, signal?: AbortSignal): Promise<Uint8Array>;
}

/** A reader over bytes in memory; reads share the memory. */
export function memoryRanges(data: Uint8Array): RangeReader {
  return {
    size: data.length,
    read: (offset, length) => {
      if (offset < 0 || length < 0 || offset + length > data.length) {
        return Promise.reject(new RangeError(`range ${offset}+${length} of ${data.length}`));
      }
      return Promise.resolve(data.subarray(offset, offset + length));
    },
  };
}
