// Every recorded call to a real querier over a real store, put to our `query` process over our `store`.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { test } from "node:test";
import { Channel } from "@deucalion/rpc";
import { recordedCalls } from "@deucalion/storeapi/testing";
import { conformanceRoot } from "../support/mod.ts";
import { Cluster } from "../support/recorded-answers.ts";
import { answered, assertAnswered, comparable, wanted } from "../support/recorded-calls.ts";

/** Points of a range answer as one text each: labels, time, value. */
function points(answer: unknown): { at: string; value: number }[] {
  const { vector } = answer as {
    vector: { labels: unknown; samples: { timestamp: number; value: number }[] }[];
  };
  return vector
    .map(({ labels, samples }) => ({ name: JSON.stringify(labels), samples }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name, samples }) =>
      samples.map(({ timestamp, value }) => ({ at: `${name} ${timestamp}`, value })),
    );
}

/**
 * Points that differ on purpose: the recorded querier flattens counters over raw data before `rate` sees them, and a
 * reset then counts twice; ours is Prometheus' rate. The hash is over all points that differ.
 */
const differing: Readonly<Record<string, { count: number; sha256: string }>> = {
  queryrange: {
    count: 12,
    sha256: "e961cec84bacb73e9d1c67b8e31254f06b08fa2550f804be20540201e37ddfa1",
  },
};

test("query answers every call of grpc-query as the real one does", async (t) => {
  const cluster = await Cluster.start(join(conformanceRoot, "blocks/ha/bucket"));
  t.after(() => cluster.stop());
  const { grpc } = await cluster.querierWithGrpc([
    "--query.replica-label=replica",
    "--deduplication.func=penalty",
  ]);
  const channel = new Channel(grpc);
  t.after(() => channel.close());
  for (const call of recordedCalls("grpc-query")) {
    await t.test(call.name, async () => {
      const exception = differing[call.name];
      if (exception === undefined) return assertAnswered(channel, call);
      const got = points(comparable(await answered(channel, call)));
      const want = points(comparable(wanted(call)));
      const times = (all: readonly { at: string }[]) => all.map(({ at }) => at);
      assert.deepEqual(times(got), times(want));
      const off = got.filter(({ value }, i) => Math.abs(value / want[i]!.value - 1) > 1e-9);
      const text = off.map(({ at, value }) => `${at} ${value.toPrecision(9)}`).join("\n");
      const sha256 = createHash("sha256").update(text).digest("hex");
      assert.deepEqual({ count: off.length, sha256 }, exception);
    });
  }
});
