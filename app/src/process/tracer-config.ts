// Reads `--tracing.config` and makes the tracer it asks for.
import { AsyncLocalStorage } from "node:async_hooks";
import { randomBytes } from "node:crypto";
import { type Log, messageOf } from "@deucalion/base";
import { parse } from "yaml";
import { AppError } from "../errors.ts";
import { type OtlpConfig, parseOtlpConfig } from "./otlp-config.ts";
import { OtlpExporter } from "./otlp-exporter.ts";
import type { FinishedSpan } from "./otlp-spans.ts";
import { noTracer, type Span, type Tracer } from "./tracing.ts";

const types = ["OTLP", "JAEGER", "GOOGLE_CLOUD", "STACKDRIVER", "ELASTIC_APM", "LIGHTSTEP"];

interface Caller {
  readonly traceId: string;
  readonly spanId: string;
  readonly sampled: boolean;
}

/** The caller's trace, if the header is in W3C's form. */
function callerOf(header: string | string[] | undefined): Caller | null {
  const text = Array.isArray(header) ? header[0] : header;
  const found = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})/.exec(text ?? "");
  if (found === null) return null;
  const [, traceId, spanId, flags] = found as unknown as [string, string, string, string];
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** The last seven bytes of the id decide, as OpenTelemetry's samplers do it. */
function withinRatio(traceId: string, ratio: number): boolean {
  return Number.parseInt(traceId.slice(18), 16) < ratio * 2 ** 56;
}

/** Gives spans ids and hands those of sampled traces on when they are over. */
function spanTracer(
  sample: Pick<OtlpConfig, "ratio" | "parentBased">,
  finished: (span: FinishedSpan) => void,
  close: () => Promise<void>,
): Tracer {
  const sampledSpans = new WeakSet<Span>();
  const running = new AsyncLocalStorage<Span>();
  return {
    enabled: true,
    active: () => running.getStore(),
    within: (span, work) => running.run(span, work),
    carry: (span) => ({
      traceparent: `00-${span.traceId}-${span.spanId}-${sampledSpans.has(span) ? "01" : "00"}`,
    }),
    start: (name, parent, headers = {}): Span => {
      const caller = parent === undefined ? callerOf(headers.traceparent) : null;
      const traceId = parent?.traceId ?? caller?.traceId ?? randomBytes(16).toString("hex");
      const spanId = randomBytes(8).toString("hex");
      const forced = (headers["x-thanos-force-tracing"] ?? "") !== "";
      const sampled =
        parent === undefined
          ? forced ||
            (caller !== null && sample.parentBased
              ? caller.sampled
              : withinRatio(traceId, sample.ratio))
          : sampledSpans.has(parent);
      const startMs = performance.timeOrigin + performance.now();
      const tags: Record<string, unknown> = {};
      const span: Span = {
        traceId,
        spanId,
        setTag: (tag, value) => {
          tags[tag] = value;
        },
        end: (error) => {
          if (!sampled) return;
          finished({
            traceId,
            spanId,
            parentId: parent?.spanId ?? caller?.spanId ?? "",
            name,
            startMs,
            endMs: performance.timeOrigin + performance.now(),
            tags,
            error: error === undefined ? "" : messageOf(error),
          });
        },
      };
      if (sampled) sampledSpans.add(span);
      return span;
    },
    close,
  };
}

function logSpan(log: Log): (span: FinishedSpan) => void {
  return ({ name, traceId, startMs, endMs, tags, error }) =>
    log.debug("span", {
      span: name,
      trace_id: traceId,
      ms: Math.round(endMs - startMs),
      ...tags,
      ...(error === "" ? {} : { err: error }),
    });
}

/** Makes the tracer. `text` "" is no tracing. Throws APP_CONFIG. */
export function createTracer(text: string, log: Log, component: string): Tracer {
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
  const logged = logSpan(log);
  if (name !== "OTLP") {
    log.warn("traces of this type get ids and are logged at debug level; OTLP is exported", {
      type: name,
    });
    return spanTracer({ ratio: 1, parentBased: true }, logged, () => Promise.resolve());
  }
  const otlp = parseOtlpConfig(rest.config, component);
  const exporter = new OtlpExporter(otlp, log.with({ component: "tracing" }));
  const finished = (span: FinishedSpan): void => {
    logged(span);
    exporter.add(span);
  };
  return spanTracer(otlp, finished, () => exporter.close());
}
