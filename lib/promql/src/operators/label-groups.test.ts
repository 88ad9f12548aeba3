// Grouping on label bytes against grouping on label sets.
import assert from "node:assert/strict";
import { test } from "node:test";
import { encodeLabels, Labels } from "@deucalion/model";
import fc from "fast-check";
import { metadataLabels, Row } from "../row.ts";
import { LabelGroups } from "./label-groups.ts";

const name = fc.constantFrom("__name__", "__type__", "__unit__", "Zone", "a", "b", "ü", "le");
const labels = fc
  .dictionary(name, fc.constantFrom("", "1", "2", "long value ".repeat(20)))
  .map((entries) => Labels.from(entries));

function rowOf(set: Labels, bytes: boolean): Row {
  const row = new Row(bytes ? null : set, new Float64Array(1), new Uint8Array(1));
  if (bytes) row.labelBytes = encodeLabels(set);
  return row;
}

test("LabelGroups tells rows apart exactly as their kept labels do", () => {
  const rows = fc.array(fc.record({ set: labels, bytes: fc.boolean(), dropped: fc.boolean() }));
  fc.assert(
    fc.property(rows, fc.array(name), fc.boolean(), (items, names, without) => {
      const groups = new LabelGroups(names, without);
      const known = new Map<string, number>();
      for (const { set, bytes, dropped } of items) {
        const row = rowOf(set, bytes);
        if (dropped) row.dropMetadata();
        const all = dropped ? set.drop(metadataLabels) : set;
        const kept = without ? all.drop(new Set([...names, "__name__"])) : all.keep(new Set(names));
        const group = groups.groupOf(row);
        if (!known.has(kept.key)) known.set(kept.key, group);
        assert.equal(group, known.get(kept.key));
        assert.equal(groups.labels(group).key, kept.key);
      }
      assert.equal(groups.count, known.size);
    }),
  );
});
