// An API server in this process, for tests.
import { silentLog } from "@deucalion/base";
import type { Engine } from "@deucalion/promql";
import { globalFlags } from "../../flags/groups.ts";
import { parseFlags } from "../../flags/parse-flags.ts";
import { createHttp } from "../../http/create-http.ts";
import type { AppProcess } from "../../process/app-process.ts";
import { createRegistry } from "../../process/metrics.ts";
import { RunGroup } from "../../process/run-group.ts";
import type { Signals } from "../../process/signals.ts";
import { noTracer } from "../../process/tracing.ts";
import { buildInfo } from "../../version.ts";
import { createEngine } from "../create-engine.ts";
import { queryFlags } from "../flags.ts";
import { queryOptions } from "../options.ts";
import type { Querier } from "../querier.ts";
import { registerQueryApi } from "../query-api.ts";

/** A running server. Call `stop` at the end. */
export interface ApiServer {
  readonly url: string;
  stop(): Promise<void>;
}

/** Starts the API of a querier on a free port; `flags` are those of `query`. */
export async function startApi(
  querier: Querier,
  flags: readonly string[] = [],
  changes: { readonly engine?: Pick<Engine, "instant" | "range">; readonly nowMs?: number } = {},
): Promise<ApiServer> {
  const parsed = parseFlags(
    ["--http-address=127.0.0.1:0", "--http-grace-period=1s", ...flags],
    queryFlags,
    { hiddenFromStatus: globalFlags },
  );
  const options = queryOptions(parsed.values);
  const build = buildInfo();
  const app: AppProcess = {
    component: "query",
    log: silentLog,
    registry: createRegistry(build),
    tracer: noTracer,
    group: new RunGroup(),
    signals: null as unknown as Signals,
    flags: parsed.shown,
    build,
    startTimeMs: Date.now(),
    memoryBytes: 1 << 30,
    now: () => changes.nowMs ?? Date.now(),
    write: () => undefined,
  };
  const { server, prober } = await createHttp(app, options.http, options.requestLoggingConfig);
  const engine = changes.engine ?? createEngine(options);
  await registerQueryApi(server, options, { app, querier, engine });
  await server.start();
  const running = server.execute();
  prober.ready();
  return {
    url: `http://${server.address}`,
    stop: async () => {
      await server.interrupt(undefined);
      await running;
    },
  };
}
