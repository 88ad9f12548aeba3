// OTLP requests in JSON: 64-bit numbers are text or numbers, ids are hexadecimal.
import { messageOf } from "@deucalion/base";
import { ReceiveError } from "../receive/errors.ts";
import { type AttributeValue, attributeText } from "./attribute-text.ts";
import type {
  Attributes,
  ExponentialBuckets,
  OtlpData,
  OtlpExemplar,
  OtlpMetric,
  OtlpResource,
  OtlpScope,
} from "./otlp-metrics.ts";

type Json = Readonly<Record<string, unknown>>;

const depthMax = 200;

function fail(reason: string): never {
  throw new ReceiveError("RECEIVE_BODY", `OTLP request is not sound: ${reason}`);
}

function map(value: unknown, what: string): Json {
  if (value === undefined || value === null) return {};
  if (typeof value !== "object" || Array.isArray(value)) fail(`${what} is not an object`);
  return value as Json;
}

function list(value: unknown, what: string): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) fail(`${what} is not a list`);
  return value;
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function number(value: unknown): number {
  if (value === undefined || value === null) return 0;
  const found = typeof value === "string" ? (specials[value] ?? Number(value)) : value;
  if (typeof found !== "number" || (Number.isNaN(found) && value !== "NaN")) {
    fail(`${JSON.stringify(value)} is not a number`);
  }
  return found as number;
}

const specials: Readonly<Record<string, number>> = {
  NaN: Number.NaN,
  Infinity: Number.POSITIVE_INFINITY,
  "-Infinity": Number.NEGATIVE_INFINITY,
};

/** Nanoseconds as milliseconds, exact where they come as text. */
function milliseconds(value: unknown): number {
  if (typeof value === "string" && /^\d+$/.test(value)) return Number(value.slice(0, -6) || "0");
  return Math.floor(number(value) / 1e6);
}

function attributeValue(value: unknown, depth: number): AttributeValue {
  if (depth > depthMax) fail("values nest too deep");
  const any = map(value, "value");
  if (any.stringValue !== undefined) return text(any.stringValue);
  if (any.boolValue !== undefined) return any.boolValue === true;
  if (any.intValue !== undefined) return { int: String(any.intValue) };
  if (any.doubleValue !== undefined) return number(any.doubleValue);
  if (any.bytesValue !== undefined) {
    return { bytes: Buffer.from(text(any.bytesValue), "base64") };
  }
  if (any.arrayValue !== undefined) {
    const values = list(map(any.arrayValue, "arrayValue").values, "values");
    return values.map((one) => attributeValue(one, depth + 1));
  }
  if (any.kvlistValue === undefined) return null;
  return {
    pairs: list(map(any.kvlistValue, "kvlistValue").values, "values").map((one) => {
      const pair = map(one, "pair");
      return [text(pair.key), attributeValue(pair.value, depth + 1)] as const;
    }),
  };
}

function attributes(value: unknown): Attributes {
  return list(value, "attributes").map((one) => {
    const pair = map(one, "attribute");
    return [text(pair.key), attributeText(attributeValue(pair.value, 0))] as const;
  });
}

function exemplars(value: unknown): OtlpExemplar[] {
  return list(value, "exemplars").map((one) => {
    const exemplar = map(one, "exemplar");
    return {
      attributes: attributes(exemplar.filteredAttributes),
      timeMs: milliseconds(exemplar.timeUnixNano),
      value: number(exemplar.asDouble ?? exemplar.asInt),
      traceId: text(exemplar.traceId).toLowerCase(),
      spanId: text(exemplar.spanId).toLowerCase(),
    };
  });
}

function base(point: Json) {
  return {
    attributes: attributes(point.attributes),
    startMs: milliseconds(point.startTimeUnixNano),
    timeMs: milliseconds(point.timeUnixNano),
    noValue: number(point.flags) % 2 === 1,
    exemplars: exemplars(point.exemplars),
  };
}

