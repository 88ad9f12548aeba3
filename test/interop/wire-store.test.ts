// Every recorded call to a real store gateway, put to our `store` process over a copy of the same bucket.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { Channel } from "@deucalion/rpc";
import { recordedCalls } from "@deucalion/storeapi/testing";
import { conformanceRoot } from "../support/mod.ts";
import { Cluster } from "../support/recorded-answers.ts";
import { answered, assertAnswered } from "../support/recorded-calls.ts";

/** Where ours differs on purpose, with our answer; docs/differences.md says why. */
const differs: Readonly<Record<string, unknown>> = {
  "labelvalues-empty-label": {
    status: 3,
    statusMessage: "label name parameter cannot be empty",
    messages: [],
  },
};

for (const [folder, data] of [
  ["grpc-store", "blocks/ha/bucket"],
  ["grpc-store-downsampled", "blocks/downsampled/bucket"],
] as const) {
  test(`store answers every call of ${folder} as the real one does`, async (t) => {
    const cluster = await Cluster.start(join(conformanceRoot, data));
    t.after(() => cluster.stop());
    const channel = new Channel(cluster.storeAddress);
    t.after(() => channel.close());
    for (const call of recordedCalls(folder)) {
      await t.test(call.name, async () => {
        const own = differs[call.name];
        if (own === undefined) await assertAnswered(channel, call);
        else assert.deepEqual(await answered(channel, call), own);
      });
    }
  });
}
