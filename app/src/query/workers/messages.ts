// What the main thread and the workers that evaluate queries say to each other.
import type { MatchType, SeriesRequest } from "@deucalion/model";
import type { EngineOptions, PromqlErrorCode } from "@deucalion/promql";
import type { DedupOptions } from "@deucalion/storeapi";
import type { RequestRules } from "../request-source.ts";
import type { PackedBatch } from "./pack-batch.ts";
import type { PackedResult } from "./pack-result.ts";

/** Given to a worker when it starts. */
export interface WorkerSettings {
  readonly engine: EngineOptions;
}

interface PlainMatcher {
  readonly type: MatchType;
  readonly name: string;
  readonly value: string;
}

/** A request for series without objects that have methods. */
export type PlainRequest = Omit<SeriesRequest, "matchers" | "anyOf" | "blockMatchers"> & {
  readonly matchers: readonly PlainMatcher[];
  readonly anyOf?: readonly (readonly PlainMatcher[])[];
  readonly blockMatchers?: readonly PlainMatcher[];
};

/** Times of a query in ms; an instant query has one. */
export type QueryKind =
  | { readonly kind: "instant"; readonly timeMs: number }
  | {
      readonly kind: "range";
      readonly startMs: number;
      readonly endMs: number;
      readonly stepMs: number;
    };

export interface RunMessage {
  readonly type: "run";
  readonly id: number;
  readonly query: string;
  readonly times: QueryKind;
  readonly options: {
    readonly lookbackMs?: number;
    readonly timeoutMs?: number;
    readonly limit?: number;
    readonly stats?: "all" | undefined;
    readonly tenant?: string;
    readonly maxResolutionMs?: number;
    readonly analyze?: boolean;
  };
  readonly rules: RequestRules;
  readonly dedup: DedupOptions;
  readonly info: {
    readonly labelSets: readonly (readonly string[])[];
    readonly minTime: number;
    readonly maxTime: number;
  };
  /** Bytes that all queries of the process may hold; null for no limit. */
  readonly maxBytes: number | null;
}

export interface PlainError {
  /** Null for what is no error of the engine. */
  readonly code: PromqlErrorCode | null;
  readonly message: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** From the main thread. `id` is the query, `select` one of its selects. */
export type ToWorker =
  | RunMessage
  | {
      readonly type: "batch";
      readonly id: number;
      readonly select: number;
      readonly batch: PackedBatch;
    }
  | {
      readonly type: "end";
      readonly id: number;
      readonly select: number;
      readonly error: PlainError | null;
    }
  | { readonly type: "warn"; readonly id: number; readonly select: number; readonly text: string }
  | { readonly type: "stop"; readonly id: number; readonly error: PlainError }
  /** The process has no more bytes to give. */
  | { readonly type: "over"; readonly id: number };

/** From a worker. */
export type FromWorker =
  | {
      readonly type: "select";
      readonly id: number;
      readonly select: number;
      readonly request: PlainRequest;
    }
  /** A batch was used: one more may come. */
  | { readonly type: "next"; readonly id: number; readonly select: number }
  | { readonly type: "close"; readonly id: number; readonly select: number }
  /** Bytes held more than told before (or less), and series read. */
  | {
      readonly type: "progress";
      readonly id: number;
      readonly bytes: number;
      readonly series: number;
    }
  | { readonly type: "done"; readonly id: number; readonly result: PackedResult }
  | { readonly type: "failed"; readonly id: number; readonly error: PlainError };
