// Turns what was read from the spool into requests: relabelled, in shards that keep the order of each series.
import { ProtoReader } from "@deucalion/rpc";
import { relabelSeries } from "../../receive/relabel.ts";
import { SeriesList } from "../../receive/write/series-list.ts";
import { SampleView, TimeSeriesView } from "../../receive/write/time-series.ts";
import type { RemoteWriteTarget } from "./remote-write-config.ts";
import { type MessageWriter, messageWriter, type WriteMessage } from "./write-message.ts";

/** One request that is not compressed yet. */
export interface WriteBatch {
  readonly request: Uint8Array;
  readonly samples: number;
  readonly histograms: number;
  /** Newest sample, Unix ms. */
  readonly newestMs: number;
}

export interface Sharded {
  /** Requests of each shard, to be sent one after the other. */
  readonly shards: readonly (readonly WriteBatch[])[];
  readonly samples: number;
  /** Left out, by reason. */
  readonly dropped: Readonly<Record<string, number>>;
}

/** Time series of a WriteRequest. */
function seriesOf(request: Uint8Array): SeriesList {
  const list = new SeriesList(request);
  const reader = new ProtoReader(request, 0, request.length);
  while (reader.next()) {
    if (reader.field === 1) {
      reader.range();
      list.add(reader.start, reader.stop);
    } else reader.skip();
  }
  return list;
}

/** FNV-1a of the labels: equal series meet in one shard. */
function hashOf({ data, start, end }: TimeSeriesView["labels"]): number {
  let hash = 0x811c9dc5;
  for (let i = start; i < end; i++) hash = Math.imul(hash ^ data[i]!, 0x01000193);
  return hash >>> 0;
}

/** Gathers time series into requests of at most so many samples. */
class BatchBuilder {
  readonly #samplesMax: number;
  readonly #out: MessageWriter;
  readonly batches: WriteBatch[] = [];
  #samples = 0;
  #histograms = 0;
  #newestMs = Number.NEGATIVE_INFINITY;

  constructor(samplesMax: number, message: WriteMessage) {
    this.#samplesMax = samplesMax;
    this.#out = messageWriter(message);
  }

  add(data: Uint8Array, start: number, end: number, view: TimeSeriesView, timeMs: number): void {
    this.#out.add(data, start, end, view);
    this.#histograms += view.histograms.length / 2;
    this.#samples += view.sampleCount + view.histograms.length / 2;
    this.#newestMs = Math.max(this.#newestMs, timeMs);
    if (this.#samples >= this.#samplesMax) this.flush();
  }

  flush(): void {
    if (this.#samples === 0) return;
    this.batches.push({
      request: this.#out.finish(),
      samples: this.#samples,
      histograms: this.#histograms,
      newestMs: this.#newestMs,
    });
    this.#samples = 0;
    this.#histograms = 0;
    this.#newestMs = Number.NEGATIVE_INFINITY;
  }
}

/** `payloads` are requests as the spool has them. */
export function shardBatches(
  payloads: readonly Uint8Array[],
  target: Pick<RemoteWriteTarget, "relabel" | "sendNativeHistograms" | "message" | "queue">,
  now: number,
): Sharded {
  const { relabel, sendNativeHistograms, message, queue } = target;
  const lists = payloads.map(seriesOf);
  const total = lists.reduce((sum, list) => sum + list.count, 0);
  const wanted = Math.ceil(total / queue.samplesPerSendMax);
  const shards = Math.max(1, queue.shardsMin, Math.min(queue.shardsMax, wanted));
  const builders = Array.from(
    { length: shards },
    () => new BatchBuilder(queue.samplesPerSendMax, message),
  );
  const dropped: Record<string, number> = {};
  const drop = (reason: string, count: number): void => {
    if (count > 0) dropped[reason] = (dropped[reason] ?? 0) + count;
  };
  const view = new TimeSeriesView();
  let samples = 0;
  for (const list of lists) {
    const kept = relabelSeries(list, relabel);
    drop("dropped_series", list.count - kept.count);
    const sample = new SampleView(kept.data);
    for (let i = 0; i < kept.count; i++) {
      const start = kept.starts[i]!;
      const end = kept.ends[i]!;
      view.read(kept.data, start, end);
      if (view.histograms.length > 0 && !sendNativeHistograms) {
        drop("native_histograms_off", 1);
        continue;
      }
      let timeMs = Number.NEGATIVE_INFINITY;
      for (let j = 0; j < view.samples.length; j += 2) {
        sample.read(view.samples[j]!, view.samples[j + 1]!);
        timeMs = Math.max(timeMs, sample.time);
      }
      if (
        queue.sampleAgeMaxMs > 0 &&
        Number.isFinite(timeMs) &&
        timeMs < now - queue.sampleAgeMaxMs
      ) {
        drop("too_old", 1);
        continue;
      }
      samples++;
      builders[hashOf(view.labels) % shards]!.add(kept.data, start, end, view, timeMs);
    }
  }
  for (const builder of builders) builder.flush();
  return {
    shards: builders.map(({ batches }) => batches).filter((b) => b.length > 0),
    samples,
    dropped,
  };
}
