// Logging as Thanos prints it: logfmt or JSON lines with ts, level, caller, msg.

export type LogLevel = "error" | "warn" | "info" | "debug";
export type LogFormat = "logfmt" | "json" | "journald";
export type LogFields = Readonly<Record<string, unknown>>;

/** A logger. `with` gives a child whose lines carry more fields. */
export interface Log {
  error(msg: string, fields?: LogFields): void;
  warn(msg: string, fields?: LogFields): void;
  info(msg: string, fields?: LogFields): void;
  debug(msg: string, fields?: LogFields): void;
  with(fields: LogFields): Log;
}

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: LogFormat;
  /** `--debug.name`: prefix `name=` of every line; "" leaves it out. */
  readonly name: string;
}

export interface LogDeps {
  readonly write: (line: string) => void;
  readonly now: () => number;
}

const rank: Readonly<Record<LogLevel, number>> = { error: 0, warn: 1, info: 2, debug: 3 };

function plain(value: unknown): unknown {
  if (value instanceof Error) return value.message;
  return typeof value === "object" && value !== null ? JSON.stringify(value) : value;
}

/** Blanks, quotes, `=`, backslashes and control characters need quotes, and so does nothing at all. */
function needsQuotes(text: string): boolean {
  for (let i = 0; i < text.length; i++) if (text.charCodeAt(i) < 0x20) return true;
  return text === "" || /[\s"=\\]/.test(text);
}

function logfmtValue(value: unknown): string {
  const text = String(plain(value) ?? "null");
  return needsQuotes(text) ? JSON.stringify(text) : text;
}

/** Makes the root logger. Fields are written in the order given. */
export function createLog(options: LogOptions, deps: LogDeps, bound: LogFields = {}): Log {
  const line = (level: LogLevel, msg: string, fields: LogFields): void => {
    if (rank[level] > rank[options.level]) return;
    const all: Record<string, unknown> = { ts: new Date(deps.now()).toISOString(), level };
    if (options.name !== "") all.name = options.name;
    Object.assign(all, bound, { msg }, fields);
    if (options.format === "json") {
      deps.write(
        `${JSON.stringify(all, (_, v: unknown) => (v instanceof Error ? v.message : v))}\n`,
      );
      return;
    }
    deps.write(
      `${Object.entries(all)
        .map(([k, v]) => `${k}=${logfmtValue(v)}`)
        .join(" ")}\n`,
    );
  };
  return {
    error: (msg, fields = {}) => line("error", msg, fields),
    warn: (msg, fields = {}) => line("warn", msg, fields),
    info: (msg, fields = {}) => line("info", msg, fields),
    debug: (msg, fields = {}) => line("debug", msg, fields),
    with: (fields) => createLog(options, deps, { ...bound, ...fields }),
  };
}

/** A logger that drops everything. */
export const silentLog: Log = createLog(
  { level: "error", format: "logfmt", name: "" },
  { write: () => undefined, now: () => 0 },
);
