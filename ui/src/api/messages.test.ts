// Tests of sorting warnings by meaning.
import assert from "node:assert/strict";
import { test } from "node:test";
import { messagePosition, namedAddresses, sortMessages } from "./messages.ts";

test("sortMessages() tells missing data, warnings, infos and cuts apart, each once", () => {
  const missing = "receive series from Addr: a:10901: deadline exceeded";
  assert.deepEqual(
    sortMessages(
      [
        missing,
        missing,
        "PromQL warning: bucket label missing (1:3)",
        "PromQL info: metric might not be a counter (1:6)",
        "results truncated due to limit",
      ],
      ["PromQL info: metric might not be a counter (1:6)"],
    ),
    {
      missing: [missing],
      warnings: ["bucket label missing (1:3)"],
      infos: ["metric might not be a counter (1:6)"],
      cut: ["results truncated due to limit"],
    },
  );
});

test("messagePosition() finds line and column", () => {
  assert.deepEqual(
    ["1:14: parse error: unexpected", "not a counter (2:6)", "Addr: a:10901: x"].map(
      messagePosition,
    ),
    [{ line: 1, column: 14 }, { line: 2, column: 6 }, null],
  );
});

test("namedAddresses() finds whole addresses only", () => {
  const known = ["10.0.0.5:1090", "10.0.0.5:10901", "0.0.0.5:10901", "store-a:1"];
  assert.deepEqual(
    namedAddresses(["receive series from Addr: 10.0.0.5:10901 LabelSets: {}: deadline"], known),
    ["10.0.0.5:10901"],
  );
  assert.deepEqual(namedAddresses(["store-a:1: gone", "no store"], known), ["store-a:1"]);
});
