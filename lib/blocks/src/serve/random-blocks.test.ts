// Random blocks, external labels and requests, compared with the plain way of answering.
import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { encodeXor, loadXxhash64 } from "@deucalion/kernels";
import {
  compareLabels,
  decodeLabels,
  encodeLabels,
  Labels,
  Matcher,
  type MatchType,
  type SeriesRequest,
} from "@deucalion/model";
import { writeBlock } from "@deucalion/tsdb";
import fc from "fast-check";
import { never, openFolder } from "../testing/conformance.ts";
import { shardAccept } from "./shard-accept.ts";

const names = ["__name__", "a", "ab", "b", "replica", "z"];
const values = ["1", "2", "12", "x", "é"];
const labelSet = fc
  .dictionary(fc.constantFrom(...names), fc.constantFrom(...values), { noNullPrototype: true })
  .map((record) => Labels.from(record));
const block = fc.record({
  external: fc.dictionary(fc.constantFrom("aa", "b", "replica", "zz"), fc.constantFrom("e", "f"), {
    noNullPrototype: true,
  }),
  series: fc.uniqueArray(labelSet, { maxLength: 30, selector: (labels) => labels.key }),
  slot: fc.nat(2),
});
const matcher = fc
  .tuple(
    fc.constantFrom<MatchType>("=", "!=", "=~", "!~"),
    fc.constantFrom(...names, "aa", "nope"),
    fc.constantFrom("", "1", "2", "e", ".*", ".+", "1|2", "1.*", "(x|1)?", "[12]+"),
  )
  .map(([type, name, value]) => new Matcher(type, name, value));
const request = fc.record({
  matchers: fc.array(matcher, { minLength: 1, maxLength: 3 }),
  anyOf: fc.option(fc.array(fc.array(matcher, { maxLength: 2 }), { minLength: 1, maxLength: 3 }), {
    nil: undefined,
  }),
  without: fc.subarray(["replica", "a"]),
  shard: fc.option(fc.record({ index: fc.nat(1), by: fc.boolean() }), { nil: undefined }),
  limit: fc.constantFrom(0, 0, 1, 5),
  seriesBatch: fc.constantFrom(1, 2, 7, 10_000),
  callBytes: fc.constantFrom(1, 96 << 20),
});

const slotMs = 1_000_000;

test("series of random blocks equal what a plain search finds", async () => {
  const xxhash = await loadXxhash64();
  await fc.assert(
    fc.asyncProperty(fc.array(block, { maxLength: 4 }), request, async (blocks, ask) => {
      const folder = await mkdtemp(join(tmpdir(), "random-blocks-"));
      const shard =
        ask.shard === undefined ? undefined : { ...ask.shard, total: 2, labels: ["a", "aa"] };
      const accept = shardAccept(shard, xxhash);
      const want = new Map<string, { labels: Labels; times: Set<number> }>();
      try {
        for (const [i, { external, series, slot }] of blocks.entries()) {
          const minTime = slot * slotMs;
          const data = encodeXor(Float64Array.of(minTime), new Uint32Array(2), 0, 1);
          const chunk = { encoding: 1, minTime, maxTime: minTime, sampleCount: 1, data };
          const thanos = {
            labels: external,
            downsample: { resolution: 0 },
            source: "test",
            index_stats: {},
          };
          await writeBlock(
            folder,
            {
              ulid: `01HK00000000000000000000${10 + i}`,
              minTime,
              maxTime: minTime + slotMs,
              thanos,
            },
            [...series].sort(compareLabels).map((labels) => ({ labels, chunks: [chunk] })),
          );
          const fitsAll = (labels: Labels, matchers: readonly Matcher[]): boolean => {
            const inner = matchers.filter((m) => (external[m.name] ?? "") === "");
            return (
              inner.length > 0 &&
              inner.every((m) => m.matches(labels.get(m.name))) &&
              matchers.every((m) => inner.includes(m) || m.matches(external[m.name]!))
            );
          };
          for (const labels of series) {
            const merged = Labels.from({ ...labels.toJSON(), ...external });
            const fits = (ask.anyOf ?? [[]]).some((list) =>
              fitsAll(labels, [...ask.matchers, ...list]),
            );
            const sent = merged.drop(new Set(ask.without));
            const bytes = encodeLabels(sent);
            if (!fits || accept?.(bytes.data, bytes.start, bytes.end) === false) continue;
            const known = want.get(sent.key) ?? { labels: sent, times: new Set() };
            known.times.add(minTime);
            want.set(sent.key, known);
          }
        }
        const sorted = [...want.values()].sort((x, y) => compareLabels(x.labels, y.labels));
        const expected = (ask.limit > 0 ? sorted.slice(0, ask.limit) : sorted).map(
          ({ labels, times }) => [labels.toString(), [...times].sort((x, y) => x - y)],
        );
        const { seriesBatch, callBytes } = ask;
        const opened = await openFolder(folder, { seriesBatch, callBytes });
        const wanted: SeriesRequest = {
          minTime: 0,
          maxTime: 10 * slotMs,
          matchers: ask.matchers,
          withoutReplicaLabels: ask.without,
          limit: ask.limit,
          ...(shard === undefined ? {} : { shard }),
          ...(ask.anyOf === undefined ? {} : { anyOf: ask.anyOf }),
        };
        const got: unknown[] = [];
        try {
          const context = { signal: never, warn: (text: string) => assert.fail(text) };
          for await (const batch of opened.source.series(wanted, context)) {
            const columns = batch.chunks!;
            for (let i = 0; i < batch.seriesCount; i++) {
              const times = columns.minTime.slice(columns.first[i]!, columns.first[i + 1]!);
              got.push([decodeLabels(batch.labels(i)).toString(), [...new Set(times)]]);
            }
          }
        } finally {
          await opened.close();
        }
        assert.deepEqual(got, expected);
      } finally {
        await rm(folder, { recursive: true });
      }
    }),
    { numRuns: 150 },
  );
});
