// Runs one command as a process: log, limits, tracer, metrics, signals, services, exit code.
import { type Log, messageOf } from "@deucalion/base";
import type { LoadedCommand } from "../commands.ts";
import { AppError } from "../errors.ts";
import type { FlagTable, FlagValues } from "../flags/flag-spec.ts";
import type { globalFlags } from "../flags/groups.ts";
import type { ParsedFlags } from "../flags/parse-flags.ts";
import { buildInfo } from "../version.ts";
import { type AppProcess, processLog } from "./app-process.ts";
import { growHeap } from "./heap-growth.ts";
import { memoryBudget } from "./memory-budget.ts";
import { createRegistry } from "./metrics.ts";
import { RunGroup } from "./run-group.ts";
import { Signals } from "./signals.ts";
import { noTracer } from "./tracing.ts";

async function setUp(
  command: LoadedCommand,
  shown: AppProcess["flags"],
  values: FlagValues<typeof globalFlags>,
  log: Log,
  signals: Signals,
): Promise<AppProcess> {
  const ratio = values["auto-gomemlimit.ratio"];
  if (ratio <= 0 || ratio > 1) {
    throw new AppError(
      "APP_CONFIG",
      "--auto-gomemlimit.ratio must be greater than 0 and less than or equal to 1.",
    );
  }
  const tracing = values["tracing.config"].read();
  const tracer =
    tracing === ""
      ? noTracer
      : (await import("./tracer-config.ts")).createTracer(tracing, log, command.component);
  const build = buildInfo();
  const memoryBytes = memoryBudget(values["enable-auto-gomemlimit"] ? ratio : null);
  growHeap(memoryBytes / 2);
  return {
    component: command.component,
    log,
    registry: createRegistry(build),
    tracer,
    group: new RunGroup(),
    signals,
    flags: shown,
    build,
    startTimeMs: Date.now() - process.uptime() * 1000,
    memoryBytes,
    now: Date.now,
    write: (text) => void process.stdout.write(text),
  };
}

/** Runs a command to its end and returns the exit code: 0, or 1 after an error. */
export async function runCommand(
  command: LoadedCommand,
  parsed: ParsedFlags<FlagTable>,
): Promise<number> {
  const values = parsed.values as unknown as FlagValues<typeof globalFlags>;
  const log = processLog(values["log.level"], values["log.format"], values["debug.name"]);
  if (values["log.format"] === "journald") {
    log.warn(
      "journald takes standard error line by line; lines are logfmt, without fields of their own",
    );
  }
  process.on("uncaughtException", (error) => {
    log.error("uncaught error, stopping", { err: error.stack ?? error.message });
    process.exit(1);
  });
  process.on("unhandledRejection", (reason) => {
    log.error("unhandled rejection", {
      err: reason instanceof Error ? (reason.stack ?? reason.message) : String(reason),
    });
  });
  try {
    const signals = new Signals(() => log);
    const app = await setUp(command, parsed.shown, values, log, signals);
    const setup = command.run(parsed.values as never, parsed.positionals, app);
    const stopped = new Promise<"stopped">((resolve) => {
      signals.stopping.addEventListener("abort", () => resolve("stopped"));
    });
    if ((await Promise.race([setup, stopped])) === "stopped" && app.group.size === 0) {
      log.warn("stopped before the work was done");
      return 1;
    }
    await setup;
    if (app.group.size > 0) {
      app.group.add(signals.actor());
      await app.group.run();
      log.info("exiting");
    }
    await app.tracer.close();
    return 0;
  } catch (error) {
    const debug = values["log.level"] === "debug" && error instanceof Error;
    log.error("exiting after an error", {
      err: messageOf(error),
      ...(error instanceof AppError || !debug ? {} : { stack: error.stack }),
    });
    return 1;
  }
}
