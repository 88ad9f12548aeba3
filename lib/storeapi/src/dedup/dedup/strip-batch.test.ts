// A batch stripped in columns says the same as series stripped one by one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ChunkColumns, decodeLabels, EncodedBatch, encodeLabels, Labels } from "@deucalion/model";
import fc from "fast-check";
import { BatchStripper, sameBatchPrefix, strippedOf } from "./strip-batch.ts";
import { LabelStripper } from "./strip-labels.ts";

const names = ["__name__", "a", "job", "prom_replica", "replica", "zone"];
const value = fc.constantFrom("", "0", "1", "long value");
const series = fc.array(fc.tuple(fc.constantFrom(...names), value), { maxLength: 6 });

function batchOf(sets: readonly Labels[]): EncodedBatch {
  const columns = new ChunkColumns();
  for (const labels of sets) {
    const { data, end } = encodeLabels(labels);
    const shifted = new Uint8Array(end + 3);
    shifted.set(data.subarray(0, end), 3);
    columns.addSeries(columns.addBuffer(shifted), 3, end + 3);
  }
  return new EncodedBatch(columns, () => undefined);
}

test("BatchStripper agrees with LabelStripper", () => {
  const replicaLabels = fc.subarray(["zone", "replica", "prom_replica", "a"], { minLength: 1 });
  fc.assert(
    fc.property(fc.array(series, { maxLength: 8 }), replicaLabels, (sets, replicas) => {
      const batch = batchOf(sets.map((pairs) => Labels.from(pairs)));
      const stripped = new BatchStripper(replicas).strip(batch);
      const single = new LabelStripper(replicas);
      const prefixes: string[] = [];
      for (let i = 0; i < batch.seriesCount; i++) {
        const ours = strippedOf(stripped, i);
        const theirs = single.strip(batch.labels(i));
        assert.deepEqual(decodeLabels(ours.labels), decodeLabels(theirs.labels));
        assert.equal(ours.replica, theirs.replica);
        assert.equal(ours.prefixEnd - ours.labels.start, theirs.prefixEnd - theirs.labels.start);
        const { data, start } = ours.labels;
        prefixes.push(Buffer.from(data.subarray(start, ours.prefixEnd)).toString("hex"));
        if (i > 0)
          assert.equal(sameBatchPrefix(stripped, i - 1, i), prefixes[i - 1] === prefixes[i]);
      }
    }),
  );
});
