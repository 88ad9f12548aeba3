// Recorded StoreAPI calls of Thanos' store gateway, asked of our source over the same buckets.
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, test } from "node:test";
import { decodeLabels } from "@deucalion/model";
import {
  conformance,
  decodedChunks,
  labelRequest,
  never,
  openFolder,
  recordedAnswer,
  recordedCalls,
  requestedLabel,
  seriesRequest,
} from "../testing/conformance.ts";

interface Series {
  readonly labels: [string, string][];
  readonly chunks: Record<string, unknown>[] | null;
}

interface Message {
  readonly series?: Series;
  readonly batch?: Series[];
  readonly names?: string[] | null;
  readonly values?: string[] | null;
}

/** Recorded series in one list, without hashes. */
function recordedSeries(messages: Message[]): Series[] {
  return messages
    .flatMap((message) => message.batch ?? (message.series ? [message.series] : []))
    .map(({ labels, chunks }) => ({
      labels,
      chunks: (chunks ?? []).map((chunk) =>
        Object.fromEntries(
          Object.entries(chunk).map(([key, value]) => {
            if (typeof value !== "object" || value === null) return [key, value];
            const { type, data_b64 } = value as Record<string, unknown>;
            return [key, { type, data_b64 }];
          }),
        ),
      ),
    }));
}

for (const [folder, data] of [
  ["grpc-store", "blocks/ha/bucket"],
  ["grpc-store-downsampled", "blocks/downsampled/bucket"],
] as const) {
  const opened = await openFolder(join(conformance, data));
  after(opened.close);
  const { source } = opened;
  const context = { signal: never, warn: (message: string) => assert.fail(message) };
  for (const call of await recordedCalls(folder)) {
    // Hints and bad requests are the server's.
    if (call.grpc_code !== 0 || call.name.includes("hints-block")) continue;
    if (call.method === "/thanos.Store/Series") {
      test(`${folder}/${call.name}: series equal the recorded ones`, async () => {
        const want = recordedSeries((await recordedAnswer(folder, call.name)) as Message[]);
        const got: Series[] = [];
        for await (const batch of source.series(seriesRequest(call.request), context)) {
          for (let i = 0; i < batch.seriesCount; i++)
            got.push({
              labels: [...decodeLabels(batch.labels(i))],
              chunks: decodedChunks(batch.chunks!, i),
            });
        }
        assert.deepEqual(got, want);
      });
    } else if (call.method.endsWith("LabelNames") || call.method.endsWith("LabelValues")) {
      test(`${folder}/${call.name}: labels equal the recorded ones`, async () => {
        const [message] = (await recordedAnswer(folder, call.name)) as Message[];
        const request = labelRequest(call.request);
        const got = call.method.endsWith("LabelNames")
          ? await source.labelNames(request, context)
          : await source.labelValues(requestedLabel(call.request), request, context);
        assert.deepEqual(got, message!.names ?? message!.values ?? []);
      });
    } else {
      test(`${folder}/${call.name}: announced ranges equal the recorded ones`, async () => {
        const [message] = (await recordedAnswer(folder, call.name)) as {
          label_sets: unknown[];
          store: {
            min_time: number;
            max_time: number;
            tsdb_infos: { labels: object; min_time: number; max_time: number }[];
          };
        }[];
        const { store, label_sets } = message!;
        const info = source.info();
        assert.deepEqual([info.minTime, info.maxTime], [store.min_time, store.max_time]);
        const text = (value: unknown): string => JSON.stringify(value);
        assert.deepEqual(info.labelSets.map(text).sort(), label_sets.map(text).sort());
        const ranges = source.timeRanges().flatMap(({ labels, ranges }) =>
          ranges.map(({ minTime, maxTime }) => ({
            labels,
            min_time: minTime,
            max_time: maxTime,
          })),
        );
        assert.deepEqual(ranges.map(text).sort(), store.tsdb_infos.map(text).sort());
      });
    }
  }
}
