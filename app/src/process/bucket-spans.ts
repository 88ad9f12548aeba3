// Spans of calls to a bucket, below the span of the work that makes them.
import type { StartBucketSpan } from "@deucalion/objstore";
import type { Tracer } from "./tracing.ts";

/** For `openConfiguredBucket`; nothing where nothing is traced. Calls outside of all traces get no span. */
export function bucketSpans(tracer: Tracer): { readonly startSpan?: StartBucketSpan } {
  if (!tracer.enabled) return {};
  return {
    startSpan: (name, tags) => {
      const parent = tracer.active();
      if (parent === undefined) return () => undefined;
      const span = tracer.start(name, parent);
      for (const [tag, value] of Object.entries(tags)) span.setTag(tag, value);
      return (error) => span.end(error);
    },
  };
}
