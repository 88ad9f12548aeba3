// Writes the results of queries as Prometheus' JSON, series by series, without an object per sample.
import { formatGoFloat } from "@deucalion/kernels";
import { histogramJson, type Labels } from "@deucalion/model";
import type { MatrixSeries, QueryValue, VectorSample } from "@deucalion/promql";
import type { JsonStream } from "../../http/answers/envelope.ts";
import type { JsonWriter } from "../../http/answers/json-writer.ts";
import { PointWriter } from "./point-writer.ts";

const quote = 0x22;
const comma = 0x2c;
const open = 0x5b;
const close = 0x5d;

/** Unix seconds with as many decimals as the milliseconds need. */
export function writeTime(out: JsonWriter, timeMs: number): void {
  let ms = timeMs;
  if (ms < 0) {
    out.byte(0x2d);
    ms = -ms;
  }
  const seconds = Math.floor(ms / 1000);
  out.integer(seconds);
  const rest = Math.round(ms - seconds * 1000);
  if (rest === 0) return;
  out.byte(0x2e);
  if (rest < 100) out.byte(0x30);
  if (rest < 10) out.byte(0x30);
  out.integer(rest);
}

/** Writes a number of few decimals (and at most 15 digits, so that there is no shorter text); false for others. */
function writeDecimal(out: JsonWriter, value: number): boolean {
  const magnitude = value < 0 ? -value : value;
  if (!(magnitude >= 1e-6 && magnitude < 1e9)) return false;
  const scaled = Math.round(magnitude * 1e6);
  if (scaled / 1e6 !== magnitude) return false;
  if (value < 0) out.byte(0x2d);
  const whole = Math.floor(scaled / 1e6);
  out.integer(whole);
  let rest = scaled - whole * 1e6;
  if (rest === 0) return true;
  out.byte(0x2e);
  for (let unit = 100_000; rest > 0; unit /= 10) {
    const digit = Math.floor(rest / unit);
    out.byte(0x30 + digit);
    rest -= digit * unit;
  }
  return true;
}

/** A float in quotes. */
export function writeValue(out: JsonWriter, value: number): void {
  out.byte(quote);
  if (value >= 1 && value <= Number.MAX_SAFE_INTEGER && value === Math.floor(value)) {
    out.integer(value);
  } else if (!writeDecimal(out, value)) out.ascii(formatGoFloat(value));
  out.byte(quote);
}

/** A label set as an object, names in order. */
export function writeLabels(out: JsonWriter, labels: Labels): void {
  const pairs = labels.pairs;
  out.byte(0x7b);
  for (let i = 0; i < pairs.length; i += 2) {
    if (i > 0) out.byte(comma);
    out.string(pairs[i]!);
    out.byte(0x3a);
    out.string(pairs[i + 1]!);
  }
  out.byte(0x7d);
}

function writePoint(out: JsonWriter, timeMs: number, value: number): void {
  out.byte(open);
  writeTime(out, timeMs);
  out.byte(comma);
  writeValue(out, value);
  out.byte(close);
}

function writeFloats(out: JsonWriter, series: MatrixSeries, points: PointWriter): void {
  const { times, values, histograms } = series;
  const count = times.length;
  if (histograms === null) {
    if (count === 0) return;
    out.ascii(',"values":');
    if (points.write(times, values)) {
      out.byte(close);
      return;
    }
    for (let i = 0; i < count; i++) {
      out.byte(i === 0 ? open : comma);
      writePoint(out, times[i]!, values[i]!);
    }
    out.byte(close);
    return;
  }
  let written = 0;
  for (let i = 0; i < count; i++) {
    if (histograms[i] !== undefined) continue;
    if (written++ === 0) out.ascii(',"values":[');
    else out.byte(comma);
    writePoint(out, times[i]!, values[i]!);
  }
  if (written > 0) out.byte(close);
}

function writeHistograms(out: JsonWriter, series: MatrixSeries): void {
  const { times, histograms } = series;
  if (histograms === null) return;
  let written = 0;
  for (let i = 0; i < times.length; i++) {
    const histogram = histograms[i];
    if (histogram === undefined) continue;
    if (written++ === 0) out.ascii(',"histograms":[');
    else out.byte(comma);
    out.byte(open);
    writeTime(out, times[i]!);
    out.byte(comma);
    out.ascii(histogramJson(histogram));
    out.byte(close);
  }
  if (written > 0) out.byte(close);
}

function writeSample(out: JsonWriter, sample: VectorSample): void {
  out.ascii('{"metric":');
  writeLabels(out, sample.labels);
  if (sample.histogram === undefined) {
    out.ascii(',"value":');
    writePoint(out, sample.timeMs, sample.value);
  } else {
    out.ascii(',"histogram":[');
    writeTime(out, sample.timeMs);
    out.byte(comma);
    out.ascii(histogramJson(sample.histogram));
    out.byte(close);
  }
  out.byte(0x7d);
}

/** Writes `"resultType":…,"result":…` without braces around it. */
export async function writeResult(out: JsonWriter, value: QueryValue): Promise<void> {
  out.ascii(`"resultType":"${value.type}","result":`);
  out.byte(open);
  switch (value.type) {
    case "scalar":
      writeTime(out, value.timeMs);
      out.byte(comma);
      writeValue(out, value.value);
      break;
    case "string":
      writeTime(out, value.timeMs);
      out.byte(comma);
      out.string(value.value);
      break;
    case "vector":
      for (let i = 0; i < value.samples.length; i++) {
        if (i > 0) out.byte(comma);
        writeSample(out, value.samples[i]!);
        if (out.isFull) await out.drain();
      }
      break;
    case "matrix": {
      const points = new PointWriter(out);
      if (value.times !== undefined) points.expect(value.times);
      for (let i = 0; i < value.series.length; i++) {
        const series = value.series[i]!;
        out.ascii(i > 0 ? ',{"metric":' : '{"metric":');
        writeLabels(out, series.labels);
        writeFloats(out, series, points);
        writeHistograms(out, series);
        out.byte(0x7d);
        if (out.isFull) await out.drain();
      }
      break;
    }
  }
  out.byte(close);
}

/** The `data` of a query's answer. `extra` are further members, small ones. */
export function queryData(value: QueryValue, extra: Readonly<Record<string, unknown>>): JsonStream {
  return {
    writeJson: async (out) => {
      out.byte(0x7b);
      await writeResult(out, value);
      for (const [name, member] of Object.entries(extra)) {
        out.byte(comma);
        out.string(name);
        out.byte(0x3a);
        out.value(member);
      }
      out.byte(0x7d);
    },
  };
}
