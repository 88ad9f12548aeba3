// Which series and times a rewrite deletes.
import type { Labels, Matcher } from "@deucalion/model";
import { engineDefaults, parseMetricSelector } from "@deucalion/promql";
import { addInterval, type Interval } from "@deucalion/tsdb";
import { AppError } from "../../errors.ts";

/** One request; without intervals the whole series goes. */
export interface Deletion {
  readonly matchers: readonly Matcher[];
  readonly intervals: readonly Interval[];
  readonly requestId: string;
}

/** Reads a parsed YAML list. Throws APP_CONFIG. */
export function parseDeletions(document: unknown): Deletion[] {
  if (document === null || document === undefined) return [];
  if (!Array.isArray(document)) throw new AppError("APP_CONFIG", "deletions must be a list");
  return document.map((one: unknown) => {
    const request = (one ?? {}) as Record<string, unknown>;
    const list = request.intervals ?? [];
    if (typeof request.matchers !== "string" || !Array.isArray(list)) {
      throw new AppError("APP_CONFIG", "a deletion needs matchers, and intervals as a list");
    }
    let intervals: Interval[] = [];
    for (const item of list as Record<string, unknown>[]) {
      const minTime = Number(item.mint);
      const maxTime = Number(item.maxt);
      if (!Number.isFinite(minTime) || !Number.isFinite(maxTime) || maxTime < minTime) {
        throw new AppError("APP_CONFIG", "an interval needs mint and maxt in ms");
      }
      intervals = addInterval(intervals, { minTime, maxTime });
    }
    return {
      matchers: parseMetricSelector(request.matchers, engineDefaults.parse),
      intervals,
      requestId: String(request.request_id ?? ""),
    };
  });
}

/** What goes of a series: "all", or intervals, which may be none. */
export function deletedOf(labels: Labels, deletions: readonly Deletion[]): "all" | Interval[] {
  let intervals: Interval[] = [];
  for (const deletion of deletions) {
    const hit = deletion.matchers.every((matcher) => {
      const value = labels.get(matcher.name);
      return value !== "" && matcher.matches(value);
    });
    if (!hit) continue;
    if (deletion.intervals.length === 0) return "all";
    for (const interval of deletion.intervals) intervals = addInterval(intervals, interval);
  }
  return intervals;
}

/** A request as Thanos writes it into meta.json. */
export function deletionJson({ matchers, intervals, requestId }: Deletion): object {
  return {
    matchers: matchers.map(({ type, name, value }) => ({
      Type: typeNumber(type),
      Name: name,
      Value: value,
    })),
    ...(intervals.length === 0
      ? {}
      : { intervals: intervals.map(({ minTime, maxTime }) => ({ Mint: minTime, Maxt: maxTime })) }),
    ...(requestId === "" ? {} : { request_id: requestId }),
  };
}

function typeNumber(type: Matcher["type"]): number {
  return ["=", "!=", "=~", "!~"].indexOf(type);
}
