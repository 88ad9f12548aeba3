// Decoders of remote read, for the fuzzer: frames of a stream, messages in them, and the sampled answer.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { decodeSnappyBlock } from "@deucalion/kernels";
import type { FuzzTarget } from "@deucalion/tsdb/testing";
import { chunkedFrames } from "./chunked-frames.ts";
import { decodeChunkedFrame, decodeSampledResponse } from "./remote-read-messages.ts";

/** Bodies longer than this would make the fuzzer slow. */
const bodyBytesMax = 9000;

async function* inPieces(data: Uint8Array): AsyncGenerator<Uint8Array> {
  const half = data.length >> 1;
  yield data.subarray(0, half);
  yield data.subarray(half);
}

/** Targets over the recorded bodies in `folder` (`wire/remote-read`). */
export async function remoteReadFuzzTargets(folder: string): Promise<FuzzTarget[]> {
  const bodies = (ending: string, bytesMax: number): Uint8Array[] =>
    readdirSync(folder)
      .filter((name) => name.endsWith(ending))
      .map((name) => new Uint8Array(readFileSync(join(folder, name))))
      .filter((body) => body.length > 0 && body.length <= bytesMax);
  const frames: Uint8Array[] = [];
  for (const stream of bodies(".xor-chunks.response", Number.POSITIVE_INFINITY)) {
    for await (const frame of chunkedFrames(inPieces(stream))) {
      if (frame.length <= bodyBytesMax) frames.push(new Uint8Array(frame));
    }
  }
  return [
    {
      name: "remote read stream",
      corpus: bodies(".xor-chunks.response", bodyBytesMax),
      run: async (data) => {
        for await (const frame of chunkedFrames(inPieces(data))) decodeChunkedFrame(frame);
      },
    },
    { name: "remote read frame", corpus: frames, run: (data) => decodeChunkedFrame(data) },
    {
      name: "remote read samples",
      corpus: bodies(".samples.response", bodyBytesMax).map((body) =>
        decodeSnappyBlock(body, 1 << 24),
      ),
      run: (data) => decodeSampledResponse(data),
    },
  ];
}