function buckets(value: unknown): ExponentialBuckets {
  const found = map(value, "buckets");
  return {
    offset: number(found.offset),
    counts: list(found.bucketCounts, "bucketCounts").map(number),
  };
}

function temporality(data: Json): number {
  const value = data.aggregationTemporality;
  if (value === "AGGREGATION_TEMPORALITY_DELTA") return 1;
  return value === "AGGREGATION_TEMPORALITY_CUMULATIVE" ? 2 : number(value);
}

function points<T>(data: Json, read: (point: Json) => T): T[] {
  return list(data.dataPoints, "dataPoints").map((point) => read(map(point, "data point")));
}

const sumOf = (point: Json): number | null => (point.sum === undefined ? null : number(point.sum));

function dataOf(metric: Json): OtlpData | null {
  const numberPoint = (point: Json) => ({
    ...base(point),
    value: number(point.asDouble ?? point.asInt),
  });
  if (metric.gauge !== undefined) {
    return { kind: "gauge", points: points(map(metric.gauge, "gauge"), numberPoint) };
  }
  if (metric.sum !== undefined) {
    const data = map(metric.sum, "sum");
    return {
      kind: "sum",
      points: points(data, numberPoint),
      temporality: temporality(data),
      monotonic: data.isMonotonic === true,
    };
  }
  if (metric.histogram !== undefined) {
    const data = map(metric.histogram, "histogram");
    return {
      kind: "histogram",
      temporality: temporality(data),
      points: points(data, (point) => ({
        ...base(point),
        count: number(point.count),
        sum: sumOf(point),
        bounds: list(point.explicitBounds, "explicitBounds").map(number),
        buckets: list(point.bucketCounts, "bucketCounts").map(number),
      })),
    };
  }
  if (metric.exponentialHistogram !== undefined) {
    const data = map(metric.exponentialHistogram, "exponentialHistogram");
    return {
      kind: "exponential",
      temporality: temporality(data),
      points: points(data, (point) => ({
        ...base(point),
        count: number(point.count),
        sum: sumOf(point),
        scale: number(point.scale),
        zeroCount: number(point.zeroCount),
        positive: buckets(point.positive),
        negative: buckets(point.negative),
      })),
    };
  }
  if (metric.summary === undefined) return null;
  return {
    kind: "summary",
    points: points(map(metric.summary, "summary"), (point) => ({
      ...base(point),
      count: number(point.count),
      sum: number(point.sum),
      quantiles: list(point.quantileValues, "quantileValues").map((one) => {
        const quantile = map(one, "quantile");
        return [number(quantile.quantile), number(quantile.value)] as const;
      }),
    })),
  };
}

function metricOf(value: unknown): OtlpMetric {
  const metric = map(value, "metric");
  return {
    name: text(metric.name),
    description: text(metric.description),
    unit: text(metric.unit),
    data: dataOf(metric),
  };
}

function scopeOf(value: unknown): OtlpScope {
  const found = map(value, "scopeMetrics");
  const scope = map(found.scope, "scope");
  return {
    name: text(scope.name),
    version: text(scope.version),
    schemaUrl: text(found.schemaUrl),
    attributes: attributes(scope.attributes),
    metrics: list(found.metrics, "metrics").map(metricOf),
  };
}

/** Throws RECEIVE_BODY. */
export function readOtlpJson(body: Uint8Array): OtlpResource[] {
  let document: unknown;
  try {
    document = JSON.parse(new TextDecoder().decode(body));
  } catch (thrown) {
    return fail(messageOf(thrown));
  }
  return list(map(document, "request").resourceMetrics, "resourceMetrics").map((one) => {
    const resource = map(one, "resourceMetrics");
    return {
      attributes: attributes(map(resource.resource, "resource").attributes),
      scopes: list(resource.scopeMetrics, "scopeMetrics").map(scopeOf),
    };
  });
}
