// Hints of the store gateway (package hintspb), carried in google.protobuf.Any.
import {
  defineMessage,
  type MessageType,
  messageField,
  repeated,
  scalarField,
} from "@deucalion/rpc";
import { type LabelMatcher, LabelMatcherMessage } from "./store-types.ts";
import { type Any, DurationMessage, type Timestamp } from "./well-known.ts";

export interface SeriesRequestHints {
  blockMatchers: LabelMatcher[];
  enableQueryStats: boolean;
}

export const SeriesRequestHintsMessage = defineMessage<SeriesRequestHints>(
  "hintspb.SeriesRequestHints",
  [
    repeated(messageField(1, "block_matchers", () => LabelMatcherMessage)),
    scalarField(2, "enable_query_stats", "bool"),
  ],
);

export const BlockMessage = defineMessage<{ id: string }>("hintspb.Block", [
  scalarField(1, "id", "string"),
]);

const countNames = [
  "blocks_queried",
  "merged_series_count",
  "merged_chunks_count",
  "postings_touched",
  "postings_touched_size_sum",
  "postings_to_fetch",
  "postings_fetched",
  "postings_fetched_size_sum",
  "postings_fetch_count",
  "series_touched",
  "series_touched_size_sum",
  "series_fetched",
  "series_fetched_size_sum",
  "series_fetch_count",
  "chunks_touched",
  "chunks_touched_size_sum",
  "chunks_fetched",
  "chunks_fetched_size_sum",
  "chunks_fetch_count",
  "data_downloaded_size_sum",
];

/** Counters by name in camel case, and two durations. */
export type StoreQueryStats = Record<string, number | Timestamp>;

export const StoreQueryStatsMessage = defineMessage<StoreQueryStats>("hintspb.QueryStats", [
  ...countNames.map((name, index) => scalarField(index + 1, name, "int64")),
  messageField(21, "get_all_duration", () => DurationMessage, { nonNull: true }),
  messageField(22, "merge_duration", () => DurationMessage, { nonNull: true }),
]);

export interface SeriesResponseHints {
  queriedBlocks: { id: string }[];
  queryStats?: StoreQueryStats;
}

export const SeriesResponseHintsMessage = defineMessage<SeriesResponseHints>(
  "hintspb.SeriesResponseHints",
  [
    repeated(messageField(1, "queried_blocks", () => BlockMessage)),
    messageField(2, "query_stats", () => StoreQueryStatsMessage),
  ],
);

const requestHints = (name: string) =>
  defineMessage<{ blockMatchers: LabelMatcher[] }>(name, [
    repeated(messageField(1, "block_matchers", () => LabelMatcherMessage)),
  ]);
const responseHints = (name: string) =>
  defineMessage<{ queriedBlocks: { id: string }[] }>(name, [
    repeated(messageField(1, "queried_blocks", () => BlockMessage)),
  ]);

export const LabelNamesRequestHintsMessage = requestHints("hintspb.LabelNamesRequestHints");
export const LabelNamesResponseHintsMessage = responseHints("hintspb.LabelNamesResponseHints");
export const LabelValuesRequestHintsMessage = requestHints("hintspb.LabelValuesRequestHints");
export const LabelValuesResponseHintsMessage = responseHints("hintspb.LabelValuesResponseHints");

const prefix = "type.googleapis.com/";

export function packAny<T>(type: MessageType<T>, value: T): Any {
  return { typeUrl: prefix + type.name, value: type.encode(value) };
}

/** The message inside, or undefined if it is of another type. Throws RPC_PROTO. */
export function unpackAny<T>(type: MessageType<T>, any: Any | undefined): T | undefined {
  if (any === undefined || any.typeUrl !== prefix + type.name) return undefined;
  return type.decode(any.value);
}
