// The engine against the scripts of conformance/promqltest.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { runPromqltest } from "./run-promqltest.ts";

const scripts = new URL("../../../../../../shared/conformance/promqltest/", import.meta.url);
const { evals } = JSON.parse(readFileSync(new URL("counts.json", scripts), "utf8")) as {
  evals: Record<string, number>;
};

for (const [file, count] of Object.entries(evals)) {
  test(`the engine passes ${file}`, async () => {
    const lines: string[] = [];
    const counts = await runPromqltest([fileURLToPath(new URL(file, scripts))], (line) =>
      lines.push(line),
    );
    assert.deepEqual(lines, [`${count} passed, 0 failed`]);
    assert.deepEqual(counts, { passed: count, failed: 0 });
  });
}
