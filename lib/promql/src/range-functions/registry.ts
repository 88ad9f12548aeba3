// All functions of range vectors by name.
import { floatsOnly, floatsOrHistograms } from "./combine.ts";
import { changes, resets } from "./counting.ts";
import { extendable } from "./extended-rate.ts";
import { extremeKernel } from "./extremes.ts";
import { rateHistograms } from "./histogram-rate.ts";
import { meanHistograms, sumHistograms } from "./histogram-sums.ts";
import { instantRate } from "./instant-rate.ts";
import {
  countOverTime,
  firstOverTime,
  lastOverTime,
  presentOverTime,
  timeOfFirst,
  timeOfLast,
} from "./picking.ts";
import { madKernel, quantileKernel } from "./quantiles.ts";
import { type RateKind, rateKernel } from "./rate.ts";
import { derivKernel, doubleSmoothing, predictKernel } from "./regression.ts";
import { meanKernel, sumKernel, varianceKernel } from "./sums.ts";
import type { RangeFunction } from "./windows.ts";
import { xFunction } from "./x-functions.ts";

function rate(kind: RateKind): RangeFunction {
  return extendable(kind, floatsOrHistograms(rateKernel(kind), rateHistograms(kind)));
}

/** Functions that read a range vector. `absent_over_time` is `present_over_time`, turned around by the operator. */
export const rangeFunctions: ReadonlyMap<string, RangeFunction> = new Map([
  ["rate", rate({ counter: true, perSecond: true })],
  ["increase", rate({ counter: true, perSecond: false })],
  ["delta", rate({ counter: false, perSecond: false })],
  ["irate", instantRate(true)],
  ["idelta", instantRate(false)],
  ["deriv", floatsOnly(derivKernel)],
  ["predict_linear", floatsOnly(predictKernel)],
  ["double_exponential_smoothing", doubleSmoothing],
  ["holt_winters", doubleSmoothing],
  ["sum_over_time", floatsOrHistograms(sumKernel, sumHistograms)],
  ["avg_over_time", floatsOrHistograms(meanKernel, meanHistograms)],
  ["stddev_over_time", floatsOnly(varianceKernel(true))],
  ["stdvar_over_time", floatsOnly(varianceKernel(false))],
  ["max_over_time", floatsOnly(extremeKernel({ largest: true, time: false }))],
  ["min_over_time", floatsOnly(extremeKernel({ largest: false, time: false }))],
  ["ts_of_max_over_time", floatsOnly(extremeKernel({ largest: true, time: true }))],
  ["ts_of_min_over_time", floatsOnly(extremeKernel({ largest: false, time: true }))],
  ["quantile_over_time", floatsOnly(quantileKernel)],
  ["mad_over_time", floatsOnly(madKernel)],
  ["count_over_time", countOverTime],
  ["present_over_time", presentOverTime],
  ["absent_over_time", presentOverTime],
  ["first_over_time", firstOverTime],
  ["last_over_time", lastOverTime],
  ["ts_of_first_over_time", timeOfFirst],
  ["ts_of_last_over_time", timeOfLast],
  ["changes", changes],
  ["resets", resets],
  ["xrate", xFunction({ counter: true, perSecond: true })],
  ["xincrease", xFunction({ counter: true, perSecond: false })],
  ["xdelta", xFunction({ counter: false, perSecond: false })],
]);
