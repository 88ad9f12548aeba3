// Records of the write-ahead logs as JSON values.
import { type WalRecord, WalRecordType } from "@deucalion/tsdb";
import { floatText, histogramJson } from "./sample-json.ts";

const names: Readonly<Record<number, string>> = {
  [WalRecordType.series]: "series",
  [WalRecordType.samples]: "samples",
  [WalRecordType.tombstones]: "tombstones",
  [WalRecordType.exemplars]: "exemplars",
  [WalRecordType.mmapMarkers]: "mmapmarkers",
  [WalRecordType.metadata]: "metadata",
  [WalRecordType.histograms]: "histogram_samples",
  [WalRecordType.floatHistograms]: "float_histogram_samples",
  [WalRecordType.customHistograms]: "custom_buckets_histogram_samples",
  [WalRecordType.customFloatHistograms]: "custom_buckets_float_histogram_samples",
  [WalRecordType.samplesV2]: "samples_v2",
  [WalRecordType.histogramsV2]: "histogram_samples_v2",
  [WalRecordType.floatHistogramsV2]: "float_histogram_samples_v2",
};

/** What a type byte is called. */
export function recordTypeName(type: number): string {
  return names[type] ?? "unknown";
}

/** The items of a record: objects, or arrays that begin with the reference of the series. */
export function recordItems(record: WalRecord): unknown[] {
  switch (record.kind) {
    case "series":
      return record.series.map(({ ref, labels }) => ({ labels: labels.toJSON(), ref }));
    case "samples": {
      const { count, refs, startTimes, times, valueBits } = record.samples;
      return Array.from({ length: count }, (_, i) => {
        const value = floatText(valueBits[2 * i + 1]!, valueBits[2 * i]!);
        return [refs[i], startTimes[i], times[i], value];
      });
    }
    case "histograms":
      return record.histograms.map(({ ref, startTime, time, histogram }) => [
        ref,
        startTime,
        time,
        histogramJson(histogram),
      ]);
    case "exemplars":
      return record.exemplars.map(({ ref, time, valueHigh, valueLow, labels }) => [
        ref,
        time,
        floatText(valueHigh, valueLow),
        labels.toJSON(),
      ]);
    case "metadata":
      return record.metadata.map(({ ref, type, unit, help }) => ({ ref, type, unit, help }));
    case "tombstones":
      return record.tombstones.map(({ ref, intervals }) => ({
        intervals: intervals.map(({ minTime, maxTime }) => ({ Mint: minTime, Maxt: maxTime })),
        ref,
      }));
    case "markers":
      return record.markers.map(({ ref, mmapRef }) => ({ mmap_ref: mmapRef, ref }));
    case "unknown":
      return [];
  }
}
