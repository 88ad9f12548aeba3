// OTLP metrics as data, whatever they came as. Times in milliseconds.

/** Attributes: names and their values as text. */
export type Attributes = readonly (readonly [string, string])[];

export interface OtlpExemplar {
  readonly attributes: Attributes;
  readonly timeMs: number;
  readonly value: number;
  /** Hexadecimal; "" for none. */
  readonly traceId: string;
  readonly spanId: string;
}

interface PointBase {
  readonly attributes: Attributes;
  readonly startMs: number;
  readonly timeMs: number;
  /** The point says that there is no value. */
  readonly noValue: boolean;
  readonly exemplars: readonly OtlpExemplar[];
}

export interface NumberPoint extends PointBase {
  readonly value: number;
}

export interface HistogramPoint extends PointBase {
  readonly count: number;
  readonly sum: number | null;
  readonly bounds: readonly number[];
  readonly buckets: readonly number[];
}

export interface ExponentialBuckets {
  readonly offset: number;
  readonly counts: readonly number[];
}

export interface ExponentialPoint extends PointBase {
  readonly count: number;
  readonly sum: number | null;
  readonly scale: number;
  readonly zeroCount: number;
  readonly positive: ExponentialBuckets;
  readonly negative: ExponentialBuckets;
}

export interface SummaryPoint extends PointBase {
  readonly count: number;
  readonly sum: number;
  /** Quantiles and their values. */
  readonly quantiles: readonly (readonly [number, number])[];
}

/** 1 is delta, 2 is cumulative. */
export type Temporality = number;

export type OtlpData =
  | { readonly kind: "gauge"; readonly points: readonly NumberPoint[] }
  | {
      readonly kind: "sum";
      readonly points: readonly NumberPoint[];
      readonly temporality: Temporality;
      readonly monotonic: boolean;
    }
  | {
      readonly kind: "histogram";
      readonly points: readonly HistogramPoint[];
      readonly temporality: Temporality;
    }
  | {
      readonly kind: "exponential";
      readonly points: readonly ExponentialPoint[];
      readonly temporality: Temporality;
    }
  | { readonly kind: "summary"; readonly points: readonly SummaryPoint[] };

export interface OtlpMetric {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  /** Null for kinds that are not known. */
  readonly data: OtlpData | null;
}

export interface OtlpScope {
  readonly name: string;
  readonly version: string;
  readonly schemaUrl: string;
  readonly attributes: Attributes;
  readonly metrics: readonly OtlpMetric[];
}

export interface OtlpResource {
  readonly attributes: Attributes;
  readonly scopes: readonly OtlpScope[];
}
