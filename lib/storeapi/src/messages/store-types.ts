// Types that several services share: matchers, chunks, series, and the strategy for missing parts.
import type { MatchType } from "@deucalion/model";
import { Matcher } from "@deucalion/model";
import {
  defineMessage,
  type EnumType,
  enumField,
  messageField,
  repeated,
  scalarField,
} from "@deucalion/rpc";
import { type Label, LabelMessage } from "./label-set.ts";

export const PartialResponseStrategy: EnumType = {
  name: "thanos.PartialResponseStrategy",
  values: { WARN: 0, ABORT: 1 },
  json: "name",
};

export const MatcherTypeEnum: EnumType = {
  name: "thanos.LabelMatcher.Type",
  values: { EQ: 0, NEQ: 1, RE: 2, NRE: 3 },
  json: "name",
};

export interface LabelMatcher {
  type: number;
  name: string;
  value: string;
}

export const LabelMatcherMessage = defineMessage<LabelMatcher>("thanos.LabelMatcher", [
  enumField(1, "type", MatcherTypeEnum),
  scalarField(2, "name", "string"),
  scalarField(3, "value", "string"),
]);

/** Matchers of which all must match. */
export interface MatcherSet {
  matchers: LabelMatcher[];
}

/** Not in Thanos. */
export const MatcherSetMessage = defineMessage<MatcherSet>("thanos.MatcherSet", [
  repeated(messageField(1, "matchers", () => LabelMatcherMessage)),
]);

const matchTypes: readonly MatchType[] = ["=", "!=", "=~", "!~"];

/** Compiles matchers of a request; throws MODEL_REGEX. Unknown types count as equality. */
export function matchersFromWire(matchers: readonly LabelMatcher[]): Matcher[] {
  return matchers.map((m) => new Matcher(matchTypes[m.type] ?? "=", m.name, m.value));
}

export function matchersToWire(matchers: readonly Matcher[]): LabelMatcher[] {
  return matchers.map((m) => ({ type: matchTypes.indexOf(m.type), name: m.name, value: m.value }));
}

export const ChunkEncodingEnum: EnumType = {
  name: "thanos.Chunk.Encoding",
  values: { XOR: 0, HISTOGRAM: 1, FLOAT_HISTOGRAM: 2 },
  json: "name",
};

/** A chunk as the table codec sees it; the Series path reads chunks in place (series-decoder.ts). */
export interface WireChunk {
  type: number;
  data: Uint8Array;
}

export const ChunkMessage = defineMessage<WireChunk>("thanos.Chunk", [
  enumField(1, "type", ChunkEncodingEnum, { jsonKeep: true }),
  scalarField(2, "data", "bytes", { json: "data_b64" }),
  scalarField(3, "hash", "uint64"),
]);

export interface AggrChunk {
  minTime: number;
  maxTime: number;
  raw?: WireChunk;
  count?: WireChunk;
  sum?: WireChunk;
  min?: WireChunk;
  max?: WireChunk;
  counter?: WireChunk;
}

export const AggrChunkMessage = defineMessage<AggrChunk>("thanos.AggrChunk", [
  scalarField(1, "min_time", "int64"),
  scalarField(2, "max_time", "int64"),
  messageField(3, "raw", () => ChunkMessage),
  messageField(4, "count", () => ChunkMessage),
  messageField(5, "sum", () => ChunkMessage),
  messageField(6, "min", () => ChunkMessage),
  messageField(7, "max", () => ChunkMessage),
  messageField(8, "counter", () => ChunkMessage),
]);

export interface WireSeries {
  labels: Label[];
  chunks: AggrChunk[];
}

export const SeriesMessage = defineMessage<WireSeries>("thanos.Series", [
  repeated(messageField(1, "labels", () => LabelMessage)),
  repeated(messageField(2, "chunks", () => AggrChunkMessage)),
]);

export const SeriesBatchMessage = defineMessage<{ series: WireSeries[] }>("thanos.SeriesBatch", [
  repeated(messageField(1, "series", () => SeriesMessage)),
]);
