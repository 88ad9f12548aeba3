// Range, end and resolution of a graph; time of a table.
import { useEffect, useState } from "preact/hooks";
import { formatDurationMs, parseDurationMs } from "../format/duration.ts";
import { formatTime, parseTime } from "../format/time.ts";
import { zone } from "../state/settings.ts";
import { t } from "../text/t.ts";
import { stepMs } from "../url/panel-state.ts";
import type { PanelModel } from "./panel-model.ts";
import { change } from "./panels.ts";

const minute = 60_000;
const ranges = [
  1, 5, 15, 30, 60, 120, 360, 720, 1440, 2880, 10_080, 20_160, 40_320, 80_640, 262_080, 525_600,
].map((m) => m * minute);

/** The controls above a table or a graph. */
export function TimeControls({ panel }: { readonly panel: PanelModel }) {
  const state = panel.state.value;
  const graph = state.tab === "graph" || state.tab === "replicas";
  const longer = ranges.find((ms) => ms > state.rangeMs);
  const shorter = ranges.findLast((ms) => ms < state.rangeMs);
  const move = (sign: number): void => {
    const by = graph ? state.rangeMs / 2 : 60 * minute;
    change(panel, { endMs: Math.round((state.endMs ?? Date.now()) + sign * by) });
  };
  return (
    <div class="controls" data-testid="time-controls">
      {graph && (
        <span class="group">
          <button
            type="button"
            class="button icon"
            aria-label={t("time.shorter")}
            title={t("time.shorter")}
            disabled={shorter === undefined}
            onClick={() => shorter !== undefined && change(panel, { rangeMs: shorter })}
          >
            −
          </button>
          <Field
            name={t("time.range")}
            testId="range"
            value={formatDurationMs(state.rangeMs)}
            size={8}
            read={parseDurationMs}
            commit={(rangeMs) => change(panel, { rangeMs })}
          />
          <button
            type="button"
            class="button icon"
            aria-label={t("time.longer")}
            title={t("time.longer")}
            disabled={longer === undefined}
            onClick={() => longer !== undefined && change(panel, { rangeMs: longer })}
          >
            +
          </button>
        </span>
      )}
      <span class="group">
        <button
          type="button"
          class="button icon"
          aria-label={t("time.earlier")}
          title={t("time.earlier")}
          onClick={() => move(-1)}
        >
          ‹
        </button>
        <Field
          name={graph ? t("time.end") : t("time.at")}
          testId="end"
          value={state.endMs === null ? "" : formatTime(state.endMs, zone.value, true)}
          placeholder={t("time.now")}
          size={19}
          read={(text) => parseTime(text, zone.value)}
          commit={(endMs) => change(panel, { endMs })}
          clear={() => change(panel, { endMs: null })}
        />
        <button
          type="button"
          class="button icon"
          aria-label={t("time.later")}
          title={t("time.later")}
          onClick={() => move(1)}
        >
          ›
        </button>
        {state.endMs !== null && (
          <button type="button" class="button quiet" onClick={() => change(panel, { endMs: null })}>
            {t("time.toNow")}
          </button>
        )}
      </span>
      {state.endMs === null && state.tab !== "replicas" && (
        <select
          aria-label={t("time.refresh")}
          title={t("time.refresh")}
          data-testid="refresh"
          value={String(state.refreshMs)}
          onChange={(event) =>
            change(panel, { refreshMs: Number(event.currentTarget.value) }, false)
          }
        >
          <option value="0">{t("time.noRefresh")}</option>
          {[...new Set([5_000, 15_000, 30_000, 60_000, 300_000, state.refreshMs])]
            .filter((ms) => ms > 0)
            .map((ms) => (
              <option key={ms} value={String(ms)}>
                {t("time.every", { time: formatDurationMs(ms) })}
              </option>
            ))}
        </select>
      )}
      {state.tab === "graph" && <GraphControls panel={panel} />}
    </div>
  );
}

function GraphControls({ panel }: { readonly panel: PanelModel }) {
  const state = panel.state.value;
  const { resolution } = state;
  const fixed = resolution.kind === "fixed";
  return (
    <>
      <span class="group">
        <select
          aria-label={t("step.name")}
          title={t("step.name")}
          data-testid="step-kind"
          value={fixed ? "fixed" : resolution.density}
          onChange={(event) => {
            const kind = event.currentTarget.value;
            if (kind === "fixed") {
              change(panel, { resolution: { kind, stepMs: stepMs(state) } });
            } else if (kind === "low" || kind === "medium" || kind === "high") {
              change(panel, { resolution: { kind: "auto", density: kind } });
            }
          }}
        >
          <option value="low">{t("step.low")}</option>
          <option value="medium">{t("step.medium")}</option>
          <option value="high">{t("step.high")}</option>
          <option value="fixed">{t("step.fixed")}</option>
        </select>
        {fixed && (
          <Field
            name={t("step.step")}
            testId="step"
            value={formatDurationMs(resolution.stepMs)}
            size={5}
            read={parseDurationMs}
            commit={(ms) => change(panel, { resolution: { kind: "fixed", stepMs: ms } })}
          />
        )}
      </span>
      <span class="group">
        <button
          type="button"
          class="button toggle"
          aria-pressed={state.stacked}
          data-testid="stacked"
          onClick={() => change(panel, { stacked: !state.stacked }, false)}
        >
          {t("graph.stacked")}
        </button>
        <button
          type="button"
          class="button toggle"
          aria-pressed={state.fromZero}
          data-testid="from-zero"
          onClick={() => change(panel, { fromZero: !state.fromZero }, false)}
        >
          {t("graph.fromZero")}
        </button>
      </span>
    </>
  );
}

/** A text field that commits on Enter or when it is left, and marks text that it cannot read. */
function Field(props: {
  readonly name: string;
  readonly testId: string;
  readonly value: string;
  readonly size: number;
  readonly placeholder?: string;
  readonly read: (text: string) => number | null;
  readonly commit: (value: number) => void;
  readonly clear?: () => void;
}) {
  const [text, setText] = useState(props.value);
  useEffect(() => setText(props.value), [props.value]);
  const value = props.read(text);
  const wrong = text.trim() === "" ? props.clear === undefined : value === null;
  const commit = (): void => {
    if (text === props.value) return;
    if (text.trim() === "" && props.clear !== undefined) props.clear();
    else if (value !== null) props.commit(value);
  };
  return (
    <input
      class="field"
      aria-label={props.name}
      title={props.name}
      aria-invalid={wrong}
      data-testid={props.testId}
      size={props.size}
      value={text}
      placeholder={props.placeholder ?? ""}
      onInput={(event) => setText(event.currentTarget.value)}
      onBlur={commit}
      onKeyDown={(event) => {
        if (event.key === "Enter") commit();
        if (event.key === "Escape") setText(props.value);
      }}
    />
  );
}
