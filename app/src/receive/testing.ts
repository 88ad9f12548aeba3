// Receivers as child processes, and requests to them, for tests.
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SnappyEncoder } from "@deucalion/kernels";
import { decodeLabels, Matcher, SampleColumns } from "@deucalion/model";
import { Channel, ProtoWriter } from "@deucalion/rpc";
import { StoreClient } from "@deucalion/storeapi";
import { decodeChunkInto } from "@deucalion/tsdb";

/** Long: on a machine that is busy with other tests, a start of 1 s was seen to take more than 30 s. */
const startMs = 120_000;

const main = fileURLToPath(new URL("../main.js", import.meta.url));

export interface RunningReceiver {
  readonly child: ChildProcess;
  readonly lines: readonly string[];
  /** Addresses that were taken. */
  readonly write: string;
  readonly grpc: string;
  readonly http: string;
  readonly ended: Promise<void>;
  /** Ends it by a signal and waits. */
  stop(signal: NodeJS.Signals): Promise<void>;
}

/** Starts a receiver on free ports (unless `args` say otherwise) and waits until it takes writes. */
export async function startReceiver(
  dir: string,
  args: readonly string[] = [],
  /** Files may have so many KiB; 0 is no limit. A write beyond fails, as on a full disk. */
  fileKiBMax = 0,
): Promise<RunningReceiver> {
  const given = (flag: string): boolean => args.some((arg) => arg.startsWith(`--${flag}=`));
  const addresses = [
    "remote-write.address",
    "grpc-address",
    "http-address",
    "receive.capnproto-address",
  ]
    .filter((flag) => !given(flag))
    .map((flag) => `--${flag}=127.0.0.1:0`);
  const limited = ["-c", `ulimit -f ${fileKiBMax}; exec "$@"`, "bash", process.execPath];
  const child = spawn(
    fileKiBMax > 0 ? "bash" : process.execPath,
    [
      ...(fileKiBMax > 0 ? limited : []),
      main,
      "receive",
      `--tsdb.path=${dir}`,
      "--grpc-grace-period=1s",
      ...(given("http-grace-period") ? [] : ["--http-grace-period=5s"]),
      ...addresses,
      ...args,
    ],
    { stdio: ["ignore", "ignore", "pipe"] },
  );
  const lines: string[] = [];
  let rest = "";
  const ended = new Promise<void>((resolve) => {
    child.on("exit", () => resolve());
  });
  const seen = (pattern: RegExp): RegExpExecArray | null => {
    for (const line of lines) {
      const found = pattern.exec(line);
      if (found !== null) return found;
    }
    return null;
  };
  const find = (): { write: string; grpc: string; http: string } | null => {
    const write = seen(/listening for remote write" address=(\S+)/)?.[1];
    const grpc = seen(/listening for serving gRPC" address=(\S+)/)?.[1];
    const http = seen(/listening for requests and metrics" address=(\S+)/)?.[1];
    const ready = seen(/server is ready to receive requests/);
    if (write === undefined || grpc === undefined || http === undefined || !ready) return null;
    return { write, grpc, http };
  };
  const found = await new Promise<{ write: string; grpc: string; http: string }>(
    (resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill("SIGKILL");
        reject(new Error(`the receiver did not start:\n${lines.join("\n")}`));
      }, startMs);
      child.stderr.on("data", (data: Buffer) => {
        const parts = (rest + data.toString()).split("\n");
        rest = parts.pop()!;
        lines.push(...parts);
        const all = find();
        if (all === null) return;
        clearTimeout(timer);
        resolve(all);
      });
      void ended.then(() => {
        clearTimeout(timer);
        reject(new Error(`the receiver ended:\n${lines.join("\n")}`));
      });
    },
  );
  return {
    child,
    lines,
    ...found,
    ended,
    stop: async (signal) => {
      child.kill(signal);
      await ended;
    },
  };
}

/** A series with float samples. */
export interface TestSeries {
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds and values. */
  readonly samples: readonly (readonly [number, number])[];
}

/** A body of remote write 1.0, compressed. Labels are written in the order given. */
export function encodeWrite(series: readonly TestSeries[]): Uint8Array {
  const out = new ProtoWriter();
  for (const { labels, samples } of series) {
    const mark = out.open(1);
    for (const [name, value] of Object.entries(labels)) {
      const label = out.open(1);
      out.string(1, name);
      out.string(2, value);
      out.close(label);
    }
    for (const [time, value] of samples) {
      const sample = out.open(2);
      out.tag(1, 1);
      out.double(value);
      out.tag(2, 0);
      out.svarint(time);
      out.close(sample);
    }
    out.close(mark);
  }
  return new SnappyEncoder().encode(out.view()).slice();
}

/** Posts a body; resolves with status and text, status 0 if there was no answer. */
export async function postWrite(
  address: string,
  body: Uint8Array,
  headers: Readonly<Record<string, string>> = {},
): Promise<{ readonly status: number; readonly text: string; readonly headers: Headers }> {
  try {
    const response = await fetch(`http://${address}/api/v1/receive`, {
      method: "POST",
      headers: { "Content-Encoding": "snappy", ...headers },
      body: body as Uint8Array<ArrayBuffer>,
      signal: AbortSignal.timeout(20_000),
    });
    return { status: response.status, text: await response.text(), headers: response.headers };
  } catch (error) {
    return { status: 0, text: String(error), headers: new Headers() };
  }
}

/** Runs `work` with a folder that goes away afterwards. */
export async function withFolder(work: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "deucalion-receive-"));
  try {
    await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true, maxRetries: 3 });
  }
}

