// The contract of everything that can be queried: a head, a block, a bucket of blocks, a Prometheus behind remote read,
// a remote StoreAPI, and the fan-out over all of these.
import type { ChunkColumns } from "./chunk-columns.ts";
import type { LabelBytes } from "./label-bytes.ts";
import type { Labels } from "./labels.ts";
import type { Matcher } from "./matcher.ts";
import type { SampleColumns } from "./sample-columns.ts";

/** Which value of a downsampled chunk is meant. Numbers as on the wire (`Aggr`). */
export const Aggregate = { raw: 0, count: 1, sum: 2, min: 3, max: 4, counter: 5 } as const;
export type Aggregate = (typeof Aggregate)[keyof typeof Aggregate];

/** What the query will do with the series. Never changes the answer, only the way to it. */
export interface SelectHints {
  /** The function or aggregation directly around the selector, "" for none. */
  readonly func: string;
  /** Step of the query in ms; 0 for an instant query. */
  readonly stepMs: number;
  /** Range of the selector in ms; 0 for an instant selector. */
  readonly rangeMs: number;
  readonly by: boolean;
  readonly grouping: readonly string[];
}

/** Take the part of the series whose labels hash to `index` of `total`. */
export interface ShardSelector {
  readonly index: number;
  readonly total: number;
  readonly by: boolean;
  readonly labels: readonly string[];
}

export interface SeriesRequest {
  /** Milliseconds, inclusive. Batches may hold samples outside; the consumer trims. */
  readonly minTime: number;
  readonly maxTime: number;
  /** All must match. At least one. */
  readonly matchers: readonly Matcher[];
  /**
   * Of a series, all matchers of one of these lists must match too; absent is no condition. Only for sources that announce
   * it; even so some give more than was asked for, and whoever asks looks at the labels.
   */
  readonly anyOf?: readonly (readonly Matcher[])[];
  readonly hints?: SelectHints;
  /** Coarsest resolution of downsampled data that is welcome, in ms; 0 is raw only. */
  readonly maxResolutionMs?: number;
  /** Aggregates wanted of downsampled chunks. */
  readonly aggregates?: readonly Aggregate[];
  /** Only labels are wanted. */
  readonly skipChunks?: boolean;
  /** At most so many series; 0 or absent is no limit. */
  readonly limit?: number;
  readonly shard?: ShardSelector;
  /** Labels to leave out of the result; the result is ordered without them, so equal neighbours may follow. */
  readonly withoutReplicaLabels?: readonly string[];
  /** "abort": anything missing is an error; "warn" (default): it is a warning. */
  readonly partialResponse?: "warn" | "abort";
  /** For a bucket: only blocks whose external labels, and whose ULID as `__block_id`, match. */
  readonly blockMatchers?: readonly Matcher[];
}

export interface LabelRequest {
  readonly minTime: number;
  readonly maxTime: number;
  readonly matchers: readonly Matcher[];
  readonly limit?: number;
  readonly withoutReplicaLabels?: readonly string[];
  readonly partialResponse?: "warn" | "abort";
  readonly blockMatchers?: readonly Matcher[];
}

/** What goes with a call: how to stop it, and where to say what is missing from the answer. */
export interface SourceContext {
  readonly signal: AbortSignal;
  /** Called any number of times until the call ends; texts are shown to the user. */
  readonly warn: (message: string) => void;
  /** Tenant that asks; stores pass it on. */
  readonly tenant?: string;
  /** A bucket calls it with the ULID of each block it looks into; the StoreAPI reports them as hints. */
  readonly queriedBlock?: (ulid: string) => void;
}

/**
 * Some series, ordered by labels. It stays valid after the next batch is asked for as long as someone holds it;
 * its buffers are never written to again.
 */
export interface SeriesBatch {
  readonly seriesCount: number;
  /** Labels of one series; equal labels may follow each other (parts of one series, or its replicas). */
  labels(series: number): LabelBytes;
  /**
   * Appends the samples of one series to `out` in ascending time, one for each timestamp.
   * Keeps no reference to `out`.
   */
  samplesInto(series: number, out: SampleColumns): void;
  /** The encoded form, where there is one. */
  readonly chunks: ChunkColumns | null;
  /**
   * Says that neither this batch nor one before it will be looked at again: its source may use their memory for others.
   * Whoever does not say it keeps them.
   */
  release?(): void;
}

/** What a source announces about itself. */
export interface SourceInfo {
  /** External label sets; empty where it has none. */
  readonly labelSets: readonly Labels[];
  /** Milliseconds, inclusive. */
  readonly minTime: number;
  readonly maxTime: number;
  /**
   * Present where `SeriesRequest.anyOf` is understood; it must not be sent elsewhere. The names are of labels that matchers
   * are compared with, but that the series come without.
   */
  readonly anyOf?: readonly string[];
}

/** Anything a query can read series from. */
export interface SeriesSource {
  /** Batches come ordered by labels, over batch borders too. Ends early when the signal aborts, by throwing its reason. */
  series(request: SeriesRequest, context: SourceContext): AsyncIterable<SeriesBatch>;
  /** Sorted, without duplicates. */
  labelNames(request: LabelRequest, context: SourceContext): Promise<string[]>;
  /** Sorted, without duplicates. */
  labelValues(name: string, request: LabelRequest, context: SourceContext): Promise<string[]>;
  info(): SourceInfo;
}
