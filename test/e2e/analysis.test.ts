// What `analyze` tells: which stores were asked, which were not and why, and whose data is missing.
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import { conformanceRoot, eventually, freePort, getJson } from "../support/mod.ts";
import { Cluster } from "../support/recorded-answers.ts";

interface StoreAnalysis {
  readonly address: string;
  readonly type: string;
  readonly labels: string;
  readonly asked: boolean;
  readonly reason: string | null;
  readonly firstByteMs: number | null;
  readonly series: number;
}

interface Analysis {
  readonly fanout: readonly { readonly endpointAddr: string; readonly series: number }[];
  readonly stores: readonly StoreAnalysis[];
  readonly missing: readonly { readonly store: string; readonly reason: string }[];
}

test("analyze names the stores asked, skipped and missing", { timeout: 60_000 }, async (t) => {
  const ha = await Cluster.start(join(conformanceRoot, "blocks/ha/bucket"));
  t.after(() => ha.stop());
  const old = await Cluster.start(join(conformanceRoot, "blocks/downsampled/bucket"));
  t.after(() => old.stop());
  const dead = `127.0.0.1:${await freePort()}`;
  const base = await ha.querier([
    "--query.replica-label=replica",
    `--endpoint=${old.storeAddress}`,
    `--endpoint=${dead}`,
  ]);
  const analysis = await eventually(
    async () => {
      const query = encodeURIComponent('sum(up{cluster="eu"}) + count(up{cluster="eu"} offset 1m)');
      const url = `${base}/api/v1/query?query=${query}&time=1704157200&analyze=true`;
      const { body } = await getJson(url);
      const found = (body as { data: { analysis: Analysis } }).data.analysis;
      const gone = found.missing.find(({ store }) => store === dead);
      return gone?.reason.startsWith("not reachable: rpc error") === true ? found : undefined;
    },
    20_000,
    "the dead store's reason",
  );
  assert.deepEqual(
    analysis.stores.map(({ address, asked, reason }) => [address, asked, reason]).sort(),
    [
      [ha.storeAddress, true, null],
      [old.storeAddress, false, "does not have data within this time period"],
      [dead, false, analysis.missing[0]!.reason],
    ].sort(),
  );
  assert.deepEqual(
    analysis.missing.map(({ store }) => store),
    [dead],
  );
  const asked = analysis.stores.find(({ address }) => address === ha.storeAddress)!;
  assert.equal(asked.type, "store");
  assert.match(asked.labels, /cluster="eu"/);
  assert.ok(asked.firstByteMs !== null && asked.firstByteMs >= 0);
  assert.equal(
    asked.series,
    analysis.fanout.reduce((sum, { series }) => sum + series, 0),
  );
  const metrics = await (await fetch(`${base}/metrics`)).text();
  const labels =
    'grpc_type="server_stream",grpc_service="thanos.Store",grpc_method="Series",grpc_code="OK"';
  assert.match(metrics, new RegExp(`grpc_client_handled_total\\{${labels}\\} [1-9]`));
  assert.match(metrics, /^thanos_query_concurrent_selects_gate_selects_max 4$/m);
  assert.match(metrics, /^thanos_query_concurrent_selects_gate_selects_in_flight 0$/m);
});
