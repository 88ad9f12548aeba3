// `tools bucket plan`: what a compactor would do with a bucket.

import { CompactMetrics } from "../../compact/compact-metrics.ts";
import { openCompaction } from "../../compact/open-compaction.ts";
import { compactOptions } from "../../compact/options.ts";
import { planText } from "../../compact/plan-text.ts";
import type { AppProcess } from "../../process/app-process.ts";
import type { BucketPlanFlagValues } from "../bucket-flags.ts";

/** Prints the plan as text or JSON. */
export async function runBucketPlan(
  values: BucketPlanFlagValues,
  process: AppProcess,
): Promise<void> {
  const options = compactOptions(values);
  const metrics = new CompactMetrics(process.registry, options.deleteDelayMs);
  const compaction = openCompaction(options, process, metrics, () => undefined);
  try {
    const plan = compaction.plan(await compaction.view.look(process.signals.stopping));
    const json = values.output === "json";
    process.write(json ? `${JSON.stringify(plan, null, 2)}\n` : planText(plan, process.now()));
  } finally {
    await compaction.close();
  }
}
