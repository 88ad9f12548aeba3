// thanos.Query: PromQL over gRPC for other queriers and for rulers.

import { messageOf } from "@deucalion/base";
import type { Labels, SourceContext } from "@deucalion/model";
import { type MatrixSeries, PromqlError, type QueryValue } from "@deucalion/promql";
import {
  errorOfStatus,
  type MessageSink,
  RpcError,
  type ServerCall,
  type Service,
  Status,
  serverStream,
} from "@deucalion/rpc";
import { toRpcError } from "../errors.ts";
import { histogramToWire, type WireTimeSeries } from "../messages/prometheus-types.ts";
import {
  type InstantQueryRequest,
  QueryRangeRequestMessage,
  QueryRequestMessage,
  type QueryResponse,
  QueryResponseMessage,
  type QueryStatistics,
  type RangeQueryRequest,
} from "../messages/query-messages.ts";
import { contextOf } from "../server/store-service.ts";

export interface QueryOutcome {
  readonly value: QueryValue;
  /** Warnings of stores and annotations. */
  readonly warnings: readonly string[];
  readonly stats: QueryStatistics;
}

/** Evaluates queries. Text that does not parse throws PROMQL_PARSE; anything else is a failure of execution. */
export interface QueryExecutor {
  instant(request: InstantQueryRequest, context: SourceContext): Promise<QueryOutcome>;
  range(request: RangeQueryRequest, context: SourceContext): Promise<QueryOutcome>;
}

export function queryService(executor: QueryExecutor): Service {
  return {
    name: "thanos.Query",
    methods: {
      Query: serverStream((data, call, sink) => {
        const request = QueryRequestMessage.decode(data);
        const work = (context: SourceContext) => executor.instant(request, context);
        return answer(call, sink, request, request.enablePartialResponse, work);
      }),
      QueryRange: serverStream((data, call, sink) => {
        const request = QueryRangeRequestMessage.decode(data);
        const work = (context: SourceContext) => executor.range(request, context);
        return answer(call, sink, request, false, work);
      }),
    },
  };
}

async function answer(
  call: ServerCall,
  sink: MessageSink,
  request: { timeoutSeconds: number; responseBatchSize: number },
  failureIsWarning: boolean,
  work: (context: SourceContext) => Promise<QueryOutcome>,
): Promise<void> {
  const warnings: string[] = [];
  const context = contextOf(call, (warning) => warnings.push(warning));
  const signals = [call.signal];
  if (request.timeoutSeconds > 0) signals.push(AbortSignal.timeout(request.timeoutSeconds * 1000));
  let outcome: QueryOutcome;
  try {
    outcome = await work({ ...context, signal: AbortSignal.any(signals) });
  } catch (error) {
    if (error instanceof PromqlError && error.code === "PROMQL_PARSE") throw toRpcError(error);
    if (!failureIsWarning || call.signal.aborted) {
      throw error instanceof RpcError ? error : errorOfStatus(Status.aborted, messageOf(error));
    }
    await sink.send(QueryResponseMessage.encode({ warnings: messageOf(error) }));
    return;
  }
  const texts = [...warnings, ...outcome.warnings];
  if (texts.length > 0)
    await sink.send(QueryResponseMessage.encode({ warnings: texts.join(", ") }));
  await sendSeries(outcome.value, request.responseBatchSize, (message) =>
    sink.send(QueryResponseMessage.encode(message)),
  );
  await sink.send(QueryResponseMessage.encode({ stats: outcome.stats }));
}

async function sendSeries(
  value: QueryValue,
  batchSize: number,
  send: (message: QueryResponse) => Promise<void> | undefined,
): Promise<void> {
  let batch: WireTimeSeries[] = [];
  for (const series of seriesOf(value)) {
    if (batchSize <= 1) await send({ timeseries: series });
    else if (batch.push(series) >= batchSize) {
      await send({ timeseriesBatch: { series: batch } });
      batch = [];
    }
  }
  if (batch.length > 0) await send({ timeseriesBatch: { series: batch } });
}

function* seriesOf(value: QueryValue): Generator<WireTimeSeries> {
  switch (value.type) {
    case "scalar":
      yield wireSeries(null, [{ value: value.value, timestamp: value.timeMs }]);
      return;
    case "vector":
      for (const { labels, timeMs, value: sample, histogram } of value.samples) {
        const series = wireSeries(
          labels,
          histogram === undefined ? [{ value: sample, timestamp: timeMs }] : [],
        );
        if (histogram !== undefined) series.histograms.push(histogramToWire(histogram, timeMs));
        yield series;
      }
      return;
    case "matrix":
      for (const series of value.series) yield matrixSeries(series);
      return;
    case "string":
  }
}

function wireSeries(
  labels: Labels | null,
  samples: { value: number; timestamp: number }[],
): WireTimeSeries {
  const pairs = labels === null ? [] : [...labels].map(([name, value]) => ({ name, value }));
  return { labels: pairs, samples, exemplars: [], histograms: [] };
}

function matrixSeries({ labels, times, values, histograms }: MatrixSeries): WireTimeSeries {
  const series = wireSeries(labels, []);
  for (let i = 0; i < times.length; i++) {
    const histogram = histograms?.[i];
    if (histogram !== undefined) series.histograms.push(histogramToWire(histogram, times[i]!));
    else series.samples.push({ value: values[i]!, timestamp: times[i]! });
  }
  return series;
}
