// How fast series go from a server to a client over a loopback socket.
import { loadXxhash64 } from "@deucalion/kernels";
import { Matcher } from "@deucalion/model";
import { Channel, GrpcServer } from "@deucalion/rpc";
import { StoreClient } from "../client/store-client.ts";
import { storeService } from "../server/store-service.ts";
import { type SyntheticOptions, syntheticSource } from "./synthetic-source.ts";

export interface StreamMeasurement {
  readonly series: number;
  readonly chunks: number;
  /** Label and chunk bytes. */
  readonly bytes: number;
  readonly wallMs: number;
  /** Of the whole process: server and client together. */
  readonly cpuMs: number;
  readonly megabytesPerSecond: number;
}

export interface StreamOptions extends SyntheticOptions {
  readonly hashes: boolean;
  readonly compression: "none" | "snappy";
}

export const streamDefaults: StreamOptions = {
  seriesCount: 20_000,
  chunksPerSeries: 10,
  chunkBytes: 200,
  hashes: false,
  compression: "none",
};

/** Serves `serverOnly` until the signal aborts: to measure the client in a process of its own. */
export async function serveSynthetic(
  options: StreamOptions,
  address: string,
): Promise<{ port: number; close: () => Promise<void> }> {
  const hash = options.hashes ? await loadXxhash64() : null;
  const source = syntheticSource(options, () => undefined);
  const server = new GrpcServer().add(storeService({ source, hash }));
  const { port } = await server.listen(address);
  return { port, close: () => server.close(0) };
}

/** Reads the whole stream once and counts. */
export async function readSynthetic(
  address: string,
  options: StreamOptions,
): Promise<StreamMeasurement> {
  const channel = new Channel(address, { compression: options.compression });
  const info = () => ({ labelSets: [], minTime: 0, maxTime: 2 ** 63 });
  const client = new StoreClient({ caller: channel, decode: () => undefined, info });
  const request = { minTime: 0, maxTime: 2e12, matchers: [new Matcher("=", "job", "web")] };
  const context = { signal: new AbortController().signal, warn: () => undefined };
  let series = 0;
  let chunks = 0;
  let bytes = 0;
  const cpu = process.cpuUsage();
  const started = performance.now();
  for await (const batch of client.series(request, context)) {
    series += batch.seriesCount;
    chunks += batch.chunks?.chunkCount ?? 0;
    bytes += batch.chunks?.bytes ?? 0;
  }
  const wallMs = performance.now() - started;
  const used = process.cpuUsage(cpu);
  channel.close();
  const megabytesPerSecond = bytes / 1e6 / (wallMs / 1000);
  return {
    series,
    chunks,
    bytes,
    wallMs,
    cpuMs: (used.user + used.system) / 1000,
    megabytesPerSecond,
  };
}

/** Server and client in this process; the best of `rounds`. */
export async function measureSeriesStream(
  options: Partial<StreamOptions> = {},
  rounds = 5,
): Promise<StreamMeasurement> {
  const settings = { ...streamDefaults, ...options };
  const server = await serveSynthetic(settings, "127.0.0.1:0");
  try {
    let best: StreamMeasurement | null = null;
    for (let i = 0; i < rounds; i++) {
      const one = await readSynthetic(`127.0.0.1:${server.port}`, settings);
      if (best === null || one.wallMs < best.wallMs) best = one;
    }
    return best!;
  } finally {
    await server.close();
  }
}
