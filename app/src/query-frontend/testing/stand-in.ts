// A frontend in this process before a stand-in of a querier, for tests.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { silentLog } from "@deucalion/base";
import { globalFlags } from "../../flags/groups.ts";
import { parseFlags } from "../../flags/parse-flags.ts";
import { createHttp } from "../../http/create-http.ts";
import type { AppProcess } from "../../process/app-process.ts";
import { createRegistry } from "../../process/metrics.ts";
import { RunGroup } from "../../process/run-group.ts";
import type { Signals } from "../../process/signals.ts";
import { noTracer } from "../../process/tracing.ts";
import { buildInfo } from "../../version.ts";
import { createFrontend } from "../create-frontend.ts";
import { queryFrontendFlags } from "../flags.ts";
import { queryFrontendOptions } from "../options.ts";

/** A request that arrived at the querier. */
export interface Arrived {
  readonly method: string;
  readonly path: string;
  readonly params: URLSearchParams;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
}

export interface StandInAnswer {
  readonly status?: number;
  readonly body: unknown;
}

export interface StandIn {
  readonly url: string;
  /** What arrived since it was taken last, without questions for stores and flags. */
  readonly take: () => Arrived[];
  /** Unix ms of the frontend's clock. */
  nowMs: number;
  readonly settled: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Starts both; `answer` plays the querier, `flags` are those of the frontend. */
export async function startStandIn(
  answer: (arrived: Arrived) => StandInAnswer,
  flags: readonly string[],
): Promise<StandIn> {
  let arrived: Arrived[] = [];
  const querier = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on("data", (part: Buffer) => parts.push(part));
    request.on("end", () => {
      const url = new URL(request.url ?? "/", "http://x");
      const body = Buffer.concat(parts).toString();
      const one: Arrived = {
        method: request.method ?? "",
        path: url.pathname,
        params: new URLSearchParams([...new URLSearchParams(body), ...url.searchParams]),
        headers: request.headers,
      };
      if (!/\/(stores|status\/flags)$/.test(url.pathname)) arrived.push(one);
      const { status = 200, body: reply } = answer(one);
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(reply));
    });
  });
  await new Promise<void>((resolve) => querier.listen(0, "127.0.0.1", () => resolve()));
  const { port } = querier.address() as AddressInfo;
  const parsed = parseFlags(
    [
      "--http-address=127.0.0.1:0",
      "--http-grace-period=1s",
      `--query-frontend.downstream-url=http://127.0.0.1:${port}`,
      ...flags,
    ],
    queryFrontendFlags,
    { hiddenFromStatus: globalFlags },
  );
  const options = queryFrontendOptions(parsed.values);
  const build = buildInfo();
  const clock = { nowMs: Date.now() };
  const app: AppProcess = {
    component: "query-frontend",
    log: silentLog,
    registry: createRegistry(build),
    tracer: noTracer,
    group: new RunGroup(),
    signals: null as unknown as Signals,
    flags: parsed.shown,
    build,
    startTimeMs: Date.now(),
    memoryBytes: 1 << 30,
    now: () => clock.nowMs,
    write: () => undefined,
  };
  const { server, prober } = await createHttp(app, options.http, options.requestLoggingConfig);
  const frontend = await createFrontend(server, options, app);
  await server.start();
  const running = server.execute();
  prober.ready();
  return {
    url: `http://${server.address}`,
    take: () => {
      const taken = arrived;
      arrived = [];
      return taken;
    },
    get nowMs() {
      return clock.nowMs;
    },
    set nowMs(value) {
      clock.nowMs = value;
    },
    settled: frontend.settled,
    stop: async () => {
      await server.interrupt(undefined);
      await running;
      await frontend.close();
      querier.closeAllConnections();
      await new Promise<void>((resolve) => querier.close(() => resolve()));
    },
  };
}
