// OTLP requests against what Prometheus stored of them.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import { formatGoFloat } from "@deucalion/kernels";
import { decodeLabels, Labels } from "@deucalion/model";
import { ProtoReader } from "@deucalion/rpc";
import { HistogramMessage } from "@deucalion/storeapi";
import { conformanceMissing, conformanceRoot } from "@deucalion/tsdb/testing";
import { SampleView, TimeSeriesView } from "../receive/write/time-series.ts";
import { decodeOtlp, plainNumber } from "./decode-otlp.ts";
import type { TranslationStrategy } from "./metric-names.ts";

interface Ingested {
  readonly temporality: string;
  readonly translation_strategy: TranslationStrategy;
  readonly request_form: "pb" | "json";
  readonly promote_resource_attributes: readonly string[];
  readonly promote_scope_metadata: boolean;
  readonly responses: readonly (readonly [string, number, string])[];
  readonly series: readonly {
    readonly metric: Readonly<Record<string, string>>;
    readonly values?: readonly (readonly [number, string])[];
    readonly histograms?: readonly (readonly [
      number,
      { readonly count: string; readonly sum: string },
    ])[];
  }[];
}

const folder = join(conformanceRoot, "wire/otlp");

function body(name: string): Uint8Array {
  const data = readFileSync(join(folder, name));
  return data[0] === 0x1f && data[1] === 0x8b ? gunzipSync(data) : data;
}

test("requests become the series that Prometheus made of them", {
  skip: conformanceMissing,
}, () => {
  const all = JSON.parse(
    gunzipSync(readFileSync(join(folder, "prometheus-ingested.json.gz"))).toString(),
  ) as Ingested[];
  for (const one of all) {
    const options = {
      targetInfo: true,
      promoted: one.promote_resource_attributes,
      promoteScope: one.promote_scope_metadata,
      strategy: one.translation_strategy,
    };
    const found = new Map<string, [number, string][]>();
    for (const [name, status, text] of one.responses) {
      const read = () =>
        decodeOtlp(body(`${name}.${one.request_form}`), one.request_form === "json", options);
      if (status !== 200) {
        assert.throws(read, (error: Error) => error.message === text.trimEnd());
        continue;
      }
      const { series } = read();
      const view = new TimeSeriesView();
      const sample = new SampleView(series.data);
      for (let i = 0; i < series.count; i++) {
        view.read(series.data, series.starts[i]!, series.ends[i]!);
        const { key } = decodeLabels(view.labels);
        const points = found.get(key) ?? [];
        found.set(key, points);
        for (let j = 0; j < view.samples.length; j += 2) {
          sample.read(view.samples[j]!, view.samples[j + 1]!);
          const bytes = new DataView(new ArrayBuffer(8));
          bytes.setInt32(0, sample.high);
          bytes.setInt32(4, sample.low);
          points.push([sample.time, formatGoFloat(bytes.getFloat64(0))]);
        }
        for (let j = 0; j < view.histograms.length; j += 2) {
          const h = HistogramMessage.read(
            new ProtoReader(view.data, view.histograms[j]!, view.histograms[j + 1]!),
            0,
          );
          points.push([h.timestamp, `${h.countInt} ${h.sum}`]);
        }
      }
    }
    const want = new Map<string, [number, string][]>();
    for (const { metric, values, histograms } of one.series) {
      want.set(Labels.from(metric).key, [
        ...(values ?? []).map(([time, value]): [number, string] => [
          Math.round(time * 1000),
          value,
        ]),
        ...(histograms ?? []).map(([time, h]): [number, string] => [
          Math.round(time * 1000),
          `${h.count} ${h.sum}`,
        ]),
      ]);
    }
    assert.deepEqual([...found.keys()].sort(), [...want.keys()].sort());
    for (const [key, points] of want) assert.deepEqual(found.get(key), points, key);
  }
});

test("bounds are written without exponents", () => {
  assert.equal(plainNumber(1e21), "1000000000000000000000");
  assert.equal(plainNumber(1.5e-7), "0.00000015");
  assert.equal(plainNumber(0.005), "0.005");
});
