// Tests of the address: round trips, and links made by Prometheus and Thanos.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  decodePanels,
  encodePanels,
  type PanelState,
  panelDefaults,
  type Resolution,
  stepMs,
} from "./panel-state.ts";

const plain = { noNullPrototype: true };

const resolution: fc.Arbitrary<Resolution> = fc.oneof(
  fc.record(
    {
      kind: fc.constant("auto" as const),
      density: fc.constantFrom("low" as const, "medium" as const, "high" as const),
    },
    plain,
  ),
  fc.record(
    { kind: fc.constant("fixed" as const), stepMs: fc.integer({ min: 1, max: 10 ** 8 }) },
    plain,
  ),
);

const panel: fc.Arbitrary<PanelState> = fc.record(
  {
    expr: fc.string({ unit: "binary" }),
    tab: fc.constantFrom("table" as const, "graph" as const, "replicas" as const, "raw" as const),
    rangeMs: fc.integer({ min: 1, max: 10 ** 11 }),
    endMs: fc.option(fc.integer({ min: 0, max: 4 * 10 ** 12 }).map((ms) => ms - (ms % 1000))),
    resolution,
    stacked: fc.boolean(),
    fromZero: fc.boolean(),
    dedup: fc.boolean(),
    partial: fc.boolean(),
    maxSource: fc.constantFrom("auto", "0s", "5m", "1h"),
    stores: fc.array(fc.string(), { maxLength: 3 }),
    tenant: fc.string(),
    refreshMs: fc.constantFrom(0, 5_000, 60_000),
  },
  plain,
);

test("decodePanels() reads what encodePanels() writes", () => {
  fc.assert(
    fc.property(fc.array(panel, { minLength: 1, maxLength: 4 }), (panels) => {
      assert.deepEqual(decodePanels(encodePanels(panels)), panels);
    }),
  );
});

test("encodePanels() leaves the address of an untouched page empty", () => {
  assert.equal(encodePanels([panelDefaults]), "");
  assert.deepEqual(decodePanels(""), [panelDefaults]);
});

test("decodePanels() opens a link of Thanos", () => {
  const link =
    "?g0.expr=up&g0.tab=0&g0.stacked=1&g0.range_input=12h&g0.max_source_resolution=5m&g0.deduplicate=0" +
    "&g0.partial_response=0&g0.store_matches=%5B%7B%22name%22%3A%22a%3A10901%22%7D%5D&g0.engine=prometheus" +
    "&g0.analyze=0&g0.tenant=&g0.end_input=2026-08-03%2010%3A00%3A00&g0.moment_input=2026-08-03%2010%3A00%3A00" +
    "&g0.step_input=60&g1.expr=down+%2B+1&g1.tab=1";
  assert.deepEqual(decodePanels(link), [
    {
      ...panelDefaults,
      expr: "up",
      tab: "graph",
      stacked: true,
      rangeMs: 43_200_000,
      maxSource: "5m",
      dedup: false,
      partial: false,
      stores: ["a:10901"],
      endMs: Date.UTC(2026, 7, 3, 10),
      resolution: { kind: "fixed", stepMs: 60_000 },
    },
    { ...panelDefaults, expr: "down + 1" },
  ]);
});

test("decodePanels() opens a link of Prometheus", () => {
  const link =
    "?g0.expr=rate%28x%5B5m%5D%29&g0.show_tree=0&g0.tab=graph&g0.range_input=30m&g0.res_type=auto" +
    "&g0.res_density=high&g0.display_mode=stacked&g0.y_axis_min=0&g0.show_exemplars=0";
  assert.deepEqual(decodePanels(link), [
    {
      ...panelDefaults,
      expr: "rate(x[5m])",
      tab: "graph",
      rangeMs: 1_800_000,
      resolution: { kind: "auto", density: "high" },
      stacked: true,
      fromZero: true,
    },
  ]);
  const fixed = decodePanels("?g0.expr=x&g0.tab=graph&g0.res_type=fixed&g0.res_step=30")[0];
  assert.deepEqual(fixed?.resolution, { kind: "fixed", stepMs: 30_000 });
});

test("decodePanels() survives nonsense", () => {
  const search =
    "?g0.range_input=-1&g0.end_input=soon&g0.store_matches=%7B&g0.tab=9&g7.expr=b&gx.expr=c";
  assert.deepEqual(decodePanels(search), [panelDefaults, { ...panelDefaults, expr: "b" }]);
});

test("stepMs() stays below 11,000 points and above a second", () => {
  const of = (patch: Partial<PanelState>): number => stepMs({ ...panelDefaults, ...patch });
  assert.deepEqual(
    [
      of({}),
      of({ rangeMs: 60_000 }),
      of({ rangeMs: 11_000_000, resolution: { kind: "fixed", stepMs: 1 } }),
    ],
    [14_000, 1000, 1000],
  );
});
