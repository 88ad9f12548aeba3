// Runs the query frontend: the HTTP server, and the probe of the querier behind.
import { createHttp } from "../http/create-http.ts";
import type { AppProcess } from "../process/app-process.ts";
import { every } from "../process/run-group.ts";
import { createFrontend } from "./create-frontend.ts";
import type { QueryFrontendOptions } from "./options.ts";

const probeIntervalMs = 10_000;
const probeTimeoutMs = 10_000;

/** Serves until the process stops. Throws APP_CONFIG. */
export async function runQueryFrontend(
  options: QueryFrontendOptions,
  app: AppProcess,
): Promise<void> {
  app.log.info("starting query frontend");
  const { server, prober } = await createHttp(app, options.http, options.requestLoggingConfig);
  const frontend = await createFrontend(server, options, app);
  const { downstream } = frontend.context;
  app.group.add(server);
  const probe = every("downstream probe", probeIntervalMs, async () => {
    try {
      await downstream.call({
        method: "GET",
        path: "/-/ready",
        params: new URLSearchParams(),
        headers: {},
        triesMax: 1,
        signal: AbortSignal.timeout(probeTimeoutMs),
      });
      prober.ready();
    } catch (error) {
      prober.notReady(error instanceof Error ? error.message : String(error));
    }
  });
  app.group.add({
    ...probe,
    interrupt: async (reason) => {
      await frontend.close();
      await probe.interrupt(reason);
    },
  });
}
