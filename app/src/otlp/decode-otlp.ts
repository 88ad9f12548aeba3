// OTLP metrics as series.
import { compareStrings, encodeLabels, Labels, staleNaN } from "@deucalion/model";
import { ProtoWriter } from "@deucalion/rpc";
import { HistogramMessage, type WireHistogram } from "@deucalion/storeapi";
import type { SeriesMetadata } from "@deucalion/tsdb";
import { ReceiveError } from "../receive/errors.ts";
import type { DecodedWrite } from "../receive/write/decode-write.ts";
import { SeriesList } from "../receive/write/series-list.ts";
import { writeMetadata } from "../receive/write/time-series.ts";
import { exponentialHistogram } from "./exponential-histogram.ts";
import {
  escapes,
  labelName,
  metricName,
  type TranslationStrategy,
  unitName,
} from "./metric-names.ts";
import type {
  Attributes,
  HistogramPoint,
  OtlpExemplar,
  OtlpMetric,
  OtlpResource,
  OtlpScope,
} from "./otlp-metrics.ts";
import { readOtlpJson } from "./read-json.ts";
import { readOtlpProtobuf } from "./read-protobuf.ts";

export interface OtlpOptions {
  /** Make `target_info` of resource attributes. */
  readonly targetInfo: boolean;
  /** Resource attributes that become labels. */
  readonly promoted: readonly string[];
  /** Default: UnderscoreEscapingWithSuffixes. */
  readonly strategy?: TranslationStrategy;
  /** Scope name, version and attributes become labels. */
  readonly promoteScope?: boolean;
}

const identifying = ["service.namespace", "service.name", "service.instance.id"];
/** Between samples of target_info: half of what a query looks back. */
const targetInfoStepMs = 150_000;
const exemplarRunesMax = 128;

/** Decodes a request. Throws RECEIVE_BODY, and RPC_PROTO for malformed protobuf. */
export function decodeOtlp(body: Uint8Array, json: boolean, options: OtlpOptions): DecodedWrite {
  const resources = json ? readOtlpJson(body) : readOtlpProtobuf(body);
  const translator = new Translator(options);
  for (const resource of resources) translator.resource(resource);
  return translator.finish();
}

/** Bounds and quantiles in labels: never with an exponent. */
export function plainNumber(value: number): string {
  const text = String(value);
  const found = /^(-?)(\d)(?:\.(\d+))?e([+-]\d+)$/.exec(text);
  if (found === null) return text;
  const [, sign, first, rest = "", exponent] = found;
  const digits = `${first}${rest}`;
  const point = 1 + Number(exponent);
  if (point <= 0) return `${sign}0.${"0".repeat(-point)}${digits}`;
  if (point >= digits.length) return `${sign}${digits}${"0".repeat(point - digits.length)}`;
  return `${sign}${digits.slice(0, point)}.${digits.slice(point)}`;
}

/** Metadata types as logs number them. */
const types = { unknown: 0, counter: 1, gauge: 2, histogram: 3, summary: 5 } as const;

class Translator {
  readonly #options: OtlpOptions;
  readonly #strategy: TranslationStrategy;
  readonly #out = new ProtoWriter(1 << 14);
  readonly #bounds: number[] = [];
  readonly #errors: string[] = [];
  readonly #seenTargets = new Set<string>();
  #samples = 0;
  #histograms = 0;
  #exemplars = 0;
  #resourceLabels: readonly (readonly [string, string])[] = [];
  #jobLabels: readonly (readonly [string, string])[] = [];
  #scopeLabels: readonly (readonly [string, string])[] = [];

  constructor(options: OtlpOptions) {
    this.#options = options;
    this.#strategy = options.strategy ?? "UnderscoreEscapingWithSuffixes";
  }

