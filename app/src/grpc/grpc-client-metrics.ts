// The metrics of gRPC clients, under the names that dashboards know.
import type { ClientInterceptor } from "@deucalion/rpc";
import { Counter, Histogram, type Registry } from "prom-client";
import { callBuckets, callLabelNames, codeText } from "./call-labels.ts";

/** Counts calls to other processes, their messages and their times. */
export function grpcClientMetrics(registry: Registry): ClientInterceptor {
  const registers = [registry];
  const labelNames = callLabelNames;
  const started = new Counter({
    name: "grpc_client_started_total",
    help: "Calls begun.",
    labelNames,
    registers,
  });
  const handled = new Counter({
    name: "grpc_client_handled_total",
    help: "Calls that came to an end, by status.",
    labelNames: [...labelNames, "grpc_code"],
    registers,
  });
  const received = new Counter({
    name: "grpc_client_msg_received_total",
    help: "Messages that servers sent.",
    labelNames,
    registers,
  });
  const sent = new Counter({
    name: "grpc_client_msg_sent_total",
    help: "Requests sent.",
    labelNames,
    registers,
  });
  const seconds = new Histogram({
    name: "grpc_client_handling_seconds",
    help: "How long calls to servers took, in seconds.",
    labelNames,
    buckets: [...callBuckets],
    registers,
  });
  return ({ service, method, type }) => {
    const labels = { grpc_type: type, grpc_service: service, grpc_method: method };
    started.inc(labels);
    return {
      sent: () => sent.inc(labels),
      received: (messages) => received.inc(labels, messages),
      done: (outcome) => {
        handled.inc({ ...labels, grpc_code: codeText(outcome.status) });
        seconds.observe(labels, outcome.seconds);
      },
    };
  };
}
