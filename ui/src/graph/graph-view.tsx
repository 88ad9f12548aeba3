// The graph tab: chart, tooltip and legend of one matrix. Loaded when first needed.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { MatrixSeries } from "../api/types.ts";
import { Notice, SeriesName } from "../components/small.tsx";
import { VirtualRows } from "../components/virtual-rows.tsx";
import { formatLabels } from "../format/labels.ts";
import { count } from "../format/number.ts";
import { formatTime } from "../format/time.ts";
import { dark, zone } from "../state/settings.ts";
import { t } from "../text/t.ts";
import { type Chart, drawChart } from "./chart.ts";
import { toColumns } from "./columns.ts";
import { seriesColor } from "./palette.ts";

/** At most this many lines are drawn unless the user asks for all. */
export const linesMax = 1000;

interface Props {
  readonly series: readonly MatrixSeries[];
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  readonly stacked: boolean;
  readonly fromZero: boolean;
  readonly incomplete: boolean;
  readonly zoom: (fromMs: number, toMs: number) => void;
}

interface Hover {
  readonly step: number;
  readonly series: number;
  readonly x: number;
  readonly y: number;
}

/** The graph of a range answer. */
export function GraphView(props: Props) {
  const [all, setAll] = useState(false);
  const drawn = useMemo(
    () => (all ? props.series : props.series.slice(0, linesMax)),
    [props.series, all],
  );
  const columns = useMemo(
    () => toColumns(drawn, props.startMs, props.endMs, props.stepMs),
    [drawn, props.startMs, props.endMs, props.stepMs],
  );
  const [shown, setShown] = useState<readonly boolean[]>([]);
  const [hover, setHover] = useState<Hover | null>(null);
  const box = useRef<HTMLDivElement>(null);
  const chart = useRef<Chart | null>(null);
  const zoom = useRef(props.zoom);
  zoom.current = props.zoom;
  const names = useMemo(() => drawn.map((s) => formatLabels(s.metric)), [drawn]);
  // The choice of lines stays as long as the series are the same ones.
  const identity = names.join("\n");
  useEffect(() => setShown([]), [identity]);

  const zoneNow = zone.value;
  const darkNow = dark.value;
  useLayoutEffect(() => {
    const parent = box.current;
    if (parent === null) return;
    const made = drawChart(parent, {
      times: columns.times,
      rows: columns.rows,
      shown,
      stacked: props.stacked,
      fromZero: props.fromZero,
      zone: zoneNow,
      dark: darkNow,
      height: innerWidth < 600 ? 260 : 360,
      zoomed: (from, to) => zoom.current(from, to),
      hovered: (step, series, x, y) =>
        setHover(step === null || series === null ? null : { step, series, x, y }),
    });
    chart.current = made;
    const watch = new ResizeObserver(() => made.resize(parent.clientWidth));
    watch.observe(parent);
    return () => {
      watch.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [columns, props.stacked, props.fromZero, zoneNow, darkNow]);
  useEffect(() => chart.current?.setShown(shown), [shown]);

  const choose = (n: number, event: MouseEvent): void => {
    const now = drawn.map((_s, i) => shown[i] ?? true);
    if (event.ctrlKey || event.metaKey) now[n] = !now[n];
    else {
      const alone = now.every((on, i) => on === (i === n));
      now.forEach((_on, i) => {
        now[i] = alone || i === n;
      });
    }
    setShown(now);
  };
  const onlyHistograms = columns.histogramSeries === drawn.length && drawn.length > 0;
  return (
    <div class="graph" data-testid="graph">
      {props.series.length > drawn.length && (
        <Notice
          kind="quiet"
          actions={
            <button type="button" class="button small" onClick={() => setAll(true)}>
              {t("limited.all")}
            </button>
          }
        >
          {t("graph.limited", { n: count(drawn.length), all: count(props.series.length) })}
        </Notice>
      )}
      {columns.histogramSeries > 0 && (
        <Notice kind="quiet">{t("graph.histograms", { n: count(columns.histogramSeries) })}</Notice>
      )}
      {columns.specialSamples > 0 && (
        <Notice kind="quiet">{t("graph.special", { n: count(columns.specialSamples) })}</Notice>
      )}
      <div class={`chart ${onlyHistograms ? "chart-empty" : ""}`}>
        {props.incomplete && <div class="chart-hatch" title={t("partial.title")} />}
        <div ref={box} role="img" aria-label={t("graph.label", { n: drawn.length })} />
        {hover !== null && <Tip hover={hover} columns={columns} series={drawn} box={box.current} />}
      </div>
      <VirtualRows
        items={drawn}
        keyOf={(_s, n) => n}
        estimate={24}
        maxHeight="14rem"
        role="list"
        class="legend"
        render={(s, n) => {
          const on = shown[n] ?? true;
          return (
            <button
              type="button"
              class={`legend-row ${on ? "" : "off"}`}
              aria-pressed={on}
              title={names[n]}
              onClick={(event) => choose(n, event)}
              onMouseEnter={() => chart.current?.highlight(n)}
              onMouseLeave={() => chart.current?.highlight(null)}
            >
              <span class="swatch" style={{ background: seriesColor(n, darkNow) }} />
              <SeriesName labels={s.metric} />
            </button>
          );
        }}
      />
      {drawn.length > 1 && <p class="hint">{t("graph.legendHint")}</p>}
    </div>
  );
}

function Tip(props: {
  readonly hover: Hover;
  readonly columns: { readonly times: number[]; readonly rows: Array<Array<number | null>> };
  readonly series: readonly MatrixSeries[];
  readonly box: HTMLElement | null;
}) {
  const { hover, columns } = props;
  const series = props.series[hover.series];
  const time = columns.times[hover.step];
  if (series === undefined || time === undefined) return null;
  const value = columns.rows[hover.series]?.[hover.step];
  const right = hover.x > (props.box?.clientWidth ?? 600) / 2;
  return (
    <div
      class="tip"
      style={{
        top: `${Math.max(0, hover.y - 12)}px`,
        ...(right
          ? { right: `${(props.box?.clientWidth ?? 0) - hover.x + 14}px` }
          : { left: `${hover.x + 14}px` }),
      }}
    >
      <div class="tip-time">{formatTime(time * 1000, zone.value, true)}</div>
      <div class="tip-value">
        <span class="swatch" style={{ background: seriesColor(hover.series, dark.value) }} />
        {value === null || value === undefined ? t("graph.noSample") : String(value)}
      </div>
      <SeriesName labels={series.metric} />
    </div>
  );
}
