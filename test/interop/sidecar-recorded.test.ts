// Every recorded call to a real sidecar, put to ours before a stand-in that holds the same blocks.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Labels } from "@deucalion/model";
import { recordedCalls } from "@deucalion/storeapi/testing";
import { conformanceRoot, startSidecar } from "../support/mod.ts";
import { answered, comparable, wanted } from "../support/recorded-calls.ts";
import { StandInPrometheus } from "../support/stand-in-prometheus.ts";

/** Where ours differs on purpose, with our answer; docs/differences.md says why. */
const differs: Readonly<Record<string, unknown>> = {
  "labelnames-limit": { status: 0, statusMessage: "", messages: [{ names: ["__name__", "a"] }] },
};

function blockDir(name: string): string {
  const folder = join(conformanceRoot, "blocks", name);
  return join(folder, readdirSync(folder).find((entry) => /^01/.test(entry))!);
}

function forgetTimes(messages: readonly unknown[]): void {
  for (const info of messages as { store: { min_time?: number; tsdb_infos: object[] } }[]) {
    delete info.store.min_time;
    info.store.tsdb_infos = [];
  }
}

test("sidecar answers every recorded call as the real one does", async (t) => {
  const prometheus = await StandInPrometheus.start(
    [blockDir("floats"), blockDir("hist")],
    Labels.from({ cluster: "eu", replica: "a" }),
  );
  t.after(() => prometheus.close());
  const { channel } = await startSidecar(t, prometheus.url);
  for (const call of recordedCalls("grpc-sidecar")) {
    await t.test(call.name, async () => {
      const got = await answered(channel, call);
      const own = differs[call.name];
      if (own !== undefined) return assert.deepEqual(got, own);
      const want = wanted(call);
      // The stand-in knows its oldest sample; the recorded server had no block of its own yet.
      if (call.name === "info") for (const { messages } of [got, want]) forgetTimes(messages);
      assert.deepEqual(comparable(got), comparable(want));
    });
  }
});
