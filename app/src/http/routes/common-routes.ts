// Routes that every component serves: metrics, probes, profiles.
import { Registry, type RegistryContentType } from "prom-client";
import type { Prober } from "../../process/prober.ts";
import { ResponseBody } from "../answers/response-body.ts";
import { respondText } from "../answers/text-response.ts";
import type { Exchange } from "../exchange.ts";
import type { HttpServer } from "../http-server.ts";

const profiles = `<html>
<head><title>/debug/pprof/</title></head>
<body>
<p>Profiles of this process, in the formats of its runtime:</p>
<ul>
<li><a href="profile?seconds=5">profile</a>: CPU, .cpuprofile (Chrome's developer tools open it)</li>
<li><a href="heap">heap</a>: figures of the heap, JSON</li>
</ul>
</body>
</html>
`;

/** Registers /metrics, /-/healthy, /-/ready and /debug/pprof, which no prefix moves. */
export function commonRoutes(server: HttpServer, registry: Registry, prober: Prober): void {
  let queue: Promise<unknown> = Promise.resolve();
  const text = (
    openMetrics: boolean,
  ): Promise<{ readonly type: string; readonly body: string }> => {
    const next = queue.then(async () => {
      // The registry has one content type at a time, so scrapes take turns.
      (registry as Registry<RegistryContentType>).setContentType(
        openMetrics ? Registry.OPENMETRICS_CONTENT_TYPE : Registry.PROMETHEUS_CONTENT_TYPE,
      );
      return { type: registry.contentType, body: await registry.metrics() };
    });
    queue = next.catch(() => undefined);
    return next;
  };
  server.any("/metrics", "", async (exchange) => {
    const { type, body } = await text(
      exchange.header("accept").includes("application/openmetrics-text"),
    );
    exchange.response.setHeader("Content-Type", type);
    await new ResponseBody(exchange, 200).end(Buffer.from(body));
  });
  const probe = (is: () => boolean) => (exchange: Exchange) =>
    is() ? respondText(exchange, 200, "OK") : respondText(exchange, 503, "NOT OK");
  server.any(
    "/-/healthy",
    "",
    probe(() => prober.isHealthy),
  );
  server.any(
    "/-/ready",
    "",
    probe(() => prober.isReady),
  );
  const index = (exchange: Exchange) => {
    exchange.response.setHeader("Content-Type", "text/html; charset=utf-8");
    return new ResponseBody(exchange, 200).end(Buffer.from(profiles));
  };
  server.any("/debug/pprof/", "", index);
  server.any("/debug/pprof/profile", "", cpuProfile);
  server.any("/debug/pprof/heap", "", async (exchange) => {
    const { getHeapStatistics, getHeapSpaceStatistics } = await import("node:v8");
    exchange.response.setHeader("Content-Type", "application/json");
    const data = {
      memory: process.memoryUsage(),
      heap: getHeapStatistics(),
      spaces: getHeapSpaceStatistics(),
    };
    await new ResponseBody(exchange, 200).end(Buffer.from(JSON.stringify(data)));
  });
}

let profiling = false;

async function cpuProfile(exchange: Exchange): Promise<void> {
  if (profiling)
    return respondText(
      exchange,
      500,
      "Could not enable CPU profiling: cpu profiling already in use",
    );
  const seconds = Math.min(300, Math.max(1, Number(exchange.query.get("seconds") ?? 30) || 30));
  const { Session } = await import("node:inspector/promises");
  const session = new Session();
  profiling = true;
  try {
    session.connect();
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, seconds * 1000);
      exchange.signal.addEventListener("abort", () => {
        clearTimeout(timer);
        resolve();
      });
    });
    const { profile } = await session.post("Profiler.stop");
    exchange.response.setHeader("Content-Type", "application/json");
    exchange.response.setHeader("Content-Disposition", 'attachment; filename="profile.cpuprofile"');
    await new ResponseBody(exchange, 200).end(Buffer.from(JSON.stringify(profile)));
  } finally {
    session.disconnect();
    profiling = false;
  }
}
