// Store requests of the model as wire messages, and back.
import type { Aggregate, LabelRequest, Matcher, SeriesRequest } from "@deucalion/model";
import {
  LabelNamesRequestHintsMessage,
  LabelValuesRequestHintsMessage,
  packAny,
  SeriesRequestHintsMessage,
  unpackAny,
} from "./hints.ts";
import type {
  WireLabelNamesRequest,
  WireLabelValuesRequest,
  WireSeriesRequest,
} from "./store-messages.ts";
import { matchersFromWire, matchersToWire } from "./store-types.ts";

/** Series that the querier asks to be sent in one message. */
export const preferredBatchSize = 64;

function strategyToWire(strategy: "warn" | "abort" | undefined): number {
  return strategy === "abort" ? 1 : 0;
}

function strategyFromWire(disabled: boolean, strategy: number): "warn" | "abort" {
  return disabled || strategy === 1 ? "abort" : "warn";
}

export function seriesRequestToWire(request: SeriesRequest, batchSize: number): WireSeriesRequest {
  const { hints, shard, blockMatchers } = request;
  return {
    minTime: request.minTime,
    maxTime: request.maxTime,
    matchers: matchersToWire(request.matchers),
    maxResolutionWindow: request.maxResolutionMs ?? 0,
    aggregates: [...(request.aggregates ?? [])],
    partialResponseDisabled: false,
    partialResponseStrategy: strategyToWire(request.partialResponse),
    skipChunks: request.skipChunks ?? false,
    step: 0,
    range: 0,
    ...(hints === undefined
      ? {}
      : {
          queryHints: {
            stepMillis: hints.stepMs,
            func: { name: hints.func },
            grouping: { by: hints.by, labels: [...hints.grouping] },
            range: { millis: hints.rangeMs },
            projectionLabels: [],
            projectionInclude: false,
            seriesHashLabelName: "",
          },
        }),
    ...(shard === undefined
      ? {}
      : {
          shardInfo: {
            shardIndex: shard.index,
            totalShards: shard.total,
            by: shard.by,
            labels: [...shard.labels],
          },
        }),
    ...(blockMatchers === undefined
      ? {}
      : {
          hints: packAny(SeriesRequestHintsMessage, {
            blockMatchers: matchersToWire(blockMatchers),
            enableQueryStats: false,
          }),
        }),
    withoutReplicaLabels: [...(request.withoutReplicaLabels ?? [])],
    limit: request.limit ?? 0,
    responseBatchSize: batchSize,
    anyOf: (request.anyOf ?? []).map((list) => ({ matchers: matchersToWire(list) })),
  };
}

/** Throws MODEL_REGEX if a matcher's expression does not parse. */
export function seriesRequestFromWire(wire: WireSeriesRequest): SeriesRequest {
  const { queryHints, shardInfo } = wire;
  const storeHints = unpackAny(SeriesRequestHintsMessage, wire.hints);
  return {
    minTime: wire.minTime,
    maxTime: wire.maxTime,
    matchers: matchersFromWire(wire.matchers),
    ...(wire.anyOf.length === 0
      ? {}
      : { anyOf: wire.anyOf.map(({ matchers }) => matchersFromWire(matchers)) }),
    maxResolutionMs: wire.maxResolutionWindow,
    aggregates: wire.aggregates.filter((a): a is Aggregate => a >= 0 && a <= 5),
    skipChunks: wire.skipChunks,
    limit: wire.limit,
    withoutReplicaLabels: wire.withoutReplicaLabels,
    partialResponse: strategyFromWire(wire.partialResponseDisabled, wire.partialResponseStrategy),
    ...(queryHints === undefined
      ? {}
      : {
          hints: {
            func: queryHints.func?.name ?? "",
            stepMs: queryHints.stepMillis,
            rangeMs: queryHints.range?.millis ?? 0,
            by: queryHints.grouping?.by ?? false,
            grouping: queryHints.grouping?.labels ?? [],
          },
        }),
    ...(shardInfo === undefined || shardInfo.totalShards < 1
      ? {}
      : {
          shard: {
            index: shardInfo.shardIndex,
            total: shardInfo.totalShards,
            by: shardInfo.by,
            labels: shardInfo.labels,
          },
        }),
    ...(storeHints === undefined || storeHints.blockMatchers.length === 0
      ? {}
      : { blockMatchers: matchersFromWire(storeHints.blockMatchers) }),
  };
}

export function labelNamesRequestToWire(request: LabelRequest): WireLabelNamesRequest {
  return {
    ...labelRequestToWire(request),
    ...(request.blockMatchers === undefined
      ? {}
      : {
          hints: packAny(LabelNamesRequestHintsMessage, {
            blockMatchers: matchersToWire(request.blockMatchers),
          }),
        }),
  };
}

export function labelValuesRequestToWire(
  label: string,
  request: LabelRequest,
): WireLabelValuesRequest {
  return {
    label,
    ...labelRequestToWire(request),
    ...(request.blockMatchers === undefined
      ? {}
      : {
          hints: packAny(LabelValuesRequestHintsMessage, {
            blockMatchers: matchersToWire(request.blockMatchers),
          }),
        }),
  };
}

function labelRequestToWire(request: LabelRequest): WireLabelNamesRequest {
  return {
    partialResponseDisabled: false,
    partialResponseStrategy: strategyToWire(request.partialResponse),
    start: request.minTime,
    end: request.maxTime,
    matchers: matchersToWire(request.matchers),
    withoutReplicaLabels: [...(request.withoutReplicaLabels ?? [])],
    limit: request.limit ?? 0,
  };
}

/** Throws MODEL_REGEX. */
export function labelRequestFromWire(wire: WireLabelNamesRequest): LabelRequest {
  const hints =
    unpackAny(LabelNamesRequestHintsMessage, wire.hints) ??
    unpackAny(LabelValuesRequestHintsMessage, wire.hints);
  const blockMatchers: Matcher[] = matchersFromWire(hints?.blockMatchers ?? []);
  return {
    minTime: wire.start,
    maxTime: wire.end,
    matchers: matchersFromWire(wire.matchers),
    limit: wire.limit,
    withoutReplicaLabels: wire.withoutReplicaLabels,
    partialResponse: strategyFromWire(wire.partialResponseDisabled, wire.partialResponseStrategy),
    ...(blockMatchers.length === 0 ? {} : { blockMatchers }),
  };
}
