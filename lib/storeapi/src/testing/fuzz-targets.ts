// Decoders of this package for the fuzzer: real bytes to damage, and what must survive them.
import { CodedError } from "@deucalion/base";
import {
  decodeSnappyStream,
  encodeSnappyStream,
  FrameParser,
  type MessageType,
} from "@deucalion/rpc";
import { protoFiles } from "../messages/proto-files.ts";
import { SeriesDecoder } from "../messages/series-decoder.ts";
import { recordedCalls } from "./recorded-calls.ts";

export interface FuzzTarget {
  readonly name: string;
  /** Well-formed inputs. */
  readonly samples: readonly Uint8Array[];
  /** Must return, or throw a CodedError, whatever the bytes are. */
  readonly run: (data: Uint8Array) => void;
}

const bytesMax = 1 << 24;

/** Targets over recorded messages; empty where there are no recordings. */
export function fuzzTargets(): FuzzTarget[] {
  const calls = recordedCalls();
  if (calls.length === 0) return [];
  const types = new Map<string, MessageType<unknown>>();
  for (const file of protoFiles) {
    for (const service of file.services) {
      for (const rpc of service.rpcs) types.set(`/${service.name}/${rpc.name}`, rpc.response);
    }
  }
  const isSeries = (method: string) => method === "/thanos.Store/Series";
  const series = calls.filter((call) => isSeries(call.method)).flatMap((call) => call.responses);
  const cold = [...types].flatMap(([method, type]): FuzzTarget[] => {
    const samples = calls
      .filter((call) => call.method === method)
      .flatMap((call) => call.responses);
    const run = (data: Uint8Array) => void type.decode(data);
    return samples.length === 0 ? [] : [{ name: `message ${type.name}`, samples, run }];
  });
  const short = series.slice(0, 200);
  return [
    ...cold,
    { name: "series response", samples: series, run: (data) => new SeriesDecoder().decode(data) },
    {
      name: "snappy stream",
      samples: short.map((message) => encodeSnappyStream(message)),
      run: (data) => void decodeSnappyStream(data, bytesMax),
    },
    {
      name: "gRPC frames",
      samples: short.map((message) =>
        Uint8Array.from([0, 0, 0, message.length >> 8, message.length & 255, ...message]),
      ),
      run(data) {
        const parser = new FrameParser(bytesMax);
        const half = data.length >> 1;
        const out: Uint8Array[] = [];
        parser.push(data.subarray(0, half), out);
        parser.push(data.subarray(half), out);
      },
    },
  ];
}

/** Damages samples `count` times; throws what is neither a result nor a CodedError. `random(n)` is below n. */
export function fuzzTarget(
  target: FuzzTarget,
  count: number,
  random: (below: number) => number,
): void {
  for (let i = 0; i < count; i++) {
    const sample = target.samples[random(target.samples.length)]!;
    const data = sample.slice(0, 8192);
    if (data.length === 0) continue;
    for (let k = random(6); k >= 0; k--) data[random(data.length)] = random(256);
    try {
      target.run(data.subarray(0, random(4) === 0 ? random(data.length + 1) : data.length));
    } catch (error) {
      if (!(error instanceof CodedError)) {
        throw new Error(
          `${target.name}: ${String(error)} on ${Buffer.from(data).toString("hex")}`,
          { cause: error },
        );
      }
    }
  }
}
