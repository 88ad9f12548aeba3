// Postings left to a filter: which, and that answers stay the same.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { decodeLabels, Matcher, type SeriesRequest } from "@deucalion/model";
import { conformance, never, openFolder } from "../testing/conformance.ts";
import { type GroupSize, lazyGroups } from "./lazy-groups.ts";

const group = (name: string, keep: boolean, series: number, keys = 1): GroupSize => ({
  name,
  keep,
  series,
  keys,
});
const lazyOf = (groups: GroupSize[], seriesBytes = 1000, keySeriesRatio = 0): string[] =>
  [...lazyGroups(groups, { seriesBytes, keySeriesRatio })].map(([g, why]) => `${g.name} ${why}`);

test("lazyGroups() leaves postings that are larger than the series they spare", () => {
  const small = group("job", true, 10);
  assert.deepEqual(lazyOf([group("env", true, 1_000_000), small]), ["env postings_size"]);
  // 5 series of 1000 bytes are spared by 4 bytes for each of 1250.
  assert.deepEqual(lazyOf([group("env", true, 1250), small]), []);
  assert.deepEqual(lazyOf([group("env", true, 1251), small]), ["env postings_size"]);
  // With each group fewer series are left to be spared.
  assert.deepEqual(lazyOf([small, group("a", true, 1000), group("b", true, 1000)]), [
    "b postings_size",
  ]);
  assert.deepEqual(lazyOf([small, group("a", false, 2000)]), ["a postings_size"]);
});

test("lazyGroups() always reads one group that keeps, and what is smaller than it", () => {
  assert.deepEqual(lazyOf([group("a", true, 1_000_000)]), []);
  assert.deepEqual(lazyOf([group("a", false, 5), group("b", true, 1_000_000)]), []);
  assert.deepEqual(lazyOf([group("a", false, 5), group("b", false, 7)]), []);
});

test("lazyGroups() leaves labels with many more values than series", () => {
  const groups = [group("job", true, 10), group("pod", true, 1001, 1001)];
  assert.deepEqual(lazyOf(groups, 1000, 100), ["pod keys_limit"]);
  assert.deepEqual(lazyOf(groups, 1000, 101), []);
});

test("answers are the same with lazy postings, and fewer postings are read", async () => {
  for (const name of ["highcard", "floats", "hist"]) {
    const folder = join(conformance, "blocks", name);
    const eager = await openFolder(folder);
    const lazy = await openFolder(folder, { lazyPostings: true });
    const context = { signal: never, warn: assert.fail };
    const all = { minTime: Number.MIN_SAFE_INTEGER, maxTime: Number.MAX_SAFE_INTEGER };
    const ask = async (
      { source }: typeof eager,
      matchers: Matcher[],
    ): Promise<{ series: string[]; chunks: number; names: string[] }> => {
      const request: SeriesRequest = { ...all, matchers };
      const series: string[] = [];
      let chunks = 0;
      for await (const batch of source.series(request, context)) {
        for (let i = 0; i < batch.seriesCount; i++)
          series.push(JSON.stringify(decodeLabels(batch.labels(i))));
        chunks += batch.chunks!.chunkCount;
      }
      return { series, chunks, names: await source.labelNames(request, context) };
    };
    try {
      const names = await eager.source.labelNames({ ...all, matchers: [] }, context);
      let left = 0;
      for (const a of names) {
        const [value = ""] = await eager.source.labelValues(a, { ...all, matchers: [] }, context);
        for (const b of names) {
          for (const second of [
            new Matcher("=~", b, ".*[0-5].*"),
            new Matcher("!~", b, ".*[0-5].*"),
            new Matcher("!=", b, value),
          ]) {
            const matchers = [new Matcher("=", a, value), second];
            assert.deepEqual(await ask(lazy, matchers), await ask(eager, matchers));
          }
        }
      }
      for (const budget of lazy.budgets) left += budget.lazyBytes;
      if (name === "highcard") assert.ok(left > 0);
      const total = ({ budgets }: typeof eager): number =>
        budgets.reduce((sum, { series }) => sum + series, 0);
      assert.equal(total(lazy), total(eager));
    } finally {
      await eager.close();
      await lazy.close();
    }
  }
});
