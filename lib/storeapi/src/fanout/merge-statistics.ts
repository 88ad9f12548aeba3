// Statistics of several heads as those of one.
import { compareStrings } from "@deucalion/model";
import type { Statistic, TsdbStatisticsEntry } from "../messages/status-messages.ts";

function mergeLists(
  a: readonly Statistic[],
  b: readonly Statistic[],
  join: (x: number, y: number) => number,
): Statistic[] {
  const values = new Map(a.map(({ name, value }) => [name, value]));
  for (const { name, value } of b) {
    const known = values.get(name);
    values.set(name, known === undefined ? value : join(known, value));
  }
  return [...values]
    .map(([name, value]) => ({ name, value }))
    .sort((x, y) => y.value - x.value || compareStrings(x.name, y.name));
}

const sum = (x: number, y: number): number => x + y;

/** Counts are added; numbers of label values, which overlap, take the larger. */
export function mergeStatistics(
  a: TsdbStatisticsEntry,
  b: TsdbStatisticsEntry,
): TsdbStatisticsEntry {
  const x = a.headStatistics;
  const y = b.headStatistics;
  return {
    headStatistics: {
      numSeries: x.numSeries + y.numSeries,
      numLabelPairs: x.numLabelPairs + y.numLabelPairs,
      chunkCount: x.chunkCount + y.chunkCount,
      minTime: x.minTime <= 0 || x.minTime > y.minTime ? y.minTime : x.minTime,
      maxTime: Math.max(x.maxTime, y.maxTime),
    },
    seriesCountByMetricName: mergeLists(a.seriesCountByMetricName, b.seriesCountByMetricName, sum),
    labelValueCountByLabelName: mergeLists(
      a.labelValueCountByLabelName,
      b.labelValueCountByLabelName,
      Math.max,
    ),
    memoryInBytesByLabelName: mergeLists(
      a.memoryInBytesByLabelName,
      b.memoryInBytesByLabelName,
      sum,
    ),
    seriesCountByLabelValuePair: mergeLists(
      a.seriesCountByLabelValuePair,
      b.seriesCountByLabelValuePair,
      sum,
    ),
  };
}
