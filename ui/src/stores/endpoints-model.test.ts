// Tests of reading the list of stores from our route and from Thanos'.
import assert from "node:assert/strict";
import { test } from "node:test";
import { boundedRange, hasData, readEndpoints, sameLabels, totalRange } from "./endpoints-model.ts";

const thanos = {
  sidecar: [
    {
      name: "a:10901",
      lastCheck: "2026-08-03T10:42:15Z",
      lastError: null,
      labelSets: [{ replica: "a" }],
      minTime: 1_785_000_000_000,
      maxTime: 2 ** 63,
    },
    {
      name: "b:10901",
      lastCheck: "2026-08-03T10:42:15Z",
      lastError: "connection refused",
      labelSets: [],
      minTime: 0,
      maxTime: 0,
    },
  ],
  store: [
    {
      name: "s:10901",
      lastCheck: "0001-01-01T00:00:00Z",
      lastError: null,
      labelSets: null,
      minTime: 2 ** 63,
      maxTime: -(2 ** 63),
    },
  ],
};

test("readEndpoints() reads Thanos' stores", () => {
  const list = readEndpoints(thanos);
  assert.deepEqual(
    list.map((e) => [e.address, e.component, e.state, e.lastCheckMs, e.lastError, hasData(e)]),
    [
      ["a:10901", "sidecar", "up", 1_785_753_735_000, null, true],
      ["b:10901", "sidecar", "down", 1_785_753_735_000, "connection refused", false],
      ["s:10901", "store", "up", null, null, false],
    ],
  );
  assert.deepEqual(totalRange(list), { from: 1_785_000_000_000, to: null });
});

test("readEndpoints() reads our endpoints, failed ones included", () => {
  const entry = {
    address: "x:1",
    component: "receive",
    state: "never",
    lastCheck: null,
    lastError: "no such host",
    labelSets: [{ tenant: "t" }],
    minTime: -62_167_219_200_000,
    maxTime: 5_000_000_000_000_000,
    strict: true,
    apis: ["storeEndpoints", "rules"],
  };
  const [e] = readEndpoints({ endpoints: [entry] });
  assert.deepEqual(e, {
    address: "x:1",
    component: "receive",
    state: "never",
    lastCheckMs: null,
    lastError: "no such host",
    labelSets: [{ tenant: "t" }],
    minTime: entry.minTime,
    maxTime: entry.maxTime,
    strict: true,
    apis: ["store", "rules"],
  });
  assert.deepEqual(e && boundedRange(e), { from: null, to: null });
  assert.deepEqual([readEndpoints(null), readEndpoints({ endpoints: [3] })], [[], []]);
});

test("sameLabels() finds sidecars that announce the same labels", () => {
  const list = readEndpoints({
    sidecar: ["a", "b"].map((name) => ({ name, labelSets: [{ r: "1" }], minTime: 1, maxTime: 2 })),
    store: ["c", "d"].map((name) => ({ name, labelSets: [{ r: "1" }], minTime: 1, maxTime: 2 })),
  });
  assert.deepEqual(
    sameLabels(list).map(([a, b]) => [a.address, b.address]),
    [["a", "b"]],
  );
});
