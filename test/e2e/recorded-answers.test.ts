// Recorded answers of a real querier over a real store, put to ours over the same buckets.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, test } from "node:test";
import { differences, withoutPositions } from "../support/compare-answers.ts";
import { conformanceRoot, repositoryRoot } from "../support/mod.ts";
import { ask, Cluster, type RecordedAnswer, recordedAnswers } from "../support/recorded-answers.ts";

/**
 * Where ours differs on purpose: counters over raw data are not flattened before functions see them, so `resets` counts
 * and `rate` over a reset is Prometheus'. Every differing value is asserted, by the hash over all of them; the first three are
 * there to read. `UPDATE_EXCEPTIONS=1` writes the file anew.
 */
interface Exception {
  readonly count: number;
  readonly sha256: string;
  readonly first: readonly string[];
}

function exceptionOf(found: readonly string[]): Exception {
  const sha256 = createHash("sha256").update(found.join("\n")).digest("hex");
  return { count: found.length, sha256, first: found.slice(0, 3) };
}

const exceptionsFile = join(repositoryRoot, "test/e2e/testdata/counter-exceptions.json");
const exceptions = JSON.parse(readFileSync(exceptionsFile, "utf8")) as Record<string, Exception>;
const counterFunction = /\b(rate|irate|increase|resets)\(/;

function title({ path, params, dedup_func }: RecordedAnswer): string {
  return `${dedup_func ?? "penalty"} ${path} ${JSON.stringify(params)}`;
}

async function check(base: string, answers: readonly RecordedAnswer[]): Promise<void> {
  const wrong: string[] = [];
  for (const recorded of answers) {
    const { status, body } = await ask(base, recorded);
    const found =
      status === recorded.status
        ? differences(withoutPositions(body), withoutPositions(recorded.body))
        : [`status ${status}, want ${recorded.status}`];
    const name = title(recorded);
    if (process.env.UPDATE_EXCEPTIONS === "1" && found.length > 0 && counterFunction.test(name)) {
      exceptions[name] = exceptionOf(found);
    }
    const expected = exceptions[name];
    if (expected === undefined ? found.length > 0 : expected.sha256 !== exceptionOf(found).sha256) {
      wrong.push(`${name}\n    ${found[0] ?? "equal, though it is listed as an exception"}`);
    }
  }
  assert.equal(
    wrong.length,
    0,
    `${wrong.length} of ${answers.length} differ:\n${wrong.join("\n")}`,
  );
}

after(() => {
  if (process.env.UPDATE_EXCEPTIONS === "1")
    writeFileSync(exceptionsFile, `${JSON.stringify(exceptions, null, 1)}\n`);
});

test("the listed exceptions are all about counter functions", () => {
  for (const name of Object.keys(exceptions)) assert.match(name, counterFunction);
});

for (const func of ["penalty", "chain"]) {
  test(`de-duplication by ${func} gives the recorded answers`, { timeout: 180_000 }, async (t) => {
    const cluster = await Cluster.start(join(conformanceRoot, "blocks/ha/bucket"));
    t.after(() => cluster.stop());
    const base = await cluster.querier([
      "--query.replica-label=replica",
      `--deduplication.func=${func}`,
    ]);
    await check(
      base,
      recordedAnswers("ha").filter(
        (recorded) => recorded.dedup_func === func && recorded.path !== "/api/v1/stores",
      ),
    );
  });
}

test("downsampled data gives the recorded answers", { timeout: 180_000 }, async (t) => {
  const cluster = await Cluster.start(join(conformanceRoot, "blocks/downsampled/bucket"));
  t.after(() => cluster.stop());
  const answers = recordedAnswers("downsampled");
  const auto = answers.filter((recorded) => !("max_source_resolution" in recorded.params));
  const given = answers.filter((recorded) => "max_source_resolution" in recorded.params);
  const replica = "--query.replica-label=replica";
  await check(
    await cluster.querier([replica, "--query.auto-downsampling", "--deduplication.func=penalty"]),
    auto,
  );
  await check(await cluster.querier([replica, "--deduplication.func=penalty"]), given);
});
