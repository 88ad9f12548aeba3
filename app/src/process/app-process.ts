// What every command is given: its log, metrics, tracer, run group and the way to stop.
import { createLog, type Log, type LogFormat, type LogLevel } from "@deucalion/base";
import type { Registry } from "prom-client";
import type { BuildInfo } from "../version.ts";
import type { RunGroup } from "./run-group.ts";
import type { Signals } from "./signals.ts";
import type { Tracer } from "./tracing.ts";

/** One running process. Commands add their services to `group` and return. */
export interface AppProcess {
  /** Name of the component: query, store, sidecar, … */
  readonly component: string;
  readonly log: Log;
  readonly registry: Registry;
  readonly tracer: Tracer;
  readonly group: RunGroup;
  readonly signals: Signals;
  /** Flags as the status page shows them. */
  readonly flags: Readonly<Record<string, string>>;
  readonly build: BuildInfo;
  readonly startTimeMs: number;
  /** Memory that data may take together, in bytes. */
  readonly memoryBytes: number;
  readonly now: () => number;
  /** Writes to standard output. */
  readonly write: (text: string) => void;
}

/** Makes the log that flags ask for; lines go to standard error as Thanos' do. */
export function processLog(level: LogLevel, format: LogFormat, name: string): Log {
  return createLog(
    { level, format, name },
    { write: (line) => void process.stderr.write(line), now: Date.now },
  );
}
