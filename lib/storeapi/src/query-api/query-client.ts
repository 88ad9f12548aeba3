// Asks another querier to evaluate PromQL.
import { type FloatHistogram, Labels, type SourceContext } from "@deucalion/model";
import type { MatrixSeries } from "@deucalion/promql";
import type { Caller } from "@deucalion/rpc";
import { tenantKey } from "../client/store-client.ts";
import { histogramFromWire, type WireTimeSeries } from "../messages/prometheus-types.ts";
import {
  type InstantQueryRequest,
  QueryRangeRequestMessage,
  QueryRequestMessage,
  QueryResponseMessage,
  type QueryStatistics,
  type RangeQueryRequest,
} from "../messages/query-messages.ts";

export interface RemoteResult {
  /** In the order in which they came. A scalar is one series without labels. */
  readonly series: readonly MatrixSeries[];
  readonly stats: QueryStatistics | null;
}

/**
 * Warnings of the far side go to the context, prefixed with where they come from. Where series are taken one by one, the
 * result has none; what `take` throws ends the call.
 */
export class QueryClient {
  readonly address: string;
  readonly #caller: Caller;

  constructor(address: string, caller: Caller) {
    this.address = address;
    this.#caller = caller;
  }

  instant(
    request: InstantQueryRequest,
    context: SourceContext,
    take?: (series: MatrixSeries) => void,
  ): Promise<RemoteResult> {
    return this.#run("/thanos.Query/Query", QueryRequestMessage.encode(request), context, take);
  }

  range(
    request: RangeQueryRequest,
    context: SourceContext,
    take?: (series: MatrixSeries) => void,
  ): Promise<RemoteResult> {
    const encoded = QueryRangeRequestMessage.encode(request);
    return this.#run("/thanos.Query/QueryRange", encoded, context, take);
  }

  async #run(
    path: string,
    request: Uint8Array,
    context: SourceContext,
    taken?: (series: MatrixSeries) => void,
  ): Promise<RemoteResult> {
    const metadata = context.tenant === undefined ? {} : { [tenantKey]: context.tenant };
    const stream = this.#caller.stream(path, request, { signal: context.signal, metadata });
    const series: MatrixSeries[] = [];
    const take = taken ?? ((one: MatrixSeries) => void series.push(one));
    let stats: QueryStatistics | null = null;
    for await (const data of stream) {
      const message = QueryResponseMessage.decode(data);
      if (message.warnings !== undefined) {
        context.warn(`remote query warning (${this.address}): ${message.warnings}`);
      }
      if (message.timeseries !== undefined) take(seriesFromWire(message.timeseries));
      for (const one of message.timeseriesBatch?.series ?? []) take(seriesFromWire(one));
      if (message.stats !== undefined) stats = message.stats;
    }
    return { series, stats };
  }
}

/** Floats and histograms of a series, merged by time. */
export function seriesFromWire(wire: WireTimeSeries): MatrixSeries {
  const labels = Labels.from(wire.labels.map(({ name, value }) => [name, value] as const));
  const count = wire.samples.length + wire.histograms.length;
  const times = new Float64Array(count);
  const values = new Float64Array(count);
  const mixed = wire.histograms.length > 0;
  const histograms = mixed ? new Array<FloatHistogram | undefined>(count).fill(undefined) : null;
  let f = 0;
  let h = 0;
  for (let i = 0; i < count; i++) {
    const sample = wire.samples[f];
    const histogram = wire.histograms[h];
    const takeFloat =
      histogram === undefined || (sample !== undefined && sample.timestamp <= histogram.timestamp);
    if (takeFloat && sample !== undefined) {
      times[i] = sample.timestamp;
      values[i] = sample.value;
      f++;
    } else if (histogram !== undefined) {
      times[i] = histogram.timestamp;
      values[i] = histogram.sum;
      histograms![i] = histogramFromWire(histogram);
      h++;
    }
  }
  return { labels, times, values, histograms };
}
