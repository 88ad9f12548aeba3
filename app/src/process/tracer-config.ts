// Reads `--tracing.config` and makes the tracer it asks for.

import { randomBytes } from "node:crypto";
import { type Log, messageOf } from "@deucalion/base";
import { parse } from "yaml";
import { AppError } from "../errors.ts";
import { noTracer, type Span, type Tracer } from "./tracing.ts";

const types = ["OTLP", "JAEGER", "GOOGLE_CLOUD", "STACKDRIVER", "ELASTIC_APM", "LIGHTSTEP"];

/** The trace of the caller, if the header is in W3C's form. */
function callersTrace(header: string | string[] | undefined): string | undefined {
  const text = Array.isArray(header) ? header[0] : header;
  return text === undefined
    ? undefined
    : /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-/.exec(text)?.[1];
}

/** Gives spans trace ids and tells them to the log; exporters are not part of this version. */
function loggingTracer(log: Log): Tracer {
  return {
    enabled: true,
    start: (name, parent, headers = {}): Span => {
      const traceId =
        parent?.traceId ?? callersTrace(headers.traceparent) ?? randomBytes(16).toString("hex");
      const begun = performance.now();
      const tags: Record<string, unknown> = {};
      return {
        traceId,
        setTag: (tag, value) => {
          tags[tag] = value;
        },
        end: (error) => {
          const ms = Math.round(performance.now() - begun);
          log.debug("span", {
            span: name,
            trace_id: traceId,
            ms,
            ...tags,
            ...(error === undefined ? {} : { err: messageOf(error) }),
          });
        },
      };
    },
    close: () => Promise.resolve(),
  };
}

/** Makes the tracer. `text` "" is no tracing. Throws APP_CONFIG. */
export function createTracer(text: string, log: Log): Tracer {
  if (text.trim() === "") return noTracer;
  let config: unknown;
  try {
    config = parse(text);
  } catch (cause) {
    throw new AppError("APP_CONFIG", `parsing tracing config: ${messageOf(cause)}`, {}, { cause });
  }
  const { type, ...rest } = (config ?? {}) as Record<string, unknown>;
  const unknown = Object.keys(rest).find((key) => key !== "config");
  if (unknown !== undefined) {
    throw new AppError("APP_CONFIG", `parsing tracing config: field ${unknown} not found`);
  }
  const name = String(type ?? "").toUpperCase();
  if (!types.includes(name)) {
    throw new AppError("APP_CONFIG", `tracing with type ${String(type ?? "")} is not supported`);
  }
  log.warn("traces get ids and are logged at debug level; this version does not export them yet", {
    type: name,
  });
  return loggingTracer(log);
}
