// What `analyze` tells of a query: Thanos' fields, and how each store took part.
import { formatGoDuration } from "@deucalion/base";
import { type NodeStats, printExpr, type QueryResult } from "@deucalion/promql";
import type { StoreStats } from "../querier.ts";
import { nodeName } from "./explain-tree.ts";
import type { QueryParams } from "./query-params.ts";

/** All selects of a query over one store, together. */
function merged(a: StoreStats, b: StoreStats): StoreStats {
  const both = (x: string | null, y: string | null) => (x === null || y === null ? null : x);
  const firsts = [a.firstMs, b.firstMs].filter((ms) => ms !== null);
  return {
    ...a,
    skipped: both(a.skipped, b.skipped),
    error: a.error ?? b.error,
    firstMs: firsts.length === 0 ? null : Math.min(...firsts),
    ms: Math.max(a.ms, b.ms),
    bytes: a.bytes + b.bytes,
    responses: a.responses + b.responses,
    series: a.series + b.series,
    chunks: a.chunks + b.chunks,
    samples: a.samples + b.samples,
  };
}

function byStore(stores: readonly StoreStats[]): StoreStats[] {
  const found = new Map<string, StoreStats>();
  for (const store of stores) {
    const before = found.get(store.address);
    found.set(store.address, before === undefined ? store : merged(before, store));
  }
  return [...found.values()];
}

/** One element for each select and store that was asked, as Thanos has it. */
function fanoutJson(stores: readonly StoreStats[]): unknown[] {
  return stores
    .filter(({ skipped }) => skipped === null)
    .map((store) => ({
      endpointAddr: store.address,
      duration: formatGoDuration(store.ms),
      bytesProcessed: store.bytes,
      numResponses: store.responses,
      series: store.series,
      chunks: store.chunks,
      samples: store.samples,
    }));
}

/** Every configured store: whether it was asked, why not, and how quick it was. */
function storesJson(stores: readonly StoreStats[]): unknown[] {
  return stores.map((store) => ({
    address: store.address,
    type: store.kind,
    labels: store.labelSets,
    asked: store.skipped === null,
    reason: store.skipped,
    firstByteMs: store.firstMs,
    durationMs: store.ms,
    bytes: store.bytes,
    series: store.series,
    chunks: store.chunks,
    error: store.error,
  }));
}

/** A time in ms; null where there is no bound. */
function bound(ms: number): number | null {
  return Math.abs(ms) > Number.MAX_SAFE_INTEGER ? null : ms;
}

/** Stores whose data may be missing in the answer: those that failed and those that cannot be reached. */
function missingJson(stores: readonly StoreStats[]): unknown[] {
  return stores.flatMap((store) => {
    const reason = store.error ?? (store.skipped?.startsWith("not reachable") ? store.skipped : "");
    if (reason === "") return [];
    const range = { minTime: bound(store.minTime), maxTime: bound(store.maxTime) };
    return [{ store: store.address, labels: store.labelSets, range, reason }];
  });
}

/** A node with what it took and gave; peaks are known of the whole query only. */
function nodeJson({ kind, text, ms, series, samples, children }: NodeStats): unknown {
  return {
    name: nodeName(kind, text),
    executionTime: formatGoDuration(ms),
    totalSamples: samples,
    series,
    ...(children.length === 0 ? {} : { children: children.map(nodeJson) }),
  };
}

/** `data.analysis`: the nodes of the query, and at its root what holds for the query as a whole. */
export function analysisJson(
  params: QueryParams,
  result: QueryResult,
  evalMs: number,
  stores: readonly StoreStats[],
): unknown {
  const each = byStore(stores);
  const tree = result.analysis;
  return {
    name: nodeName(params.expr.kind, printExpr(params.expr)),
    executionTime: formatGoDuration(evalMs),
    peakSamples: result.stats.peakSamples,
    totalSamples: result.stats.samplesTotal,
    ...(stores.length === 0
      ? {}
      : { fanout: fanoutJson(stores), stores: storesJson(each), missing: missingJson(each) }),
    ...(result.infos.length === 0 ? {} : { infos: result.infos }),
    ...(tree === undefined ? {} : { series: tree.series, children: tree.children.map(nodeJson) }),
  };
}
