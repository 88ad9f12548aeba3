// What must be on for the scripts: the parser's and the engine's settings.
import type { EngineOptions, ParseOptions } from "@deucalion/promql";

export const scriptParseOptions: ParseOptions = {
  experimentalFunctions: true,
  durationExpressions: true,
  extendedRangeSelectors: true,
  binopFillModifiers: true,
  xFunctions: false,
};

export const scriptEngineOptions: Partial<EngineOptions> = {
  lookbackMs: 300_000,
  defaultStepMs: 60_000,
  maxSamples: 10_000,
  parse: scriptParseOptions,
  delayedNameRemoval: true,
  useStartTimestamps: true,
};
