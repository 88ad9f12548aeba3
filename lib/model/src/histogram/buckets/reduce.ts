// Lowering the resolution of exponential histograms.

import { ModelError } from "../../errors.ts";
import type { FloatHistogram } from "../../histogram.ts";
import { spansFor, usesCustomBuckets } from "../arithmetic/add.ts";
import { coarsenSide } from "./side.ts";
import { borrowParts } from "./zero-bucket.ts";

/**
 * The same observations in a coarser schema. With another schema the hint becomes "unknown".
 * Throws MODEL_HISTOGRAM for custom buckets and for a finer schema.
 */
export function reduceResolution(h: FloatHistogram, schema: number): FloatHistogram {
  if (schema === h.schema) return h;
  if (usesCustomBuckets(h) || schema > h.schema) {
    throw new ModelError("MODEL_HISTOGRAM", "cannot reduce resolution", { from: h.schema, schema });
  }
  const parts = borrowParts(h);
  const positive = coarsenSide(parts.positive, h.schema - schema);
  const negative = coarsenSide(parts.negative, h.schema - schema);
  return {
    ...h,
    schema,
    positiveSpans: spansFor(positive, h.positiveSpans),
    negativeSpans: spansFor(negative, h.negativeSpans),
    positiveBuckets: positive.counts,
    negativeBuckets: negative.counts,
    counterResetHint: "unknown",
  };
}
