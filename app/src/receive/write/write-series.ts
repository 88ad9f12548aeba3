// Puts series of a request into the head of a tenant: the innermost loop of receiving.
import {
  decodeLabels,
  type FloatHistogram,
  isStale,
  type LabelBytes,
  ModelError,
  validateHistogram,
} from "@deucalion/model";
import { ProtoReader, RpcError } from "@deucalion/rpc";
import { HistogramMessage, histogramFromWire } from "@deucalion/storeapi";
import { type LiveHead, Verdict } from "@deucalion/tsdb";
import { ReceiveError } from "../errors.ts";
import { checkLabels } from "./check-labels.ts";
import type { SeriesList } from "./series-list.ts";
import { histogramStart, readMetadata, SampleView, TimeSeriesView } from "./time-series.ts";
import { type Fault, WriteReport } from "./write-report.ts";

export interface WriteLimits {
  /** Samples later than this (Unix ms) are refused; +Infinity takes all. */
  readonly latestTime: number;
  /** Takes samples of any age, out of order where the window does not reach. */
  readonly late: boolean;
}

/** Times further from the epoch (the year 10000) are nobody's clock, ms. */
const timeMax = 253_402_300_800_000;

const faultOfVerdict: Readonly<Record<number, Fault>> = {
  [Verdict.duplicate]: "duplicate",
  [Verdict.outOfOrder]: "outOfOrder",
  [Verdict.outOfBounds]: "outOfBounds",
  [Verdict.tooOld]: "tooOld",
};

/**
 * Appends what can be appended and commits; the rest is in the report. When it returns, what was stored is in the log.
 * Throws RECEIVE_STORAGE if the log cannot be written and RECEIVE_BODY for malformed bytes.
 */
export function writeSeries(head: LiveHead, list: SeriesList, limits: WriteLimits): WriteReport {
  const report = new WriteReport();
  if (!head.writable) {
    // What waits is written first; as long as that fails nothing more is taken.
    commit(head);
  }
  const view = new TimeSeriesView();
  const sample = new SampleView(list.data);
  head.takesLate = limits.late;
  head.beginRequest();
  try {
    const { data } = list;
    const { table } = head;
    let before = -1;
    for (let i = 0; i < list.count; i++) {
      const start = list.starts[i]!;
      const end = list.ends[i]!;
      let series = before >= 0 ? table.guess(before, data, start, end) : -1;
      if (series >= 0) {
        view.read(data, start, end, start + table.labelLength[series]!);
        // More labels behind the samples: another series.
        if (view.labels.data !== data) series = -1;
      } else {
        view.read(data, start, end);
      }
      const guessed = series >= 0;
      series = writeOne(head, view, sample, limits, report, series);
      if (before >= 0 && !guessed) table.following[before] = series;
      before = series;
    }
  } catch (thrown) {
    if (!(thrown instanceof RpcError || thrown instanceof ModelError)) throw thrown;
    throw new ReceiveError("RECEIVE_BODY", thrown.message, {}, { cause: thrown });
  } finally {
    head.takesLate = false;
    head.endRequest();
    commit(head);
  }
  return report;
}

function commit(head: LiveHead): void {
  try {
    head.commit();
  } catch (thrown) {
    const text = `commit samples: ${thrown instanceof Error ? thrown.message : String(thrown)}`;
    throw new ReceiveError("RECEIVE_STORAGE", text, {}, { cause: thrown });
  }
}

