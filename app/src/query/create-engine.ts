// Makes the engine that the options of a querier ask for.
import { Engine } from "@deucalion/promql";
import type { QueryApiOptions } from "./options.ts";
import { parseOptions } from "./query-api.ts";

const lookbackDefaultMs = 300_000;

export function createEngine(options: QueryApiOptions): Engine {
  return new Engine({
    lookbackMs: options.lookbackMs > 0 ? options.lookbackMs : lookbackDefaultMs,
    defaultStepMs: options.evaluationIntervalMs,
    maxSamples: options.maxSamples,
    maxBytesPerQuery: options.maxBytesPerQuery,
    timeoutMs: options.timeoutMs,
    parse: parseOptions(options),
    enableXFunctions: options.enableXFunctions,
  });
}
