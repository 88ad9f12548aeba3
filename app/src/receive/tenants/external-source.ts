// A source whose series have external labels that are not stored with them.

import type { Xxhash64 } from "@deucalion/kernels";
import {
  ChunkColumns,
  compareStrings,
  EncodedBatch,
  type LabelBytes,
  type LabelRequest,
  type Labels,
  type SeriesBatch,
  type SeriesRequest,
  type SeriesSource,
  type SourceContext,
  type SourceInfo,
} from "@deucalion/model";
import { matchExternalLabels, ShardMatcher } from "@deucalion/storeapi";
import { decodeChunkInto } from "@deucalion/tsdb";
import { LabelCompleter } from "../../prometheus/complete-labels.ts";
import { ReorderSeries } from "../../prometheus/reorder-series.ts";

const batchSeries = 512;
const noData = new Uint8Array(0);

/** Adds external labels to the series of `inner` and keeps them in order. */
export class ExternalSource implements SeriesSource {
  readonly #inner: SeriesSource;
  readonly #external: () => Labels;
  readonly #hash: Xxhash64;

  constructor(inner: SeriesSource, external: () => Labels, hash: Xxhash64) {
    this.#inner = inner;
    this.#external = external;
    this.#hash = hash;
  }

  info(): SourceInfo {
    return { ...this.#inner.info(), labelSets: [this.#external()] };
  }

  async *series(request: SeriesRequest, context: SourceContext): AsyncIterable<SeriesBatch> {
    const external = this.#external();
    const { matches, rest } = matchExternalLabels(request.matchers, external);
    if (!matches) return;
    const without = request.withoutReplicaLabels ?? [];
    const { shard, limit, ...passed } = request;
    const inner: SeriesRequest = {
      ...passed,
      matchers: rest,
      // What series have of their own of these names is hidden by the external label or left out.
      withoutReplicaLabels: [...new Set([...without, ...[...external].map(([name]) => name)])],
    };
    const completer = new LabelCompleter(external, without, false);
    const sharded = shard === undefined ? null : new ShardMatcher(shard, this.#hash);
    const ready: { labels: LabelBytes; columns: ChunkColumns; series: number }[] = [];
    const order = new ReorderSeries<{ columns: ChunkColumns; series: number }>((labels, item) =>
      ready.push({ labels, ...item }),
    );
    let left = limit !== undefined && limit > 0 ? limit : Number.POSITIVE_INFINITY;
    const take = (): EncodedBatch => {
      const part = ready.splice(0, Math.min(left, batchSeries));
      left -= part.length;
      return new EncodedBatch(columnsOf(part), decodeChunkInto);
    };
    for await (const batch of this.#inner.series(inner, context)) {
      const columns = batch.chunks!;
      for (let i = 0; i < columns.seriesCount; i++) {
        const { labels, bound } = completer.complete(columns.labels(i));
        if (sharded?.matches(labels) === false) continue;
        order.push(labels, bound, { columns, series: i });
      }
      while (ready.length >= batchSeries && left > 0) yield take();
      if (left <= 0) return;
    }
    order.flush();
    while (ready.length > 0 && left > 0) yield take();
  }

  async labelNames(request: LabelRequest, context: SourceContext): Promise<string[]> {
    const external = this.#external();
    const { matches, rest } = matchExternalLabels(request.matchers, external);
    if (!matches) return [];
    const without = new Set(request.withoutReplicaLabels ?? []);
    const names = new Set(await this.#inner.labelNames({ ...request, matchers: rest }, context));
    if (names.size === 0) return [];
    for (const [name] of external) names.add(name);
    for (const name of without) names.delete(name);
    return [...names].sort(compareStrings);
  }

  async labelValues(
    name: string,
    request: LabelRequest,
    context: SourceContext,
  ): Promise<string[]> {
    const external = this.#external();
    const { matches, rest } = matchExternalLabels(request.matchers, external);
    if (!matches || request.withoutReplicaLabels?.includes(name)) return [];
    const passed = { ...request, matchers: rest };
    if (!external.has(name)) return this.#inner.labelValues(name, passed, context);
    const some = await this.#inner.labelNames(passed, context);
    return some.length > 0 ? [external.get(name)] : [];
  }
}

function columnsOf(
  part: readonly { labels: LabelBytes; columns: ChunkColumns; series: number }[],
): ChunkColumns {
  const out = new ChunkColumns(part.length, 4 * part.length);
  const numbers = new Map<Uint8Array, number>();
  // Neighbours mostly share their buffers.
  const last: Uint8Array[] = [noData, noData];
  const lastNumber = [-1, -1];
  const numberOf = (data: Uint8Array, kind: 0 | 1): number => {
    if (last[kind] === data) return lastNumber[kind]!;
    let number = numbers.get(data);
    if (number === undefined) {
      number = out.addBuffer(data);
      numbers.set(data, number);
    }
    last[kind] = data;
    lastNumber[kind] = number;
    return number;
  };
  for (const { labels, columns: from, series } of part) {
    out.addSeries(numberOf(labels.data, 0), labels.start, labels.end);
    for (let row = from.first[series]!; row < from.first[series + 1]!; row++) {
      out.addChunk(
        from.minTime[row]!,
        from.maxTime[row]!,
        from.encoding[row]!,
        from.aggregate[row]!,
        numberOf(from.buffers[from.buffer[row]!]!, 1),
        from.offset[row]!,
        from.length[row]!,
      );
    }
  }
  return out;
}
