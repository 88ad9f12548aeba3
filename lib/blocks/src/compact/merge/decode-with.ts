// Decodes a chunk where it was read, by WebAssembly if it can.
import { type ChunkMemory, KernelError } from "@deucalion/kernels";
import { ChunkEncoding, type SampleColumns } from "@deucalion/model";
import { decodeChunkInto } from "@deucalion/tsdb";

/** As `decodeChunkInto`, errors and all; quicker for floats in `memory`. */
export function decodeWith(
  memory: ChunkMemory | null,
  encoding: number,
  data: Uint8Array,
  offset: number,
  length: number,
  out: SampleColumns,
): void {
  const floats = out.histograms === null && out.startTimes === null;
  if (memory !== null && floats && encoding === ChunkEncoding.xor) {
    try {
      memory.decodeXorInto(data, offset, length, out);
      return;
    } catch (thrown) {
      // The other decoder fails as well, and says so in this package's words.
      if (!(thrown instanceof KernelError)) throw thrown;
    }
  }
  decodeChunkInto(encoding, data, offset, length, out);
}
