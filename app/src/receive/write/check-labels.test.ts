// Labels of new series: what is taken as it is, what is written again, what is refused.
import assert from "node:assert/strict";
import test from "node:test";
import { type LabelBytes, LabelCursor } from "@deucalion/model";
import fc from "fast-check";
import { checkLabels } from "./check-labels.ts";

const utf8 = new TextEncoder();

function message(name: string, value: string, padded = false): number[] {
  const parts: number[] = [];
  for (const [tag, text] of [
    [0x0a, name],
    [0x12, value],
  ] as const) {
    const bytes = [...utf8.encode(text)];
    // Two bytes for a length where one would do.
    const wide = padded || bytes.length > 127;
    parts.push(tag, ...(wide ? [(bytes.length & 127) | 128, bytes.length >> 7] : [bytes.length]));
    parts.push(...bytes);
  }
  const { length } = parts;
  return [0x0a, ...(length > 127 ? [(length & 127) | 128, length >> 7] : [length]), ...parts];
}

function bytesOf(labels: readonly (readonly [string, string])[], padded = false): LabelBytes {
  const data = Uint8Array.from([
    7,
    ...labels.flatMap(([name, value]) => message(name, value, padded)),
    0x12,
    0,
  ]);
  return { data, start: 1, end: data.length - 2 };
}

function read(labels: LabelBytes): [string, string][] {
  const cursor = new LabelCursor().reset(labels);
  const text = new TextDecoder();
  const found: [string, string][] = [];
  while (cursor.next()) {
    const { data } = labels;
    found.push([
      text.decode(data.subarray(cursor.nameStart, cursor.nameEnd)),
      text.decode(data.subarray(cursor.valueStart, cursor.valueEnd)),
    ]);
  }
  return found;
}

const label = fc.tuple(
  fc.constantFrom("", "__name__", "a", "ab", "b", "job", "n".repeat(130)),
  fc.constantFrom("", "1", "value", "v".repeat(118), "v".repeat(125), "v".repeat(200)),
);

test("checkLabels() says of any labels what their names and values say", () => {
  fc.assert(
    fc.property(fc.array(label, { maxLength: 5 }), fc.boolean(), (labels, padded) => {
      const bytes = bytesOf(labels, padded);
      const got = checkLabels(bytes);
      const faults = new Set<string>();
      for (const [i, [name, value]] of labels.entries()) {
        if (name === "" || value === "") faults.add("labelsEmpty");
        const before = labels[i - 1]?.[0] ?? "";
        if (i > 0 && before === name) faults.add("labelsDuplicate");
        if (i > 0 && before > name) faults.add("labelsOutOfOrder");
      }
      if (labels.length === 0) faults.add("labelsEmpty");
      if (typeof got === "string") assert.ok(faults.has(got), got);
      else {
        assert.deepEqual([...faults], []);
        assert.deepEqual(read(got), labels);
        const { data, start, end } = bytesOf(labels);
        const { length } = data.subarray(start, end);
        assert.equal(got.end - got.start, length);
        assert.equal(got === bytes, !padded || bytes.end - bytes.start === length);
      }
    }),
    { numRuns: 1000 },
  );
});