/** Starts `count` receivers at once. Where one does not start, the others are ended before this fails. */
export async function startReceivers(
  count: number,
  start: (i: number) => Promise<RunningReceiver>,
): Promise<RunningReceiver[]> {
  const all = await Promise.allSettled(Array.from({ length: count }, (_, i) => start(i)));
  const running = all.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  if (running.length === count) return running;
  for (const node of running) await node.stop("SIGKILL");
  throw all.find((one) => one.status === "rejected")?.reason;
}

/** What a receiver serves of the metric `r` over the StoreAPI: values by the label `i`. */
export async function served(address: string): Promise<Map<string, number[]>> {
  const channel = new Channel(address);
  const client = new StoreClient({
    caller: channel,
    decode: decodeChunkInto,
    info: () => ({ labelSets: [], minTime: 0, maxTime: 2 ** 53 }),
  });
  const found = new Map<string, number[]>();
  const matchers = [new Matcher("=", "__name__", "r")];
  for await (const batch of client.series(
    { minTime: 0, maxTime: 2 ** 53, matchers },
    {
      signal: AbortSignal.timeout(10_000),
      warn: (text) => {
        throw new Error(text);
      },
    },
  )) {
    for (let i = 0; i < batch.seriesCount; i++) {
      const samples = new SampleColumns();
      batch.samplesInto(i, samples);
      found.set(decodeLabels(batch.labels(i)).get("i"), [
        ...samples.values.subarray(0, samples.count),
      ]);
    }
  }
  channel.close();
  return found;
}

/** A series of remote write 2.0: samples with start timestamps, and what the metric means. */
export interface TestSeriesV2 {
  readonly labels: Readonly<Record<string, string>>;
  /** Milliseconds, values, and milliseconds of the start (0 for none). */
  readonly samples: readonly (readonly [number, number, number])[];
  readonly metadata: { readonly type: number; readonly unit: string; readonly help: string };
}

/** Headers that go with `encodeWriteV2`. */
export const headersV2 = {
  "Content-Type": "application/x-protobuf;proto=io.prometheus.write.v2.Request",
  "X-Prometheus-Remote-Write-Version": "2.0.0",
};

/** A body of remote write 2.0, compressed. */
export function encodeWriteV2(series: readonly TestSeriesV2[]): Uint8Array {
  const symbols = new Map([["", 0]]);
  const symbol = (text: string): number => {
    const known = symbols.get(text) ?? symbols.size;
    symbols.set(text, known);
    return known;
  };
  const out = new ProtoWriter();
  for (const { labels, samples, metadata } of series) {
    const mark = out.open(5);
    const refs = out.open(1);
    for (const [name, value] of Object.entries(labels)) {
      out.uvarint(symbol(name));
      out.uvarint(symbol(value));
    }
    out.close(refs);
    for (const [time, value, start] of samples) {
      const sample = out.open(2);
      out.tag(1, 1);
      out.double(value);
      out.tag(2, 0);
      out.svarint(time);
      if (start !== 0) {
        out.tag(3, 0);
        out.svarint(start);
      }
      out.close(sample);
    }
    const meta = out.open(5);
    out.tag(1, 0);
    out.uvarint(metadata.type);
    out.tag(3, 0);
    out.uvarint(symbol(metadata.help));
    out.tag(4, 0);
    out.uvarint(symbol(metadata.unit));
    out.close(meta);
    out.close(mark);
  }
  for (const text of symbols.keys()) {
    out.tag(4, 2);
    const bytes = Buffer.from(text);
    out.uvarint(bytes.length);
    out.raw(bytes, 0, bytes.length);
  }
  return new SnappyEncoder().encode(out.view()).slice();
}

/** A body of remote write 1.0 with nothing but metadata, compressed. */
export function encodeMetadataV1(
  families: readonly {
    readonly name: string;
    readonly type: number;
    readonly help: string;
    readonly unit: string;
  }[],
): Uint8Array {
  const out = new ProtoWriter();
  for (const { name, type, help, unit } of families) {
    const mark = out.open(3);
    out.tag(1, 0);
    out.uvarint(type);
    out.string(2, name);
    out.string(4, help);
    out.string(5, unit);
    out.close(mark);
  }
  return new SnappyEncoder().encode(out.view()).slice();
}
