// The bucket tools: what they print equals what Thanos prints for the same blocks.
import assert from "node:assert/strict";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type BlockMeta, formatGoMeta, goMeta, parseBlockMeta } from "@deucalion/blocks";
import { Labels } from "@deucalion/model";
import { blockTable } from "../bucket-inspect/block-table.ts";
import { borderedTable, separatedTable } from "../bucket-inspect/text-table.ts";
import { blockTemplate } from "./block-template.ts";

const blocks = fileURLToPath(
  new URL("../../../../../../shared/conformance/blocks/", import.meta.url),
);

async function metas(folder: string): Promise<BlockMeta[]> {
  const ids = await readdir(join(blocks, folder));
  return Promise.all(
    ids.map(async (id) =>
      parseBlockMeta(await readFile(join(blocks, folder, id, "meta.json"), "utf8")),
    ),
  );
}

test("formatGoMeta() gives back what Thanos wrote", async () => {
  for (const folder of ["ha/bucket", "downsampled/bucket", "compaction/output"]) {
    for (const meta of await metas(folder)) {
      const written = await readFile(join(blocks, folder, meta.ulid, "meta.json"), "utf8");
      assert.equal(formatGoMeta(meta), written.trimEnd());
    }
  }
});

test("formatGoMeta() of a plain Prometheus block has an empty section of Thanos", async () => {
  const [id] = (await readdir(join(blocks, "floats"))).filter((name) => !name.includes("."));
  const text = await readFile(join(blocks, "floats", id!, "meta.json"), "utf8");
  const { thanos } = goMeta(parseBlockMeta(text));
  assert.deepEqual(thanos, {
    labels: null,
    downsample: { resolution: 0 },
    source: "",
    index_stats: {},
    upload_time: "0001-01-01T00:00:00Z",
  });
});

test("blockTable() prints as Thanos does", async () => {
  const all = await metas("downsampled/bucket");
  const table = blockTable(all, Labels.empty, ["FROM", "UNTIL"]);
  const line =
    "| 01M837VMHVVR3X7BNWCTG72Y0Q | 2024-01-04T00:00:00Z | 2024-01-18T00:00:00Z | 336h0m0s | -96h0m0s   | 12      | 42,946   | 145     | 1          | false       | cluster=lt,replica=0 | 5m0s       | compactor     |";
  const lines = borderedTable(table).split("\n");
  assert.equal(lines[3], line);
  assert.equal(lines[0]!.slice(0, 40), "|            ULID            |         F");
  assert.equal(
    separatedTable(table, ",").split("\n")[3],
    '01M837VMMNKQN1QYDQW4H51GSA,2024-01-04T00:00:00Z,2024-01-18T00:00:00Z,336h0m0s,-,12,"3,854",35,1,false,"cluster=lt,replica=0",1h0m0s,compactor',
  );
  const bySeries = blockTable(all, Labels.from({ cluster: "lt" }), ["#SAMPLES"]);
  assert.deepEqual(
    bySeries.rows.map((row) => row[6]),
    ["3,854", "42,946", "97,018"],
  );
  assert.equal(blockTable(all, Labels.from({ cluster: "other" }), []).rows.length, 0);
});

test("blockTemplate() prints fields, and says what it cannot", async () => {
  const [meta] = await metas("downsampled/bucket");
  const json = goMeta(meta!);
  const print = blockTemplate(
    '{{.ULID}}|{{ .Compaction.Level }}|{{.Thanos.Labels}}|{{index .Thanos.Labels "cluster"}}|{{.Stats.NumTombstones}}|{{.Thanos.SegmentFiles}}',
  );
  assert.match(print(json), /^01M837\w+\|1\|map\[cluster:lt replica:0\]\|lt\|0\|\[000001\]$/);
  assert.equal(blockTemplate("a {{- .Version -}} b")(json), "a1b");
  assert.throws(() => blockTemplate("{{range .X}}{{end}}"), { code: "APP_CONFIG" });
  assert.throws(() => blockTemplate("{{.ULID"), { code: "APP_CONFIG" });
});
