// Samples of rules as a prometheus.WriteRequest, version 1 of remote write.
//
//   1 timeseries {1 labels {1 name, 2 value}   2 samples {1 value, 2 timestamp}   4 histograms}
import { encodeLabels, type Labels } from "@deucalion/model";
import { ProtoWriter } from "@deucalion/rpc";
import type { AppendSample } from "@deucalion/rules";
import { HistogramMessage, histogramToWire } from "@deucalion/storeapi";

const staleBytes = Uint8Array.of(2, 0, 0, 0, 0, 0, 0xf0, 0x7f);

/** External labels join those of a series; its own win. */
function withExternal(labels: Labels, external: readonly (readonly [string, string])[]): Labels {
  let out = labels;
  for (const [name, value] of external) if (!out.has(name)) out = out.with(name, value);
  return out;
}

/** One time series for each sample. */
export function encodeSamples(
  samples: readonly AppendSample[],
  externalLabels: Labels,
): Uint8Array {
  const external = [...externalLabels];
  const out = new ProtoWriter(128 * samples.length);
  for (const sample of samples) {
    const series = out.open(1);
    const { data, start, end } = encodeLabels(withExternal(sample.labels, external));
    out.raw(data, start, end);
    if (sample.histogram !== undefined && sample.stale !== true) {
      const wire = histogramToWire(sample.histogram, sample.timeMs);
      out.bytes(4, HistogramMessage.encode(wire));
    } else {
      const one = out.open(2);
      out.tag(1, 1);
      if (sample.stale === true) out.raw(staleBytes);
      else out.double(sample.value);
      out.tag(2, 0);
      out.svarint(sample.timeMs);
      out.close(one);
    }
    out.close(series);
  }
  return out.finish();
}
