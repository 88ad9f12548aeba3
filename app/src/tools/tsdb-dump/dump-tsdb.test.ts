// Real blocks and data folders must dump exactly as real Prometheus reads them.
import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import test from "node:test";
import { Matcher } from "@deucalion/model";
import type { ReplayDamage } from "@deucalion/tsdb";
import {
  conformanceBlocks,
  conformanceMissing,
  conformanceRoot,
  readGzippedLines,
} from "@deucalion/tsdb/testing";
import { dumpTsdb } from "./dump-tsdb.ts";

const skip = conformanceMissing;
const folders = ["snappy", "zstd", "library-uncompressed"];

async function dump(
  dir: string,
  chunks: boolean,
  match: Matcher[] = [],
): Promise<{ lines: string[]; damage: ReplayDamage[] }> {
  const lines: string[] = [];
  const damage: ReplayDamage[] = [];
  const report = (one: ReplayDamage): void => void damage.push(one);
  await dumpTsdb(dir, { chunks, match, report }, (line) => void lines.push(line));
  return { lines, damage };
}

function compare(got: readonly string[], want: readonly string[], name: string): void {
  assert.equal(got.length, want.length, `${name}: number of series`);
  for (const [i, line] of want.entries()) {
    assert.deepEqual(JSON.parse(got[i]!), JSON.parse(line), `${name}: series ${i}`);
  }
}

test("dumpTsdb() of blocks with chunks gives what is expected", { skip }, async (t) => {
  for (const { name, dir, expected } of conformanceBlocks()) {
    await t.test(name, async () => {
      compare((await dump(dir, true)).lines, readGzippedLines(expected), name);
    });
  }
});

test("dumpTsdb() of data folders gives what a full open gives", { skip }, async (t) => {
  for (const folder of folders) {
    await t.test(folder, async () => {
      const root = join(conformanceRoot, "wal", folder);
      const { lines, damage } = await dump(join(root, "data"), false);
      compare(lines, readGzippedLines(join(root, "expected-series.jsonl.gz")), folder);
      assert.deepEqual(damage, []);
    });
  }
});

test("dumpTsdb() without chunks gives labels and samples of the series asked for", {
  skip,
}, async () => {
  const { dir, expected } = conformanceBlocks().find(({ name }) => name.startsWith("hist"))!;
  const match = [new Matcher("=", "__name__", "mixed")];
  const want = readGzippedLines(expected)
    .map((line) => JSON.parse(line) as { labels: Record<string, string>; samples: unknown })
    .filter(({ labels }) => labels.__name__ === "mixed")
    .map(({ labels, samples }) => JSON.stringify({ labels, samples }));
  compare((await dump(dir, false, match)).lines, want, "mixed");
});

async function withCopy(folder: string, run: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), "deucalion-wal-"));
  try {
    await cp(join(conformanceRoot, "wal", folder, "data"), dir, { recursive: true });
    await run(dir);
  } finally {
    await rm(dir, { recursive: true });
  }
}

test("a damaged record costs only itself and is reported", { skip }, async () => {
  await withCopy("library-uncompressed", async (dir) => {
    await rm(join(dir, "chunks_head"), { recursive: true });
    const whole = await dump(dir, false);
    const path = join(dir, "wal", "00000001");
    const data = await readFile(path);
    data[20_000] = data[20_000]! ^ 0xff;
    await writeFile(path, data);
    const { lines, damage } = await dump(dir, false);
    assert.equal(damage.length, 1);
    assert.equal(lines.length, whole.lines.length);
    const count = (list: string[]): number =>
      list.reduce((sum, line) => sum + (JSON.parse(line) as { samples: [] }).samples.length, 0);
    const lost = count(whole.lines) - count(lines);
    assert.ok(lost > 0 && lost <= 20, `lost ${lost} samples`);
  });
});

test("a damaged head chunk is taken from the log", { skip }, async () => {
  await withCopy("library-uncompressed", async (dir) => {
    const whole = await dump(dir, false);
    const path = join(dir, "chunks_head", "000002");
    const data = await readFile(path);
    data[200] = data[200]! ^ 0xff;
    await writeFile(path, data);
    const { lines, damage } = await dump(dir, false);
    assert.equal(damage.length, 1);
    compare(lines, whole.lines, "damaged head chunk");
  });
});

test("a torn last segment keeps what was written before", { skip }, async () => {
  await withCopy("snappy", async (dir) => {
    const path = join(dir, "wal", "00000007");
    const data = await readFile(path);
    const end = data.findLastIndex((byte) => byte !== 0);
    await writeFile(path, data.subarray(0, end - 3));
    const { lines, damage } = await dump(dir, false);
    assert.ok(lines.length > 0);
    assert.equal(damage.length, 1);
  });
});

test("dumpTsdb() refuses a folder that is neither, or is not there", async () => {
  const dir = await mkdtemp(join(tmpdir(), "deucalion-none-"));
  try {
    await writeFile(join(dir, "a-name-of-26-characters-ab"), "");
    await assert.rejects(dump(dir, false), { code: "TSDB_NOT_A_BLOCK" });
    await assert.rejects(dump(join(dir, "absent"), false), { code: "TSDB_NOT_A_BLOCK" });
  } finally {
    await rm(dir, { recursive: true });
  }
});
