// Options of a head that is written to.
import type { ReplayDamage } from "../replay.ts";

export interface LiveHeadOptions {
  /** Length of a block, milliseconds; chunks do not span multiples of it. */
  readonly chunkRangeMs: number;
  readonly samplesPerChunk: number;
  /** 0 takes no samples out of order. */
  readonly outOfOrderWindowMs: number;
  /** Samples of an open out-of-order chunk. */
  readonly outOfOrderMax: number;
  /** 0 keeps no exemplars. */
  readonly exemplarsMax: number;
  readonly walCompression: boolean;
  /** Writes a snapshot when it is closed, and begins with one. */
  readonly memorySnapshot: boolean;
  /** Stores start timestamps: in XOR2 chunks and records of version 2, as Prometheus does with `st-storage`. */
  readonly startTimes: boolean;
  /** Bytes of a segment of the logs. */
  readonly segmentBytes: number;
}

/** What Prometheus does unless told otherwise. */
export const liveHeadDefaults: LiveHeadOptions = {
  chunkRangeMs: 2 * 3600 * 1000,
  samplesPerChunk: 120,
  outOfOrderWindowMs: 0,
  outOfOrderMax: 32,
  exemplarsMax: 0,
  walCompression: true,
  memorySnapshot: false,
  startTimes: false,
  segmentBytes: 128 * 1024 * 1024,
};

export interface LiveHeadDeps {
  /** Told of everything on disk that could not be read or made durable. */
  readonly report: (damage: ReplayDamage) => void;
}
