// Makes the HTTP server of a component with everything that all components share.
import type { AppProcess } from "../process/app-process.ts";
import { Prober } from "../process/prober.ts";
import type { HttpOptions } from "../process/service-options.ts";
import { HttpServer } from "./http-server.ts";
import { createRequestLogger } from "./requests/request-logging.ts";
import { commonRoutes } from "./routes/common-routes.ts";
import { loadWebConfig } from "./web-config.ts";

/** A component's HTTP server and its probes. Add `server` to the run group when the routes are there. */
export interface HttpService {
  readonly server: HttpServer;
  readonly prober: Prober;
}

/** Makes the server with metrics, probes and profiles; nothing listens yet. Throws APP_CONFIG. */
export async function createHttp(
  app: AppProcess,
  options: HttpOptions,
  requestLoggingConfig: string,
): Promise<HttpService> {
  const prober = new Prober(app.component, { log: app.log, registry: app.registry });
  const server = new HttpServer(options, {
    component: app.component,
    log: app.log,
    registry: app.registry,
    prober,
    tracer: app.tracer,
    requestLogger: await createRequestLogger(requestLoggingConfig, app.log),
    webConfig: await loadWebConfig(options.configFile),
  });
  commonRoutes(server, app.registry, prober);
  return { server, prober };
}
