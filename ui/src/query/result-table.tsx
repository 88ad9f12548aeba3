// The table tab: one row per series of an instant answer, sortable, with native histograms as bars.
import { useMemo, useState } from "preact/hooks";
import type { HistogramValue, MatrixSeries, QueryData, Sample } from "../api/types.ts";
import { Notice, SeriesName } from "../components/small.tsx";
import { VirtualRows } from "../components/virtual-rows.tsx";
import { formatLabels, type LabelMap } from "../format/labels.ts";
import { count, parseSample, shortNumber } from "../format/number.ts";
import { formatTime } from "../format/time.ts";
import { zone } from "../state/settings.ts";
import { plural, t } from "../text/t.ts";

/** At most this many rows are listed unless the user asks for all. */
export const rowsMax = 10_000;
/** Up to this many samples of one series are listed. */
const samplesMax = 100;

interface Row {
  readonly labels: LabelMap;
  readonly value: string | null;
  readonly histogram: HistogramValue | null;
  readonly samples: MatrixSeries | null;
  readonly n: number;
}

function toRows(data: QueryData): Row[] {
  if (data.resultType === "vector") {
    return data.result.map((s, n) => ({
      labels: s.metric,
      value: s.value?.[1] ?? null,
      histogram: s.histogram?.[1] ?? null,
      samples: null,
      n,
    }));
  }
  if (data.resultType === "matrix") {
    return data.result.map((s, n) => ({
      labels: s.metric,
      value: null,
      histogram: null,
      samples: s,
      n,
    }));
  }
  return [];
}

type Order = "none" | "name" | "rising" | "falling";

function sortRows(rows: Row[], order: Order): Row[] {
  if (order === "none") return rows;
  if (order === "name") {
    const keyed = rows.map((row) => ({ row, key: formatLabels(row.labels) }));
    keyed.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0));
    return keyed.map(({ row }) => row);
  }
  const sign = order === "rising" ? 1 : -1;
  const number = (row: Row): number => parseSample(row.value ?? row.histogram?.sum ?? "NaN");
  const keyed = rows.map((row) => ({ row, key: number(row) }));
  // NaN goes last in either direction.
  keyed.sort((a, b) =>
    Number.isNaN(a.key)
      ? 1
      : Number.isNaN(b.key)
        ? -1
        : a.key === b.key
          ? 0
          : sign * (a.key < b.key ? -1 : 1),
  );
  return keyed.map(({ row }) => row);
}

/** The rows of an answer. */
export function ResultTable({ data }: { readonly data: QueryData }) {
  const [order, setOrder] = useState<Order>("none");
  const [all, setAll] = useState(false);
  const rows = useMemo(() => toRows(data), [data]);
  const sorted = useMemo(() => sortRows(rows, order), [rows, order]);
  if (data.resultType === "scalar" || data.resultType === "string") return <Single data={data} />;
  const listed = all ? sorted : sorted.slice(0, rowsMax);
  const long = listed.length > 200;
  const arrow = order === "rising" ? " ↑" : order === "falling" ? " ↓" : "";
  return (
    <>
      {rows.length > listed.length && (
        <Notice
          kind="quiet"
          actions={
            <button type="button" class="button small" onClick={() => setAll(true)}>
              {t("limited.all")}
            </button>
          }
        >
          {t("limited.rows", { n: count(listed.length), all: count(rows.length) })}
        </Notice>
      )}
      <div
        class="result"
        role="table"
        aria-label={t("table.label")}
        aria-rowcount={rows.length}
        data-testid="result-table"
      >
        <div role="rowgroup">
          <div class="result-row result-head" role="row">
            <span role="columnheader" aria-sort={order === "name" ? "ascending" : "none"}>
              <button
                type="button"
                class="head-button"
                onClick={() => setOrder(order === "name" ? "none" : "name")}
              >
                {t("table.series")}
                {order === "name" ? " ↑" : ""}
              </button>
            </span>
            <span
              role="columnheader"
              class="result-value"
              aria-sort={
                order === "rising" ? "ascending" : order === "falling" ? "descending" : "none"
              }
            >
              <button
                type="button"
                class="head-button"
                onClick={() =>
                  setOrder(order === "falling" ? "rising" : order === "rising" ? "none" : "falling")
                }
              >
                {t("table.value")}
                {arrow}
              </button>
            </span>
          </div>
        </div>
        <VirtualRows
          items={listed}
          keyOf={(row) => row.n}
          estimate={34}
          role="rowgroup"
          {...(long ? { maxHeight: "70vh" } : {})}
          render={(row) => (
            <div class="result-row" role="row" data-testid="result-row">
              <span role="cell" class="result-series">
                <SeriesName labels={row.labels} />
              </span>
              <span role="cell" class="result-value">
                <Value row={row} />
              </span>
            </div>
          )}
        />
      </div>
    </>
  );
}

function Single({
  data,
}: {
  readonly data: { readonly resultType: string; readonly result: Sample };
}) {
  return (
    <dl class="single" data-testid="result-single">
      <dt>{data.resultType}</dt>
      <dd>{data.resultType === "string" ? JSON.stringify(data.result[1]) : data.result[1]}</dd>
    </dl>
  );
}

function Value({ row }: { readonly row: Row }) {
  if (row.histogram !== null) return <Histogram value={row.histogram} />;
  if (row.samples !== null) return <Samples series={row.samples} />;
  const text = row.value ?? "";
  const special = text === "NaN" || text.endsWith("Inf");
  return <span class={special ? "special" : ""}>{text}</span>;
}

function Samples({ series }: { readonly series: MatrixSeries }) {
  const values = series.values ?? [];
  const histograms = series.histograms ?? [];
  const cut = values.length + histograms.length - samplesMax;
  return (
    <span class="samples">
      {cut > 0 && (
        <span class="hint">{plural(cut, "table.earlierOne", "table.earlier", count(cut))}</span>
      )}
      {values.slice(-samplesMax).map(([at, v]) => (
        <span key={at}>
          {v} <span class="sample-at">@ {formatTime(at * 1000, zone.value, true)}</span>
        </span>
      ))}
      {histograms.slice(-samplesMax).map(([at, h]) => (
        <span key={at}>
          {t("histogram.short", { count: h.count, sum: h.sum })}{" "}
          <span class="sample-at">@ {formatTime(at * 1000, zone.value, true)}</span>
        </span>
      ))}
    </span>
  );
}

const brackets = ["(]", "[)", "()", "[]"] as const;

function Histogram({ value }: { readonly value: HistogramValue }) {
  const buckets = value.buckets ?? [];
  const largest = Math.max(0, ...buckets.map((b) => Number(b[3])));
  return (
    <details class="histogram">
      <summary>{t("histogram.short", { count: value.count, sum: value.sum })}</summary>
      <div class="histogram-buckets">
        {buckets.map(([rule, from, to, n]) => {
          const [open, close] = brackets[rule] ?? "[]";
          return (
            <div class="bucket" key={`${from} ${to}`} title={`${open}${from}, ${to}${close}`}>
              <span>
                {open}
                {shortNumber(parseSample(from))}, {shortNumber(parseSample(to))}
                {close}
              </span>
              <span class="bucket-bar">
                <span style={{ width: `${largest === 0 ? 0 : (Number(n) / largest) * 100}%` }} />
              </span>
              <span>{n}</span>
            </div>
          );
        })}
      </div>
    </details>
  );
}
