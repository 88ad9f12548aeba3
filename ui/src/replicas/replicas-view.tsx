// The replicas tab: which replica gave which sample, which gaps were filled, and whether the server merged alike.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import { Notice, SeriesName } from "../components/small.tsx";
import { readSelectors } from "../doctor/selectors.ts";
import { elapsed, formatDurationMs } from "../format/duration.ts";
import { formatLabels } from "../format/labels.ts";
import { formatClock, formatTime } from "../format/time.ts";
import { seriesColor } from "../graph/palette.ts";
import { AnswerNotices } from "../query/answer-notices.tsx";
import type { PanelModel } from "../query/panel-model.ts";
import { dark, zone } from "../state/settings.ts";
import { plural, t } from "../text/t.ts";
import { describeSpan } from "./describe-span.ts";
import { drawLanes, laneHeight } from "./draw-lanes.ts";
import { groupsMax, loadReplicas, type ReplicaData } from "./load.ts";
import {
  coverage,
  cutLane,
  cutMerged,
  firstDifference,
  type Gap,
  gapsOf,
  lanesWithin,
  mergeTraced,
  type ReplicaGroup,
  type ReplicaLane,
  spansOf,
} from "./trace.ts";

/** Functions under which penalty treats the samples as a counter. */
const counterCall = /\b(?:rate|irate|increase|resets)\s*\(/;
const spansMax = 50;

/** The tab of one panel. It asks for the raw samples of one selector of the expression. */
export function ReplicasView({ panel }: { readonly panel: PanelModel }) {
  const state = panel.state.value;
  const selectors = useMemo(() => readSelectors(state.expr), [state.expr]);
  const [chosen, setChosen] = useState(0);
  const selector = selectors[Math.min(chosen, selectors.length - 1)]?.text;
  const [data, setData] = useState<ReplicaData | null>(null);
  const [error, setError] = useState<string | null>(null);
  // A new run of the same expression asks again.
  const run = panel.run.value;
  useEffect(() => {
    if (selector === undefined) return;
    const abort = new AbortController();
    setError(null);
    loadReplicas(state, selector, abort.signal).then(setData, (failure: unknown) => {
      if (abort.signal.aborted) return;
      setData(null);
      setError(failure instanceof Error ? failure.message : String(failure));
    });
    return () => abort.abort();
  }, [state, selector, run]);
  if (selector === undefined) return <Notice kind="quiet">{t("replicas.noSelector")}</Notice>;
  return (
    <div class="replicas" data-testid="replicas">
      {selectors.length > 1 && (
        <label class="hint">
          {t("replicas.selector")}{" "}
          <select value={chosen} onChange={(e) => setChosen(Number(e.currentTarget.value))}>
            {selectors.map((s, i) => (
              <option key={s.text} value={i}>
                {s.text}
              </option>
            ))}
          </select>
        </label>
      )}
      {error !== null && (
        <Notice kind="error">
          <strong>{t("error.title")}</strong> {error}
        </Notice>
      )}
      {data === null && error === null && <p class="hint">{t("loading")}</p>}
      {data !== null && <Groups panel={panel} data={data} counter={counterCall.test(state.expr)} />}
    </div>
  );
}

function Groups(props: {
  readonly panel: PanelModel;
  readonly data: ReplicaData;
  readonly counter: boolean;
}) {
  const { data } = props;
  return (
    <>
      <AnswerNotices panel={props.panel} messages={data.messages} />
      {data.replicaLabels.length === 0 && <Notice kind="quiet">{t("replicas.noLabel")}</Notice>}
      {data.groups.length === 0 && <p class="hint">{t("replicas.none")}</p>}
      {data.groupCount > groupsMax && (
        <Notice kind="quiet">
          {t("replicas.limited", { n: groupsMax, all: data.groupCount })}
        </Notice>
      )}
      {data.groups.length > 0 && (
        <p class="hint">
          {t("replicas.legend", {
            func: data.func,
            zone: zone.value === "local" ? "" : zone.value,
          })}
        </p>
      )}
      {data.groups.map((group, i) => (
        <Group
          key={formatLabels(group.labels)}
          group={group}
          data={data}
          server={data.server[i] ?? null}
          counter={props.counter}
        />
      ))}
    </>
  );
}

function longest(gaps: readonly Gap[]): Gap[] {
  return [...gaps].sort((a, b) => b.toMs - b.fromMs - (a.toMs - a.fromMs)).slice(0, 3);
}

function whyGap(gap: Gap, lanes: readonly ReplicaLane[]): string {
  const names = lanesWithin(gap, lanes).map((lane) => lane.name);
  return names.length === 0
    ? t("replicas.gapAll")
    : t("replicas.gapHeld", { replicas: names.join(", ") });
}

function Group(props: {
  readonly group: ReplicaGroup;
  readonly data: ReplicaData;
  readonly server: ReplicaLane | null;
  readonly counter: boolean;
}) {
  const { group, data, server } = props;
  const { fromMs, toMs } = data;
  const canvas = useRef<HTMLCanvasElement>(null);
  const merged = useMemo(
    () => cutMerged(mergeTraced(group, data.func, props.counter), fromMs, toMs),
    [group, data.func, props.counter, fromMs, toMs],
  );
  const plain = useMemo(
    () => cutMerged(mergeTraced(group, data.func, false), fromMs, toMs),
    [group, data.func, fromMs, toMs],
  );
  const lanes = useMemo(
    () => group.lanes.map((lane) => cutLane(lane, fromMs, toMs)),
    [group, fromMs, toMs],
  );
  const spans = useMemo(() => spansOf(merged), [merged]);
  const darkNow = dark.value;
  useLayoutEffect(() => {
    const node = canvas.current;
    if (node === null) return;
    const line = getComputedStyle(node).getPropertyValue("--line-2");
    const draw = (): void => drawLanes(node, { lanes, merged, fromMs, toMs, dark: darkNow, line });
    draw();
    const watch = new ResizeObserver(draw);
    watch.observe(node);
    return () => watch.disconnect();
  }, [lanes, merged, fromMs, toMs, darkNow]);
  const [at, setAt] = useState<number | null>(null);
  const under = at === null ? undefined : spans.find((s) => s.fromMs <= at && s.toMs >= at);
  const firsts = lanes.flatMap((l) => l.times[0] ?? []);
  const lasts = lanes.flatMap((l) => l.times[l.times.length - 1] ?? []);
  const first = Math.min(...firsts);
  const last = Math.max(...lasts);
  const spacing = Math.min(...lanes.map((l) => l.spacingMs).filter((ms) => ms > 0), Infinity);
  const usual = Number.isFinite(spacing) ? spacing : 0;
  const share = (times: Float64Array, ms: number): string => {
    const part = coverage(gapsOf(times, ms, first, last), ms, first, last);
    return `${(Math.floor(part * 1000) / 10).toFixed(1)} %`;
  };
  const gapsLeft = gapsOf(merged.times, usual, first, last);
  const difference =
    server === null ? undefined : firstDifference(plain, cutLane(server, fromMs, toMs));
  return (
    <section class="replica-group">
      <h2>
        <SeriesName labels={group.labels} />
      </h2>
      <div class="lanes">
        <div class="lane-names">
          {lanes.map((lane, n) => (
            <div key={lane.name} style={{ height: `${laneHeight}px` }}>
              <span class="swatch" style={{ background: seriesColor(n, darkNow) }} />
              <bdi>{lane.name === "" ? t("replicas.unnamed") : lane.name}</bdi>
              <span class="hint">{share(lane.times, lane.spacingMs || usual)}</span>
            </div>
          ))}
          <div style={{ height: `${laneHeight}px` }}>
            <strong>{t("replicas.merged")}</strong>
            <span class="hint">{share(merged.times, usual)}</span>
          </div>
        </div>
        <canvas
          ref={canvas}
          style={{ height: `${(lanes.length + 1) * laneHeight}px` }}
          role="img"
          aria-label={t("replicas.picture", { n: lanes.length })}
          onMouseMove={(event) => {
            const box = event.currentTarget.getBoundingClientRect();
            setAt(fromMs + ((event.clientX - box.left) / box.width) * (toMs - fromMs));
          }}
          onMouseLeave={() => setAt(null)}
        />
      </div>
      <p class="lane-axis hint">
        <span>{formatTime(fromMs, zone.value)}</span>
        <span>{at === null ? "" : formatClock(at, zone.value)}</span>
        <span>{formatTime(toMs, zone.value)}</span>
      </p>
      <p class="lane-hover">
        {under === undefined ? "" : describeSpan(under, spans, lanes, zone.value)}
      </p>
      <p>
        {plural(Math.max(0, spans.length - 1), "replicas.switchOne", "replicas.switch")}{" "}
        {gapsLeft.length === 0
          ? t("replicas.noGap")
          : plural(gapsLeft.length, "replicas.gapOne", "replicas.gap")}{" "}
        {longest(gapsLeft).map((gap) => (
          <span key={gap.fromMs}>
            {formatClock(gap.fromMs, zone.value)}–{formatClock(gap.toMs, zone.value)} (
            {elapsed(gap.toMs - gap.fromMs)}
            {", "}
            {whyGap(gap, lanes)}){" "}
          </span>
        ))}
        {difference === null && <span class="agree">✓ {t("replicas.same")}</span>}
        {difference !== undefined && difference !== null && (
          <span class="differ">
            ✗{" "}
            {t("replicas.differs", {
              time: formatTime(difference.atMs, zone.value, true),
              ours: difference.ours ?? t("graph.noSample"),
              theirs: difference.theirs ?? t("graph.noSample"),
            })}
          </span>
        )}
      </p>
      <details>
        <summary class="hint">
          {plural(spans.length, "replicas.spansOne", "replicas.spans")}
          {usual > 0 && ` · ${t("replicas.spacing", { time: formatDurationMs(usual) })}`}
        </summary>
        <ul class="plain spans">
          {spans.slice(0, spansMax).map((span) => (
            <li key={span.fromMs}>{describeSpan(span, spans, lanes, zone.value)}</li>
          ))}
        </ul>
        {spans.length > spansMax && (
          <p class="hint">{t("limited.rows", { n: spansMax, all: spans.length })}</p>
        )}
      </details>
    </section>
  );
}
