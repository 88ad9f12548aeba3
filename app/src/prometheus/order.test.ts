import assert from "node:assert/strict";
import { test } from "node:test";
import { compareLabels, decodeLabels, encodeLabels, Labels } from "@deucalion/model";
import fc from "fast-check";
import { LabelCompleter } from "./complete-labels.ts";
import { ReorderSeries } from "./reorder-series.ts";

const names = ["A", "__name__", "a", "cluster", "d", "job", "replica", "z"];
const labelSet = fc
  .dictionary(fc.constantFrom(...names), fc.constantFrom("1", "2", "x"), { minKeys: 1, maxKeys: 5 })
  .map((record) => Labels.from(record));

function complete(own: Labels, external: Labels, without: readonly string[]): Labels {
  return Labels.from([...own, ...external]).drop(new Set(without));
}

/** Runs series in the order of their own labels through completion and reordering. */
function reordered(
  series: readonly Labels[],
  external: Labels,
  without: readonly string[],
): { out: Labels[]; heldMax: number } {
  const overridden =
    without.some((name) => !external.has(name)) ||
    series.some((own) => [...external].some(([name]) => own.has(name)));
  const completer = new LabelCompleter(external, without, overridden);
  const out: Labels[] = [];
  let given = 0;
  let heldMax = 0;
  const order = new ReorderSeries<null>((labels) => {
    given++;
    out.push(decodeLabels(labels));
  });
  series.forEach((own, i) => {
    // Prometheus adds its external labels itself where a series has none of that name.
    const sent = Labels.from([...external, ...own]);
    const { labels, bound } = completer.complete(encodeLabels(sent));
    order.push(labels, bound, null);
    heldMax = Math.max(heldMax, i + 1 - given);
  });
  order.flush();
  return { out, heldMax };
}

test("ReorderSeries gives series in the order of their complete labels", () => {
  fc.assert(
    fc.property(
      fc.array(labelSet, { maxLength: 40 }),
      labelSet,
      fc.subarray(["replica", "job", "cluster"]),
      (all, external, without) => {
        const removes = all.some((own) => without.some((name) => own.has(name)));
        const made = removes ? all.map((own) => own.with("zz", "1")) : all;
        const series = [...new Map(made.map((own) => [own.key, own])).values()].sort(compareLabels);
        const want = series.map((own) => complete(own, external, without)).sort(compareLabels);
        const { out } = reordered(series, external, without);
        assert.deepEqual(
          out.map((labels) => labels.key),
          want.map((labels) => labels.key),
        );
      },
    ),
    { numRuns: 3000 },
  );
});

test("ReorderSeries holds a handful of half a million series of one metric", () => {
  const series = Array.from({ length: 5000 }, (_, i) =>
    Labels.from({ __name__: "m", job: "j", pod: String(i).padStart(6, "0") }),
  );
  const { heldMax } = reordered(
    series,
    Labels.from({ cluster: "eu", replica: "a", zone: "1" }),
    [],
  );
  assert.ok(heldMax <= 2, `${heldMax} series were held`);
});
