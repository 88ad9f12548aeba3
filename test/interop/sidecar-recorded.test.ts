// Every recorded call to a real sidecar, put to ours before a stand-in that holds the same blocks.
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { Labels } from "@deucalion/model";
import { Channel, type MessageType, RpcError, statusOf } from "@deucalion/rpc";
import {
  InfoResponseMessage,
  LabelNamesResponseMessage,
  LabelValuesResponseMessage,
  SeriesResponseMessage,
} from "@deucalion/storeapi";
import { recordedCalls } from "@deucalion/storeapi/testing";
import { conformanceRoot, deucalion, freePort } from "../support/mod.ts";
import { StandInPrometheus } from "../support/stand-in-prometheus.ts";

const responses: Readonly<Record<string, MessageType<never>>> = {
  Info: InfoResponseMessage as MessageType<never>,
  Series: SeriesResponseMessage as MessageType<never>,
  LabelNames: LabelNamesResponseMessage as MessageType<never>,
  LabelValues: LabelValuesResponseMessage as MessageType<never>,
};

/** Where ours differs on purpose; each is told in docs/differences.md. */
const differs: Readonly<Record<string, string>> = {
  "labelnames-limit": "the limit holds for external label names, too",
};

function blockDir(name: string): string {
  const folder = join(conformanceRoot, "blocks", name);
  return join(folder, readdirSync(folder).find((entry) => /^01/.test(entry))!);
}

test("sidecar answers every recorded call as the real one does", async (t) => {
  const prometheus = await StandInPrometheus.start(
    [blockDir("floats"), blockDir("hist")],
    Labels.from({ cluster: "eu", replica: "a" }),
  );
  t.after(() => prometheus.close());
  const [http, grpc] = [await freePort(), await freePort()];
  const sidecar = deucalion("sidecar", [
    "sidecar",
    `--prometheus.url=${prometheus.url}`,
    `--http-address=127.0.0.1:${http}`,
    `--grpc-address=127.0.0.1:${grpc}`,
  ]);
  t.after(() => sidecar.stop());
  await sidecar.ready(`http://127.0.0.1:${http}/-/ready`);
  const channel = new Channel(`127.0.0.1:${grpc}`);
  t.after(() => channel.close());
  for (const call of recordedCalls("grpc-sidecar")) {
    await t.test(
      call.name,
      { skip: call.name in differs ? differs[call.name]! : false },
      async () => {
        const message = responses[call.method.split("/").at(-1)!]!;
        const got: unknown[] = [];
        let status = 0;
        try {
          for await (const part of channel.stream(call.method, call.request, {
            timeoutMs: 10_000,
            waitForReady: true,
          })) {
            got.push(message.toJson(message.decode(part)));
          }
        } catch (error) {
          if (!(error instanceof RpcError)) throw error;
          status = statusOf(error);
        }
        assert.equal(status, call.status);
        const want = call.responses.map((part) => message.toJson(message.decode(part)));
        if (call.name === "info") {
          // The stand-in knows its oldest sample; the recorded server had no block of its own yet.
          for (const info of [...got, ...want] as {
            store: { min_time?: number; tsdb_infos: object[] };
          }[]) {
            delete info.store.min_time;
            info.store.tsdb_infos = [];
          }
        }
        assert.deepEqual(got, want);
      },
    );
  }
});
