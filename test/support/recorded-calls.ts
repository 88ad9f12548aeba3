// Puts recorded gRPC calls to a process of ours and compares the answers in decoded form.
import assert from "node:assert/strict";
import { type Channel, type MessageType, RpcError, statusOf } from "@deucalion/rpc";
import {
  ExemplarsResponseMessage,
  InfoResponseMessage,
  LabelNamesResponseMessage,
  LabelValuesResponseMessage,
  MetricMetadataResponseMessage,
  QueryRangeResponseMessage,
  QueryResponseMessage,
  RulesResponseMessage,
  SeriesResponseMessage,
  TargetsResponseMessage,
  TsdbStatisticsResponseMessage,
} from "@deucalion/storeapi";
import type { RecordedCall } from "@deucalion/storeapi/testing";

const responses: Readonly<Record<string, MessageType<never>>> = {
  Info: InfoResponseMessage as MessageType<never>,
  Series: SeriesResponseMessage as MessageType<never>,
  LabelNames: LabelNamesResponseMessage as MessageType<never>,
  LabelValues: LabelValuesResponseMessage as MessageType<never>,
  Query: QueryResponseMessage as MessageType<never>,
  QueryRange: QueryRangeResponseMessage as MessageType<never>,
  Rules: RulesResponseMessage as MessageType<never>,
  Targets: TargetsResponseMessage as MessageType<never>,
  MetricMetadata: MetricMetadataResponseMessage as MessageType<never>,
  Exemplars: ExemplarsResponseMessage as MessageType<never>,
  TSDBStatistics: TsdbStatisticsResponseMessage as MessageType<never>,
};

/** How a call ended, its messages decoded. */
export interface WireAnswer {
  readonly status: number;
  readonly statusMessage: string;
  readonly messages: readonly unknown[];
}

function decoded(call: RecordedCall, parts: readonly Uint8Array[]): unknown[] {
  const message = responses[call.method.split("/").at(-1)!]!;
  // Through JSON, so that what has no value is gone.
  return parts.map((part) => JSON.parse(JSON.stringify(message.toJson(message.decode(part)))));
}

/** The recorded answer. */
export function wanted(call: RecordedCall): WireAnswer {
  const { status, statusMessage } = call;
  return { status, statusMessage, messages: decoded(call, call.responses) };
}

/** Our answer to the recorded request. */
export async function answered(channel: Channel, call: RecordedCall): Promise<WireAnswer> {
  const parts: Uint8Array[] = [];
  let status = 0;
  let statusMessage = "";
  try {
    const options = { timeoutMs: 20_000, waitForReady: true };
    for await (const part of channel.stream(call.method, call.request, options)) parts.push(part);
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    status = statusOf(error);
    statusMessage = error.message;
  }
  return { status, statusMessage, messages: decoded(call, parts) };
}

type Json = Record<string, unknown>;

function seriesOf(message: unknown): Json[] {
  const { series, batch } = message as { series?: Json; batch?: { series: Json[] } };
  return series === undefined ? (batch?.series ?? []) : [series];
}

/**
 * What must be equal of an answer: statistics and hints differ from run to run, as do the order of series with equal
 * labels, of announced blocks, and of the elements of a vector.
 */
export function comparable(answer: WireAnswer): unknown {
  const { status, statusMessage } = answer;
  const messages: Json[] = [];
  const series: Json[] = [];
  const vector: string[] = [];
  for (const message of answer.messages as Json[]) {
    const some = seriesOf(message);
    if (some.length > 0) series.push(...some);
    else if (message.hints !== undefined && message.names === undefined && !("values" in message))
      continue;
    else if (message.stats !== undefined) continue;
    else if (message.timeseries !== undefined) vector.push(JSON.stringify(message.timeseries));
    else if (message.timeseries_batch !== undefined) {
      const inner = (message.timeseries_batch as { series: Json[] }).series;
      vector.push(...inner.map((one) => JSON.stringify(one)));
    } else {
      const store = message.store as { tsdb_infos?: unknown[] } | undefined;
      store?.tsdb_infos?.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
      const { hints, ...rest } = message;
      messages.push("hints" in message ? rest : message);
    }
  }
  const keyed = series.map((one, index) => ({ one, index, labels: JSON.stringify(one.labels) }));
  const order = keyed.map(({ labels }) => labels);
  const equalTogether = keyed
    .map(({ one, labels, index }) => ({
      text: JSON.stringify(one),
      rank: order.indexOf(labels),
      index,
    }))
    .sort((a, b) => a.rank - b.rank || (a.text < b.text ? -1 : 1))
    .map(({ text }) => JSON.parse(text) as unknown);
  return {
    status,
    statusMessage,
    messages,
    series: equalTogether,
    order,
    vector: vector.sort().map((text) => JSON.parse(text) as unknown),
  };
}

/** Fails with the first difference of the two answers. */
export async function assertAnswered(channel: Channel, call: RecordedCall): Promise<void> {
  assert.deepEqual(comparable(await answered(channel, call)), comparable(wanted(call)));
}
