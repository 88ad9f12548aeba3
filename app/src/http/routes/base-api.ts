// API routes that every component with an API has: OPTIONS, flags, runtime, build.
import { availableParallelism } from "node:os";
import { getHeapStatistics } from "node:v8";
import type { AppProcess } from "../../process/app-process.ts";
import type { HttpServer } from "../http-server.ts";

/** Registers below `${prefix}/api/v1`. */
export function baseApi(
  server: HttpServer,
  prefix: string,
  app: Pick<AppProcess, "flags" | "build" | "startTimeMs">,
  options: { readonly disableCors: boolean },
): void {
  const base = `${prefix}/api/v1`;
  server.api(["OPTIONS"], `${base}/*`, "options", options, () => null);
  server.api(["GET"], `${base}/status/flags`, "status_flags", options, () => ({ data: app.flags }));
  server.api(["GET"], `${base}/status/runtimeinfo`, "status_runtime", options, () => ({
    data: {
      startTime: new Date(app.startTimeMs).toISOString(),
      CWD: process.cwd(),
      // No goroutines here: what the event loop waits for is the nearest thing.
      goroutineCount: process.getActiveResourcesInfo().length,
      GOMAXPROCS: availableParallelism(),
      GOGC: process.env.GOGC ?? "",
      GODEBUG: process.env.GODEBUG ?? "",
      GOMEMLIMIT: getHeapStatistics().heap_size_limit,
    },
  }));
  server.api(["GET"], `${base}/status/buildinfo`, "status_build", options, () => ({
    data: app.build,
  }));
}
