// `tools bucket web`: the blocks of a bucket in the browser.
import { messageOf } from "@deucalion/base";
import {
  duplicateFilter,
  labelShardFilter,
  MetaFetcher,
  timePartitionFilter,
} from "@deucalion/blocks";
import { resolveTime } from "../../flags/time-or-duration.ts";
import { createHttp } from "../../http/create-http.ts";
import type { HttpServer } from "../../http/http-server.ts";
import { baseApi } from "../../http/routes/base-api.ts";
import { componentUi } from "../../http/routes/ui-routes.ts";
import type { AppProcess } from "../../process/app-process.ts";
import type { Actor } from "../../process/run-group.ts";
import { httpOptions } from "../../process/service-options.ts";
import { BlocksApi } from "../../store/blocks-api.ts";
import { FetchMetrics } from "../../store/fetch-metrics.ts";
import { openConfiguredBucket } from "../../store/open-bucket.ts";
import { selectorRelabel } from "../../store/selector.ts";
import { sleep } from "../../store/sleep.ts";
import type { BucketWebFlagValues } from "../bucket-flags.ts";

const readsMax = 32;
/** Time between two attempts to read a bucket that could not be read. */
const retryMs = 60_000;

/** A prefix begins with "/" and does not end with it; "" is the root. */
function cleanPrefix(text: string): string {
  const trimmed = text.replace(/^\/+|\/+$/g, "");
  return trimmed === "" ? "" : `/${trimmed}`;
}

/** Sets the services up; they run in the process' group. */
export async function runBucketWeb(values: BucketWebFlagValues, app: AppProcess): Promise<void> {
  const { log, now } = app;
  warnOfTimes(values, app);
  const http = await createHttp(app, httpOptions(values), "");
  const bucket = openConfiguredBucket(values["objstore.config"].read(), app.registry);
  const blocks = new BlocksApi(
    {
      label: values.label,
      disableCors: values["web.disable-cors"],
      disableAdmin: values["disable-admin-operations"],
    },
    { bucket, now },
  );
  await addWeb(http.server, values, app, blocks);
  const filters = [
    timePartitionFilter(
      () => resolveTime(values["min-time"], now()),
      () => resolveTime(values["max-time"], now()),
    ),
    labelShardFilter(selectorRelabel(values["selector.relabel-config"].read())),
    duplicateFilter(),
  ];
  const fetcher = new MetaFetcher(
    { strategy: "concurrent", readsMax, cacheDir: undefined },
    { bucket, filters, log, now },
  );
  const metrics = new FetchMetrics(app.registry);
  const stop = new AbortController();
  const refresh = async (): Promise<boolean> => {
    try {
      const timeout = AbortSignal.timeout(values.timeout);
      const view = await fetcher.fetch(AbortSignal.any([stop.signal, timeout]));
      metrics.observe(view);
      blocks.setGlobal(view.metas.values());
      return true;
    } catch (error) {
      if (stop.signal.aborted) return true;
      metrics.observe(undefined);
      blocks.setGlobal(undefined);
      log.error("reading the bucket failed", { err: messageOf(error) });
      return false;
    }
  };
  const actor: Actor = {
    name: "bucket refresh",
    execute: async () => {
      http.prober.ready();
      while (!stop.signal.aborted) {
        const ok = await refresh();
        await sleep(ok ? values.refresh : retryMs, stop.signal);
      }
      await bucket.close();
    },
    interrupt: () => stop.abort(new Error("the process is stopping")),
  };
  app.group.add(actor);
  app.group.add(http.server);
}

function warnOfTimes(values: BucketWebFlagValues, { log }: AppProcess): void {
  if (values.refresh < 300_000)
    log.warn("Refreshing more often than 5m could lead to large data transfers");
  if (values.timeout < 60_000) log.warn("Timeout less than 1m could lead to frequent failures");
  if (values.refresh < 2 * values.timeout)
    log.warn("Refresh interval should be at least 2 times the timeout");
}

async function addWeb(
  server: HttpServer,
  values: BucketWebFlagValues,
  app: AppProcess,
  blocks: BlocksApi,
): Promise<void> {
  const externalPrefix = cleanPrefix(values["web.external-prefix"]);
  const routePrefix = cleanPrefix(values["web.route-prefix"] || values["web.external-prefix"]);
  if (routePrefix !== externalPrefix) {
    app.log.warn(
      "different values for --web.route-prefix and --web.external-prefix detected, web UI may not work without a reverse-proxy.",
    );
  }
  baseApi(server, routePrefix, app, { disableCors: values["web.disable-cors"] });
  blocks.register(server, routePrefix);
  await componentUi(server, app.component, {
    routePrefix,
    externalPrefix,
    prefixHeader: values["web.prefix-header"],
  });
}
