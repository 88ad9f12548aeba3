// Checks of native histograms that come from outside, with Prometheus' messages.

import { ModelError } from "../errors.ts";
import type { BucketSpan, FloatHistogram } from "../histogram.ts";
import { customBucketsSchema } from "../histogram.ts";
import { exponentialSchemaMax, exponentialSchemaMin } from "./buckets/bounds.ts";

function fail(message: string): never {
  throw new ModelError("MODEL_HISTOGRAM", message, {});
}

function checkSpans(spans: readonly BucketSpan[], buckets: number, firstToo: boolean): number {
  let named = 0;
  let length = 0;
  spans.forEach((span, i) => {
    if ((firstToo || i > 0) && span.offset < 0) {
      fail(
        `span number ${i + 1} with offset ${span.offset}: histogram has a span whose offset is negative`,
      );
    }
    named += span.length;
    length += span.length + span.offset;
  });
  if (named !== buckets) {
    fail(
      `spans need ${named} buckets, have ${buckets} buckets: histogram spans specify different number of buckets than provided`,
    );
  }
  return length;
}

function checkBuckets(buckets: Float64Array): void {
  buckets.forEach((count, i) => {
    if (count < 0) {
      fail(
        `bucket number ${i + 1} has observation count of ${count}: histogram has a bucket whose observation count is negative`,
      );
    }
  });
}

function prefixed(prefix: string, check: () => void): void {
  try {
    check();
  } catch (thrown) {
    if (thrown instanceof ModelError) fail(`${prefix}: ${thrown.message}`);
    throw thrown;
  }
}

function checkCustom(h: FloatHistogram): void {
  const bounds = h.customValues;
  let previous = -Infinity;
  bounds.forEach((bound, i) => {
    if (Number.isNaN(bound)) fail("histogram custom bounds must not be NaN");
    if (i > 0 && bound <= previous) {
      fail(
        `previous bound is ${previous.toFixed(6)} and current is ${bound.toFixed(6)}: histogram custom bounds must be in strictly increasing order`,
      );
    }
    previous = bound;
  });
  if (previous === Infinity) {
    fail("last +Inf bound must not be explicitly defined: histogram custom bounds must be finite");
  }
  const length = checkSpans(h.positiveSpans, h.positiveBuckets.length, true);
  if (bounds.length + 1 < length) {
    fail(
      `only ${bounds.length} custom bounds defined which is insufficient to cover total span length of ${length}: histogram custom bounds are too few`,
    );
  }
}

/** Throws MODEL_HISTOGRAM where spans and buckets do not fit, counts are negative, or the schema is not one we know. */
export function validateHistogram(h: FloatHistogram): void {
  if (h.schema === customBucketsSchema) {
    prefixed("custom buckets", () => checkCustom(h));
    if (h.zeroCount !== 0) fail("custom buckets: must have zero count of 0");
    if (h.zeroThreshold !== 0) fail("custom buckets: must have zero threshold of 0");
    if (h.negativeSpans.length > 0) fail("custom buckets: must not have negative spans");
    if (h.negativeBuckets.length > 0) fail("custom buckets: must not have negative buckets");
  } else if (h.schema >= exponentialSchemaMin && h.schema <= exponentialSchemaMax) {
    prefixed("positive side", () => checkSpans(h.positiveSpans, h.positiveBuckets.length, false));
    prefixed("negative side", () => checkSpans(h.negativeSpans, h.negativeBuckets.length, false));
    prefixed("negative side", () => checkBuckets(h.negativeBuckets));
    if (h.zeroCount < 0) {
      fail(
        `zero bucket has observation count of ${h.zeroCount}: histogram has a bucket whose observation count is negative`,
      );
    }
    if (h.customValues.length > 0) {
      fail("histogram with exponential schema must not have custom bounds");
    }
  } else {
    fail(
      `histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or -53 for custom buckets, got schema ${h.schema}`,
    );
  }
  if (h.count < 0) {
    fail(`observation count is  ${h.count}: histogram's observation count is negative`);
  }
  prefixed("positive side", () => checkBuckets(h.positiveBuckets));
}
