// The blocks of a bucket as rows of a table.
import { formatGoDuration, parseGoDuration } from "@deucalion/base";
import type { BlockMeta } from "@deucalion/blocks";
import { compareStrings, type Labels } from "@deucalion/model";
import { rfc3339 } from "../bucket-ls/rfc3339.ts";
import { blockColumns } from "./block-columns.ts";
import type { TextTable } from "./text-table.ts";

const header: readonly string[] = blockColumns;

const hourMs = 3_600_000;
/** Blocks at least this long are downsampled further, by resolution. */
const downsampleRangeMs = new Map([
  [0, 40 * hourMs],
  [300_000, 240 * hourMs],
]);

const grouped = new Intl.NumberFormat("en-US");

function row(meta: BlockMeta): string[] {
  const { stats, compaction, thanos } = meta;
  const range = meta.maxTime - meta.minTime;
  const until = downsampleRangeMs.get(thanos.downsample.resolution);
  const labels = Object.entries(thanos.labels).sort(([a], [b]) => compareStrings(a, b));
  return [
    meta.ulid,
    rfc3339(meta.minTime),
    rfc3339(meta.maxTime),
    formatGoDuration(range),
    until === undefined ? "-" : formatGoDuration(until - range),
    grouped.format(stats.numSeries ?? 0),
    grouped.format(stats.numSamples ?? 0),
    grouped.format(stats.numChunks ?? 0),
    grouped.format(compaction.level),
    String(compaction.failed ?? false),
    labels.map(([name, value]) => `${name}=${value}`).join(","),
    formatGoDuration(thanos.downsample.resolution),
    thanos.source,
  ];
}

/** What a cell sorts by if both cells are of the kind: a time, a duration, a whole number. */
const kinds: readonly ((text: string) => number)[] = [
  (text) => (/^\d{4}-\d\d-\d\dT/.test(text) ? Date.parse(text) : Number.NaN),
  (text) => {
    try {
      return parseGoDuration(text);
    } catch {
      return Number.NaN;
    }
  },
  (text) => (/^[\d,]+$/.test(text) ? Number(text.replaceAll(",", "")) : Number.NaN),
];

function compareCells(a: string, b: string): number {
  for (const kind of kinds) {
    const x = kind(a);
    const y = kind(b);
    if (!Number.isNaN(x) && !Number.isNaN(y)) return x - y;
  }
  return compareStrings(a, b);
}

/** Blocks that have all labels of `selector`, sorted by the named columns, then by id. */
export function blockTable(
  metas: Iterable<BlockMeta>,
  selector: Labels,
  sortBy: readonly string[],
): TextTable {
  const rows = [...metas]
    .filter(({ thanos }) => [...selector].every(([name, value]) => thanos.labels[name] === value))
    .map(row);
  const columns = [...sortBy.map((name) => header.indexOf(name)), 0];
  rows.sort((a, b) => {
    for (const column of columns) {
      if (a[column] === b[column]) continue;
      const order = compareCells(a[column]!, b[column]!);
      if (order !== 0) return order;
    }
    return 0;
  });
  return { header, rows };
}
