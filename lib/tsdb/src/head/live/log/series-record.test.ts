// Records of series: what is written is read back as the same label bytes, and decodes as everybody reads it.
import assert from "node:assert/strict";
import test from "node:test";
import { encodeLabels, Labels } from "@deucalion/model";
import fc from "fast-check";
import { SeriesRecord } from "../../../wal/record-writer.ts";
import { decodeWalRecord } from "../../../wal/wal-record.ts";
import { SeriesRecordReader } from "./series-record-reader.ts";

const text = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom(1, 2, 3, 4, 5, 60, 119, 120, 121, 122, 127, 128, 300).map((n) => "v".repeat(n)),
  fc.string({ unit: "grapheme", maxLength: 40 }),
);
const labels = fc.dictionary(
  text.filter((name) => name !== "" && name !== "__proto__"),
  text.filter((one) => one !== ""),
  { maxKeys: 12 },
);

test("series of a record are read back byte for byte, wherever their bytes lay", () => {
  const reader = new SeriesRecordReader();
  fc.assert(
    fc.property(
      fc.array(fc.tuple(labels, fc.nat(2 ** 40), fc.nat(4), fc.nat(4)), { maxLength: 12 }),
      (series) => {
        const record = new SeriesRecord();
        const want: [number, Uint8Array][] = [];
        for (const [set, ref, before, behind] of series) {
          const bytes = encodeLabels(Labels.from(set)).data;
          want.push([ref, bytes]);
          const data = new Uint8Array(before + bytes.length + behind).fill(255);
          data.set(bytes, before);
          record.push(ref, { data, start: before, end: before + bytes.length });
        }
        const got: [number, Uint8Array][] = [];
        const data = record.view().slice();
        if (series.length > 0) {
          reader.read(data, (ref, out, start, end) => got.push([ref, out.slice(start, end)]));
          const decoded = decodeWalRecord(data);
          assert.ok(decoded.kind === "series");
          assert.deepEqual(
            decoded.series.map((one) => one.labels.key),
            series.map(([set]) => Labels.from(set).key),
          );
        }
        assert.deepEqual(got, want);
      },
    ),
    { numRuns: 300 },
  );
});

test("a record of series that is cut off anywhere is told", () => {
  const record = new SeriesRecord();
  for (const [ref, value] of [
    [1, "a"],
    [2, "b".repeat(200)],
    [3, "c"],
  ] as const) {
    record.push(ref, encodeLabels(Labels.from({ __name__: "up", value })));
  }
  const data = record.view();
  const whole: number[] = [];
  const reader = new SeriesRecordReader();
  for (let length = 2; length < data.length; length++) {
    try {
      reader.read(data.subarray(0, length), () => undefined);
      whole.push(length);
    } catch (error) {
      assert.equal((error as { code?: string }).code, "TSDB_WAL_RECORD");
    }
  }
  // Behind the first and the second series.
  assert.equal(whole.length, 2);
});
