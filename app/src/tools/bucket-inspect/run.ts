// `tools bucket inspect`: the blocks of a bucket as a table.
import { MetaFetcher } from "@deucalion/blocks";
import type { AppProcess } from "../../process/app-process.ts";
import { parseExternalLabels } from "../../process/service-options.ts";
import { openConfiguredBucket } from "../../store/open-bucket.ts";
import type { BucketInspectFlagValues } from "../bucket-flags.ts";
import { failIfIncomplete } from "../bucket-ls/incomplete-view.ts";
import { blockTable } from "./block-table.ts";
import { borderedTable, separatedTable } from "./text-table.ts";

/** Prints the table. */
export async function runBucketInspect(
  values: BucketInspectFlagValues,
  process: AppProcess,
): Promise<void> {
  const { log, now } = process;
  const selector = parseExternalLabels(values.selector);
  const bucket = openConfiguredBucket(values["objstore.config"].read(), process.registry);
  const signal = AbortSignal.any([process.signals.stopping, AbortSignal.timeout(values.timeout)]);
  try {
    const fetcher = new MetaFetcher(
      { strategy: "concurrent", readsMax: 32, cacheDir: undefined },
      { bucket, filters: [], log, now },
    );
    const view = await fetcher.fetch(signal);
    const table = blockTable(view.metas.values(), selector, values["sort-by"]);
    if (values.output === "table") process.write(borderedTable(table));
    else process.write(separatedTable(table, values.output === "tsv" ? "\t" : ","));
    failIfIncomplete(view);
  } finally {
    await bucket.close();
  }
}