/** `known` is the series, −1 to look for it. Returns the series, −1 if there is none. */
function writeOne(
  head: LiveHead,
  view: TimeSeriesView,
  sample: SampleView,
  limits: WriteLimits,
  report: WriteReport,
  known: number,
): number {
  if (view.samples.length + view.histograms.length === 0 && view.metadata.length > 0) {
    head.setFamilyMetadata(decodeLabels(view.labels).get("__name__"), metadataEntry(head, view));
    return -1;
  }
  let series = known;
  let canonical: LabelBytes | null = null;
  let hash = 0;
  if (series < 0) {
    const { data, start, end } = view.labels;
    hash = head.table.hashOf(data, start, end);
    series = head.find(data, start, end, hash);
  }
  if (series < 0) {
    const checked = checkLabels(view.labels);
    if (typeof checked === "string") {
      report.add(checked, view.labels);
      return -1;
    }
    canonical = checked;
    if (canonical !== view.labels) {
      const { data, start, end } = canonical;
      hash = head.table.hashOf(data, start, end);
      series = head.find(data, start, end, hash);
    }
  }
  const note = (verdict: number): void => {
    if (verdict <= Verdict.same) report.stored++;
    else report.add(faultOfVerdict[verdict]!, view.labels);
  };
  // A series comes into being with its first sample that is taken.
  const made = (time: number): boolean => {
    if (series >= 0) return true;
    const refused = time < head.appendFrom;
    const window = head.lateWindowMs;
    if (refused && (window === 0 || time < head.maxTime - window)) {
      report.add(window === 0 ? "outOfBounds" : "tooOld", view.labels);
      return false;
    }
    series = head.create(canonical!.data, canonical!.start, canonical!.end, hash);
    return true;
  };
  const { samples } = view;
  for (let j = 0; j < samples.length; j += 2) {
    sample.read(samples[j]!, samples[j + 1]!);
    if (sample.time > limits.latestTime || Math.abs(sample.time) > timeMax)
      report.add("outOfBounds", view.labels);
    else if (made(sample.time)) {
      const verdict = head.append(series, sample.time, sample.high, sample.low, sample.start);
      if (verdict === Verdict.stored) report.stored++;
      else note(verdict);
    }
  }
  for (let j = 0; j < view.histograms.length; j += 2) {
    const wire = HistogramMessage.read(
      new ProtoReader(view.data, view.histograms[j]!, view.histograms[j + 1]!),
      0,
    );
    const h = histogramFromWire(wire);
    if (!isSound(h)) report.add("badHistogram", view.labels);
    else if (Math.abs(wire.timestamp) > timeMax) report.add("outOfBounds", view.labels);
    else if (made(wire.timestamp)) {
      const start = head.options.startTimes
        ? histogramStart(view.data, view.histograms[j]!, view.histograms[j + 1]!)
        : 0;
      note(head.appendHistogram(series, wire.timestamp, h, start));
    }
  }
  if (series < 0) return -1;
  if (view.exemplars.length > 0) writeExemplars(head, series, view, report);
  if (view.metadata.length > 0) head.setMetadata(series, metadataEntry(head, view));
  return series;
}

/** Number of the metadata of a message in the head's table, −1 if that is full. */
function metadataEntry(head: LiveHead, { data, metadata }: TimeSeriesView): number {
  const start = metadata[0]!;
  const end = metadata[1]!;
  const known = head.metadata.find(data, start, end);
  return known >= 0 ? known : head.metadata.add(data, start, end, readMetadata(data, start, end));
}

function isSound(h: FloatHistogram): boolean {
  if (isStale(h.sum)) return true;
  try {
    validateHistogram(h);
  } catch {
    return false;
  }
  if (!h.integer) return true;
  let observations = h.zeroCount;
  for (const bucket of h.positiveBuckets) observations += bucket;
  for (const bucket of h.negativeBuckets) observations += bucket;
  // Observations of NaN are in no bucket.
  return Number.isNaN(h.sum) ? observations <= h.count : observations === h.count;
}

function writeExemplars(
  head: LiveHead,
  series: number,
  view: TimeSeriesView,
  report: WriteReport,
): void {
  if (head.options.exemplarsMax <= 0) return;
  for (let j = 0; j < view.exemplars.length; j += 2) {
    const reader = new ProtoReader(view.data, view.exemplars[j]!, view.exemplars[j + 1]!);
    let value = 0;
    let time = 0;
    let start = -1;
    let end = -1;
    for (let at = reader.at; reader.next(); at = reader.at) {
      if (reader.field === 1) {
        reader.range();
        if (start < 0) start = at;
        end = reader.stop;
      } else if (reader.field === 2) value = reader.double();
      else if (reader.field === 3) time = reader.int();
      else reader.skip();
    }
    const labels = decodeLabels({
      data: view.data,
      start: Math.max(0, start),
      end: Math.max(0, end),
    });
    const verdict = head.appendExemplar(series, time, value, labels);
    if (verdict === "duplicate") report.add("exemplarDuplicate", view.labels);
    else if (verdict === "out-of-order") report.add("exemplarOutOfOrder", view.labels);
    else if (verdict === "too-long") report.add("exemplarLength", view.labels);
  }
}
