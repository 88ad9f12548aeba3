// Real blocks with a few bytes changed: what is given is right, what is missing is said, and nothing hangs or grows.
import assert from "node:assert/strict";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { silentLog } from "@deucalion/base";
import { crc32c, loadXxhash64 } from "@deucalion/kernels";
import { decodeLabels, Matcher } from "@deucalion/model";
import { FaultyBucket, MemoryBucket } from "@deucalion/objstore/testing";
import { parseBlockMeta } from "../meta/block-meta.ts";
import { conformance, never } from "../testing/conformance.ts";
import { BucketSource } from "./bucket-source.ts";
import { serveDefaults } from "./serve-options.ts";

const runs = 400;

/** Numbers that look random and are the same at every run. */
function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 4_294_967_296) * below);
  };
}

test(`${runs} blocks with changed bytes: nothing wrong is served, nothing is missing in silence`, async () => {
  const id = "01M837A8W95SDE82SNR9DVVSM8";
  const folder = join(conformance, "blocks/ha/bucket", id);
  const names = ["index", "chunks/000001"];
  const files = await Promise.all(
    names.map(async (name) => new Uint8Array(await readFile(join(folder, name)))),
  );
  const meta = parseBlockMeta(await readFile(join(folder, "meta.json"), "utf8"));
  const xxhash = await loadXxhash64();
  const random = generator(7);
  const dataDir = await mkdtemp(join(tmpdir(), "mutated-"));
  const request = { minTime: 0, maxTime: 2 ** 43, matchers: [new Matcher("=~", "__name__", ".+")] };

  /** Every chunk that is given, as text; and what is said. */
  const select = async (
    changed: Uint8Array[],
    run: number,
  ): Promise<{ chunks: Set<string>; warnings: string[]; bytes: number }> => {
    const bucket = new FaultyBucket(new MemoryBucket());
    for (const [i, name] of names.entries())
      await bucket.upload(`${id}/${name}`, changed[i]!, {}, never);
    const deps = { bucket, dataDir: join(dataDir, String(run)), xxhash };
    const source = new BucketSource(serveDefaults, { ...deps, log: silentLog, signal: never });
    source.update({ metas: new Map([[id, meta]]), unreadable: new Map() });
    const chunks = new Set<string>();
    const warnings: string[] = [];
    const context = { signal: never, warn: (text: string) => warnings.push(text) };
    for await (const batch of source.series(request, context)) {
      const columns = batch.chunks!;
      for (let s = 0; s < columns.seriesCount; s++) {
        const labels = decodeLabels(columns.labels(s)).toString();
        for (let c = columns.first[s]!; c < columns.first[s + 1]!; c++) {
          const start = columns.offset[c]!;
          const data = columns.buffers[columns.buffer[c]!]!;
          const crc = crc32c(data, start, start + columns.length[c]!);
          const [from, to, kind] = [columns.minTime[c], columns.maxTime[c], columns.encoding[c]];
          chunks.add([labels, from, to, kind, columns.length[c], crc].join(" "));
        }
      }
    }
    source.close();
    return { chunks, warnings, bytes: bucket.bytes };
  };

  try {
    const whole = await select(files, -1);
    assert.equal(whole.chunks.size, 243);
    for (let run = 0; run < runs; run++) {
      const which = random(2);
      const changed = files.map((data) => data.slice());
      const target = changed[which]!;
      for (let k = 0; k <= random(3); k++) target[random(target.length)]! ^= 1 + random(255);
      const cut = random(10) === 0 ? random(target.length) : target.length;
      changed[which] = target.slice(0, cut);
      const { chunks, warnings, bytes } = await select(changed, run);
      for (const chunk of chunks) assert.ok(whole.chunks.has(chunk), `run ${run}: ${chunk}`);
      if (chunks.size < whole.chunks.size) {
        assert.ok(warnings.length > 0, `run ${run}: ${chunks.size} chunks and no warning`);
        for (const text of warnings) assert.ok(text.startsWith(`block ${id}: `), text);
      }
      assert.ok(bytes < 20_000_000, `run ${run} read ${bytes} bytes`);
    }
  } finally {
    await rm(dataDir, { recursive: true });
  }
});
