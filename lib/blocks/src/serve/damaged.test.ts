// Damaged blocks: the rest is served, and a warning names the block. Docs: docs/damaged-blocks.md.
import assert from "node:assert/strict";
import { cp, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { decodeLabels, Matcher, SampleColumns } from "@deucalion/model";
import { conformance, never, openFolder } from "../testing/conformance.ts";

interface Case {
  readonly case: string;
  readonly block: string;
  readonly bucket: string[];
}

const cases = JSON.parse(
  await readFile(join(conformance, "blocks/damaged/behaviour.json"), "utf8"),
) as Case[];
const folder = await mkdtemp(join(tmpdir(), "damaged-"));
after(() => rm(folder, { recursive: true }));

/** Lays out the bucket of a case: some good blocks, and the damaged one in place of its good self. */
async function layOut({ case: name, block, bucket }: Case): Promise<string> {
  const to = join(folder, name);
  for (const id of bucket) {
    const damaged = id === block && name !== "baseline";
    const from = join(conformance, "blocks", damaged ? `damaged/${name}` : "compaction/input", id);
    await cp(from, join(to, id), { recursive: true });
  }
  return to;
}

/** Samples of a metric, and what was said. */
async function count(
  opened: Awaited<ReturnType<typeof openFolder>>,
  metric: string,
  partialResponse: "warn" | "abort",
): Promise<{ samples: number; warnings: string[] }> {
  const warnings: string[] = [];
  const context = { signal: never, warn: (text: string) => warnings.push(text) };
  const request = {
    minTime: 0,
    maxTime: 2 ** 43,
    matchers: [new Matcher("=", "__name__", metric)],
    partialResponse,
  };
  const columns = new SampleColumns();
  let samples = 0;
  let before = "";
  for await (const batch of opened.source.series(request, context)) {
    for (let i = 0; i < batch.seriesCount; i++) {
      const key = decodeLabels(batch.labels(i)).key;
      assert.ok(key > before, "series are in order");
      before = key;
      columns.reset();
      batch.samplesInto(i, columns);
      samples += columns.count;
    }
  }
  return { samples, warnings };
}

const good = { jobs_total: 0, temp: 0 };
const without = { jobs_total: 0, temp: 0 };

test("the good bucket is whole", async () => {
  const baseline = cases.find((item) => item.case === "baseline")!;
  const opened = await openFolder(await layOut(baseline));
  try {
    for (const metric of ["jobs_total", "temp"] as const) {
      const { samples, warnings } = await count(opened, metric, "abort");
      assert.deepEqual(warnings, []);
      good[metric] = samples;
    }
  } finally {
    await opened.close();
  }
  const fewer = await openFolder(join(folder, "baseline"), {}, () => [
    { filter: (metas) => void metas.delete(baseline.block) },
  ]);
  try {
    for (const metric of ["jobs_total", "temp"] as const)
      without[metric] = (await count(fewer, metric, "abort")).samples;
  } finally {
    await fewer.close();
  }
  assert.ok(good.jobs_total > without.jobs_total && good.temp > without.temp);
});

/** What a case does to the answer: the block is whole, gone, or gone in part. */
const outcomes: Record<string, "whole" | "silent" | "gone" | "part" | "unreadable"> = {
  "index-truncated": "gone",
  "index-missing": "gone",
  "index-bad-magic": "gone",
  "index-bad-toc-crc": "gone",
  "index-bad-symbol-byte": "gone",
  "index-bad-series-byte": "part",
  "chunk-bad-crc": "part",
  "chunk-file-missing": "gone",
  "chunk-file-truncated": "part",
  "chunk-bad-magic": "whole",
  "meta-not-json": "unreadable",
  "meta-empty": "unreadable",
  "meta-version-2": "unreadable",
  "meta-other-ulid": "unreadable",
  "meta-no-thanos": "whole",
  "meta-missing": "silent",
  "deletion-mark": "silent",
  "no-compact-mark": "whole",
  "no-downsample-mark": "whole",
  "deletion-mark-bad-json": "whole",
};

for (const item of cases) {
  if (item.case === "baseline") continue;
  test(`${item.case}: the rest is served and nothing is hidden`, async () => {
    const outcome = outcomes[item.case];
    assert.ok(outcome !== undefined, "case has an outcome");
    const opened = await openFolder(await layOut(item));
    try {
      let warned = 0;
      let lost = 0;
      for (const metric of ["jobs_total", "temp"] as const) {
        const { samples, warnings } = await count(opened, metric, "warn");
        for (const text of warnings) assert.ok(text.startsWith(`block ${item.block}`), text);
        warned += warnings.length;
        lost += good[metric] - samples;
        if (outcome === "whole") assert.equal(samples, good[metric]);
        else if (outcome !== "part") assert.equal(samples, without[metric]);
        else assert.ok(samples >= without[metric]);
        // Whatever is missing is said.
        if (samples < good[metric] && outcome !== "silent") assert.equal(warnings.length, 1);
        const strict = count(opened, metric, "abort");
        const fails = warnings.length > 0 && outcome !== "unreadable";
        if (fails) await assert.rejects(strict, { code: "BLOCKS_SERVE" });
        else assert.deepEqual(await strict, { samples, warnings: [] });
      }
      if (outcome === "whole" || outcome === "silent") assert.equal(warned, 0);
      if (outcome === "gone") assert.equal(warned, 2);
      if (outcome === "part" && item.case !== "index-bad-series-byte")
        assert.ok(
          lost > 0 && lost < good.jobs_total + good.temp - without.jobs_total - without.temp,
        );
    } finally {
      await opened.close();
    }
  });
}