  /** Runs `work`; what it refuses is told at the end, with everything else that is. */
  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof ReceiveError)) throw error;
      this.#errors.push(error.message);
    }
  }

  resource(resource: OtlpResource): void {
    const attributes = new Map(resource.attributes);
    const jobs: (readonly [string, string])[] = [];
    const service = attributes.get("service.name");
    const namespace = attributes.get("service.namespace");
    const instance = attributes.get("service.instance.id");
    if (service !== undefined) {
      jobs.push(["job", namespace === undefined ? service : `${namespace}/${service}`]);
    }
    if (instance !== undefined) jobs.push(["instance", instance]);
    this.#jobLabels = jobs;
    this.#try(() => {
      this.#resourceLabels = resource.attributes
        .filter(([name]) => this.#options.promoted.includes(name))
        .map(([name, value]) => [labelName(name, this.#strategy), value]);
    });
    let earliest = Number.POSITIVE_INFINITY;
    let latest = Number.NEGATIVE_INFINITY;
    for (const scope of resource.scopes) {
      this.#try(() => this.#setScope(scope));
      for (const metric of scope.metrics) {
        for (const { timeMs } of metric.data?.points ?? []) {
          earliest = Math.min(earliest, timeMs);
          latest = Math.max(latest, timeMs);
        }
        this.#try(() => this.#metric(metric));
      }
    }
    if (earliest <= latest) {
      this.#try(() => this.#targetInfo(resource.attributes, earliest, latest));
    }
  }

  #setScope(scope: OtlpScope): void {
    this.#scopeLabels = [];
    if (this.#options.promoteScope !== true || scope.name === "") return;
    this.#scopeLabels = [
      ...scope.attributes.map(
        ([name, value]) => [labelName(`otel_scope_${name}`, this.#strategy), value] as const,
      ),
      ["otel_scope_name", scope.name],
      ["otel_scope_version", scope.version],
      ["otel_scope_schema_url", scope.schemaUrl],
    ];
  }

  /** Labels of a point without its name. */
  #labels(attributes: Attributes, ignored: readonly string[] = ["__name__"]): Map<string, string> {
    const labels = new Map<string, string>();
    const sorted = attributes
      .filter(([name]) => !ignored.includes(name))
      .sort(([a], [b]) => compareStrings(a, b));
    for (const [name, value] of sorted) {
      const key = escapes(this.#strategy) ? labelName(name, this.#strategy) : name;
      const known = labels.get(key);
      // Names that have become the same: their values are joined.
      const joined = escapes(this.#strategy) && known !== undefined && known !== "";
      labels.set(key, joined ? `${known};${value}` : value);
    }
    return labels;
  }

  #complete(attributes: Attributes): Map<string, string> {
    const labels = this.#labels(attributes);
    for (const [name, value] of this.#resourceLabels)
      if (!labels.get(name)) labels.set(name, value);
    for (const [name, value] of this.#jobLabels) labels.set(name, value);
    for (const [name, value] of this.#scopeLabels) labels.set(name, value);
    return labels;
  }

  #begin(
    labels: ReadonlyMap<string, string>,
    extra: readonly (readonly [string, string])[],
  ): number {
    const bytes = encodeLabels(Labels.from([...labels, ...extra]));
    const start = this.#out.length;
    this.#out.raw(bytes.data, bytes.start, bytes.end);
    return start;
  }

  #end(start: number, exemplars: readonly OtlpExemplar[], metadata: SeriesMetadata): void {
    const out = this.#out;
    for (const exemplar of exemplars) {
      this.#exemplars++;
      const labels = exemplarLabels(exemplar);
      const mark = out.open(3);
      const bytes = encodeLabels(labels);
      out.raw(bytes.data, bytes.start, bytes.end);
      out.tag(2, 1);
      out.double(exemplar.value);
      out.tag(3, 0);
      out.svarint(exemplar.timeMs);
      out.close(mark);
    }
    writeMetadata(out, metadata);
    this.#bounds.push(start, out.length);
  }

  #sample(time: number, value: number, start = 0): void {
    const out = this.#out;
    this.#samples++;
    const mark = out.open(2);
    out.tag(1, 1);
    out.double(value);
    out.tag(2, 0);
    out.svarint(time);
    if (start > 0 && start <= time) {
      out.tag(3, 0);
      out.svarint(start);
    }
    out.close(mark);
  }

  /** A series with one float sample. */
  #float(
    labels: ReadonlyMap<string, string>,
    extra: readonly (readonly [string, string])[],
    time: number,
    value: number,
    exemplars: readonly OtlpExemplar[],
    metadata: SeriesMetadata,
    startMs = 0,
  ): void {
    const start = this.#begin(labels, extra);
    this.#sample(time, value, startMs);
    this.#end(start, exemplars, metadata);
  }

  #metric(metric: OtlpMetric): void {
    const { data } = metric;
    if (data === null) {
      throw new ReceiveError(
        "RECEIVE_BODY",
        `could not get aggregation temporality for ${metric.name} as it has unsupported metric type Empty`,
      );
    }
    if ("temporality" in data && data.temporality !== 2) {
      throw new ReceiveError(
        "RECEIVE_BODY",
        `invalid temporality and type combination for metric ${JSON.stringify(metric.name)}`,
      );
    }
    const counter = data.kind === "sum" && data.monotonic;
    const gauge = data.kind === "gauge" || (data.kind === "sum" && !data.monotonic);
    const kind = counter ? "counter" : data.kind === "gauge" ? "gauge" : "other";
    const name = metricName(metric.name, metric.unit, kind, this.#strategy);
    const named: readonly [string, string] = ["__name__", name];
    const type = counter
      ? types.counter
      : gauge
        ? types.gauge
        : data.kind === "summary"
          ? types.summary
          : types.histogram;
    const metadata = { type, unit: unitName(metric.unit), help: metric.description };
    for (const point of data.points) {
      const labels = this.#complete(point.attributes);
      const { timeMs } = point;
      const of = (value: number): number => (point.noValue ? staleNaN() : value);
      if ("buckets" in point) this.#classic(name, labels, point, metadata);
      else if ("value" in point) {
        const exemplars = data.kind === "sum" ? point.exemplars : [];
        const startMs = counter ? point.startMs : 0;
        this.#float(labels, [named], timeMs, of(point.value), exemplars, metadata, startMs);
      } else if ("scale" in point) {
        const start = this.#begin(labels, [named]);
        this.#histogram(exponentialHistogram(point), point.startMs);
        this.#end(start, point.exemplars, metadata);
      } else {
        this.#part(`${name}_sum`, labels, point, of(point.sum), metadata);
        this.#part(`${name}_count`, labels, point, of(point.count), metadata);
        for (const [quantile, value] of point.quantiles) {
          const extra = [named, ["quantile", plainNumber(quantile)]] as const;
          this.#float(labels, extra, timeMs, of(value), [], metadata);
        }
      }
    }
  }

  /** A part of a histogram or summary that is a counter of its own. */
  #part(
    name: string,
    labels: ReadonlyMap<string, string>,
    { timeMs, startMs }: { readonly timeMs: number; readonly startMs: number },
    value: number,
    metadata: SeriesMetadata,
  ): void {
    this.#float(labels, [["__name__", name]], timeMs, value, [], metadata, startMs);
  }

  #histogram(histogram: WireHistogram, startMs: number): void {
    this.#histograms++;
    const mark = this.#out.open(4);
    HistogramMessage.write(histogram, this.#out);
    if (startMs > 0 && startMs <= histogram.timestamp) {
      this.#out.tag(17, 0);
      this.#out.svarint(startMs);
    }
    this.#out.close(mark);
  }

  #classic(
    name: string,
    labels: ReadonlyMap<string, string>,
    point: HistogramPoint,
    metadata: SeriesMetadata,
  ): void {
    const { timeMs } = point;
    const of = (value: number): number => (point.noValue ? staleNaN() : value);
    if (point.sum !== null) {
      this.#part(`${name}_sum`, labels, point, of(point.sum), metadata);
    }
    this.#part(`${name}_count`, labels, point, of(point.count), metadata);
    const exemplars = [...point.exemplars];
    let total = 0;
    const bucket = (le: string, value: number, taken: readonly OtlpExemplar[]): void =>
      this.#float(
        labels,
        [
          ["__name__", `${name}_bucket`],
          ["le", le],
        ],
        timeMs,
        of(value),
        taken,
        metadata,
        point.startMs,
      );
    for (let i = 0; i < Math.min(point.bounds.length, point.buckets.length); i++) {
      total += point.buckets[i]!;
      let count = 0;
      while (count < exemplars.length && exemplars[count]!.value <= point.bounds[i]!) count++;
      bucket(plainNumber(point.bounds[i]!), total, exemplars.splice(0, count));
    }
    bucket("+Inf", point.count, exemplars);
  }

  #targetInfo(attributes: Attributes, earliest: number, latest: number): void {
    if (!this.#options.targetInfo || this.#jobLabels.length === 0) return;
    if (attributes.every(([name]) => identifying.includes(name))) return;
    const labels = this.#labels(attributes, identifying);
    for (const [name, value] of this.#jobLabels) labels.set(name, value);
    labels.set("__name__", "target_info");
    const { key } = Labels.from(labels);
    const start = this.#begin(labels, []);
    const before = this.#samples;
    const put = (time: number): void => {
      const seen = `${time} ${key}`;
      if (this.#seenTargets.has(seen)) return;
      this.#seenTargets.add(seen);
      this.#sample(time, 1);
    };
    // A range beyond all measure is a fault of the sender's clock, not a reason to write for ever.
    const from = Math.max(earliest, latest - 1000 * targetInfoStepMs);
    for (let time = from; time < latest; time += targetInfoStepMs) put(time);
    put(latest);
    if (this.#samples === before) this.#out.length = start;
    else this.#end(start, [], { type: types.gauge, unit: "", help: "Target metadata" });
  }

  finish(): DecodedWrite {
    if (this.#errors.length > 0) {
      throw new ReceiveError("RECEIVE_BODY", this.#errors.join("\n"));
    }
    const series = new SeriesList(this.#out.finish());
    for (let i = 0; i < this.#bounds.length; i += 2) {
      series.add(this.#bounds[i]!, this.#bounds[i + 1]!);
    }
    return {
      series,
      samples: this.#samples,
      histograms: this.#histograms,
      exemplars: this.#exemplars,
      families: null,
      refused: "",
    };
  }
}

function exemplarLabels({ traceId, spanId, attributes }: OtlpExemplar): Labels {
  const own: (readonly [string, string])[] = [];
  if (traceId !== "") own.push(["trace_id", traceId]);
  if (spanId !== "") own.push(["span_id", spanId]);
  const all = [...own, ...attributes];
  const runes = all.reduce((sum, [name, value]) => sum + [...name].length + [...value].length, 0);
  return Labels.from(runes > exemplarRunesMax ? own : all);
}
