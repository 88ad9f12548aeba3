// Indexes of version 1 are read as those of version 2 are.
import assert from "node:assert/strict";
import test from "node:test";
import { Matcher } from "@deucalion/model";
import { encodeIndexV1 } from "../testing/index-v1.ts";
import { IndexReader } from "./index-reader.ts";
import { memoryRanges } from "./range-reader.ts";
import { seriesLabels } from "./series-labels.ts";

test("IndexReader reads version 1", async () => {
  const bytes = encodeIndexV1([
    { minTime: 0, maxTime: 500, ref: 8 },
    { minTime: 1000, maxTime: 1500, ref: 9 },
  ]);
  const index = await IndexReader.open(memoryRanges(bytes));
  assert.deepEqual(index.labelNames(), ["a", "b"]);
  assert.deepEqual(index.labelValues("a"), ["x", "y"]);
  const select = async (matchers: Matcher[]): Promise<unknown[]> => {
    const found: unknown[] = [];
    await index.readSeries(await index.select(matchers), (entry) => {
      const labels = seriesLabels(entry, index.symbols).toJSON();
      found.push([labels, entry.minTimes[0], entry.maxTimes[0], entry.refs[0]]);
    });
    return found;
  };
  const x = [{ a: "x" }, 0, 500, 8];
  const y = [{ a: "y", b: "x" }, 1000, 1500, 9];
  assert.deepEqual(await select([]), [x, y]);
  assert.deepEqual(await select([new Matcher("=", "b", "x")]), [y]);
  assert.deepEqual(await select([new Matcher("=", "b", "")]), [x]);
  assert.deepEqual(await select([new Matcher("=~", "a", "x|y")]), [x, y]);
});
