// The metrics of gRPC servers, under the names that dashboards know.
import { type Log, messageOf } from "@deucalion/base";
import type { ServerInterceptor } from "@deucalion/rpc";
import { Counter, Histogram, type Registry } from "prom-client";
import { callBuckets, callLabelNames, codeText } from "./call-labels.ts";

/** Counts calls, messages, times and panics; failures of our own are logged. */
export function grpcMetrics(registry: Registry, log: Log): ServerInterceptor {
  const counter = <T extends string>(name: string, help: string, names: readonly T[]): Counter<T> =>
    new Counter({ name, help, labelNames: names, registers: [registry] });
  const started = counter("grpc_server_started_total", "Calls started.", callLabelNames);
  const handled = counter("grpc_server_handled_total", "Calls ended, by status.", [
    ...callLabelNames,
    "grpc_code",
  ]);
  const received = counter("grpc_server_msg_received_total", "Messages received.", callLabelNames);
  const sent = counter("grpc_server_msg_sent_total", "Messages sent.", callLabelNames);
  const panics = counter(
    "grpc_req_panics_recovered_total",
    "Calls that broke a promise of our own code.",
    [],
  );
  const seconds = new Histogram({
    name: "grpc_server_handling_seconds",
    help: "How long calls took, in seconds.",
    labelNames: callLabelNames,
    buckets: [...callBuckets],
    registers: [registry],
  });
  panics.inc(0);
  return ({ service, method, type, call }) => {
    const labels = { grpc_type: type, grpc_service: service, grpc_method: method };
    started.inc(labels);
    return {
      received: () => received.inc(labels),
      sent: () => sent.inc(labels),
      done: (outcome) => {
        handled.inc({ ...labels, grpc_code: codeText(outcome.status) });
        seconds.observe(labels, outcome.seconds);
        if (outcome.panic) {
          panics.inc();
          const { error } = outcome;
          log.error("recovered from panic", {
            path: call.path,
            err: messageOf(error),
            stack: error instanceof Error ? error.stack : undefined,
          });
        }
      },
    };
  };
}
