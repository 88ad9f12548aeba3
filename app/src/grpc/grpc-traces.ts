// Traces of gRPC calls: a span for each on both sides, named after the method as Thanos names it.
import type { ClientInterceptor, ServerInterceptor } from "@deucalion/rpc";
import type { Span, Tracer } from "../process/tracing.ts";
import { codeText } from "./call-labels.ts";

function end(span: Span, status: number): void {
  const code = codeText(status);
  span.setTag("response_code", code);
  if (status === 0) span.end();
  else span.end(new Error(code));
}

/** Calls of traced work get a span, and carry it to the server. `inner` goes on seeing all calls. */
export function clientTraces(tracer: Tracer, inner: ClientInterceptor): ClientInterceptor {
  if (!tracer.enabled) return inner;
  return (call) => {
    const observer = inner(call);
    const parent = tracer.active();
    if (parent === undefined) return observer;
    const span = tracer.start(`/${call.service}/${call.method}`, parent);
    span.setTag("span.kind", "client");
    return {
      metadata: tracer.carry(span),
      sent: () => observer.sent(),
      received: (messages) => observer.received(messages),
      done: (outcome) => {
        observer.done(outcome);
        end(span, outcome.status);
      },
    };
  };
}

/** Calls of others: their spans are children of what the caller sent. */
export function serverTraces(tracer: Tracer): ServerInterceptor {
  return ({ service, method, call }) => {
    const span = tracer.start(`/${service}/${method}`, undefined, call.metadata);
    span.setTag("span.kind", "server");
    return {
      around: (handle) => tracer.within(span, handle),
      done: ({ status }) => end(span, status),
    };
  };
}
