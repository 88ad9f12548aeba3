// One panel of the query page: expression, options, tabs, answer.
import { useSignal } from "@preact/signals";
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client.ts";
import { noMessages } from "../api/messages.ts";
import type { MatrixSeries } from "../api/types.ts";
import { CopyButton, download, Notice, Popover, Tabs } from "../components/small.tsx";
import { suggestionsCut, suggestionsMax } from "../editor/completion-client.ts";
import { elapsed, formatDurationMs } from "../format/duration.ts";
import { count } from "../format/number.ts";
import { formatClock } from "../format/time.ts";
import { forgetHistory, history, zone } from "../state/settings.ts";
import { plural, t } from "../text/t.ts";
import type { PanelTab } from "../url/panel-state.ts";
import { AnswerNotices, FailureNotice } from "./answer-notices.tsx";
import { toCsv } from "./csv.ts";
import { EmptyResult } from "./empty-result.tsx";
import { Expression } from "./expression.tsx";
import { Greeting } from "./greeting.tsx";
import { OptionsSentence } from "./options-sentence.tsx";
import { type PanelAnswer, type PanelModel, sampleCount, seriesCount } from "./panel-model.ts";
import { addPanel, change, removePanel, runDraft } from "./panels.ts";
import { RawView } from "./raw-view.tsx";
import { ResultTable } from "./result-table.tsx";
import { TimeControls } from "./time-controls.tsx";

interface Props {
  readonly panel: PanelModel;
  readonly index: number;
  readonly alone: boolean;
}

/** A panel. The first one takes the keyboard when it is empty. */
export function QueryPanel({ panel, index, alone }: Props) {
  const state = panel.state.value;
  const run = panel.run.value;
  const running = run.state === "running";
  useRefresh(panel, state.endMs === null && state.tab !== "replicas" ? state.refreshMs : 0);
  const answer = run.state === "done" ? run.answer : running ? run.before : null;
  const fresh = state.expr === "" && run.state === "idle";
  const incomplete = (answer?.messages ?? noMessages).missing.length > 0;
  const [focus] = useState(index === 0 && state.expr === "");
  const mark = (tab: PanelTab, text: string) => (
    <>
      {text}
      {incomplete && tab === state.tab && (
        <span class="tab-mark" title={t("partial.title")}>
          {" "}
          ⚠
        </span>
      )}
    </>
  );
  return (
    <section class="panel" aria-label={t("query.panel", { n: index + 1 })} data-testid="panel">
      <div class="ask">
        <Expression panel={panel} focus={focus} />
        <div class="ask-actions">
          <History panel={panel} />
          <PanelMenu panel={panel} alone={alone} />
          {running ? (
            <button
              type="button"
              class="button primary"
              data-testid="cancel"
              onClick={() => panel.cancel()}
            >
              {t("query.cancel")}
            </button>
          ) : (
            <button
              type="button"
              class="button primary"
              data-testid="run"
              onClick={() => runDraft(panel)}
            >
              {t("query.run")}
            </button>
          )}
        </div>
      </div>
      {suggestionsCut.value && panel.draft.value !== state.expr && (
        <p class="hint cut-note">{t("query.cutNames", { n: count(suggestionsMax) })}</p>
      )}
      <OptionsSentence panel={panel} />
      {fresh ? (
        <Greeting panel={panel} />
      ) : (
        <>
          <div class="panel-bar">
            <Tabs<PanelTab>
              name={t("query.view")}
              chosen={state.tab}
              choose={(tab) => chooseTab(panel, tab)}
              tabs={[
                ["table", mark("table", t("tab.table"))],
                ["graph", mark("graph", t("tab.graph"))],
                ["replicas", t("tab.replicas")],
                ["raw", mark("raw", t("tab.raw"))],
              ]}
            />
            <TimeControls panel={panel} />
          </div>
          <div class={`progress ${running ? "on" : ""}`} aria-hidden="true" />
          <div class={running ? "answer stale" : "answer"} aria-busy={running}>
            {state.tab === "replicas" ? (
              <ReplicasTab panel={panel} />
            ) : (
              <>
                {run.state === "failed" && (
                  <FailureNotice
                    message={run.message}
                    expr={run.expr}
                    type={run.type}
                    retry={() => void panel.ask()}
                  />
                )}
                {answer !== null && <Answer panel={panel} answer={answer} />}
                {answer === null && running && <Waiting sinceMs={run.sinceMs} />}
              </>
            )}
          </div>
        </>
      )}
    </section>
  );
}

/** Asks again every `everyMs` while the page is visible and no question runs. */
function useRefresh(panel: PanelModel, everyMs: number): void {
  useEffect(() => {
    if (everyMs === 0) return;
    const timer = setInterval(() => {
      if (!document.hidden && panel.run.value.state !== "running") void panel.ask();
    }, everyMs);
    return () => clearInterval(timer);
  }, [panel, everyMs]);
}

/** Another tab needs another question only if it shows another kind of answer. */
function chooseTab(panel: PanelModel, tab: PanelTab): void {
  const run = panel.run.value;
  const kind = tab === "graph" ? "range" : tab === "table" ? "instant" : null;
  const has = run.state === "done" ? run.answer.kind : null;
  change(panel, { tab }, kind === null ? has === null && tab === "raw" : has !== kind);
}

function Waiting({ sinceMs }: { readonly sinceMs: number }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 200);
    return () => clearInterval(timer);
  }, []);
  const ms = now - sinceMs;
  return <p class="hint waiting">{ms < 400 ? " " : t("query.running", { time: elapsed(ms) })}</p>;
}

function Answer({ panel, answer }: { readonly panel: PanelModel; readonly answer: PanelAnswer }) {
  const state = panel.state.value;
  const { data, messages } = answer;
  const missing = messages.missing;
  const series = seriesCount(data);
  return (
    <>
      <AnswerNotices panel={panel} messages={messages} />
      <div class="result-line" data-testid="result-line">
        <span>
          {plural(series, "result.seriesOne", "result.series", count(series))}
          {" · "}
          {elapsed(answer.ms)}
          {answer.kind === "range" && (
            <>
              {" · "}
              {t("result.samples", {
                n: count(sampleCount(data)),
                step: formatDurationMs(answer.stepMs),
              })}
            </>
          )}
          {" · "}
          {t("result.at", { time: formatClock(answer.endMs, zone.value) })}
        </span>
        <span class="result-actions">
          <button
            type="button"
            class="button quiet"
            data-testid="csv"
            onClick={() =>
              download(
                missing.length > 0 ? "query-incomplete.csv" : "query.csv",
                "text/csv",
                toCsv(data, missing),
              )
            }
          >
            {t("result.csv")}
          </button>
          <button
            type="button"
            class="button quiet"
            onClick={() =>
              download(
                "query.json",
                "application/json",
                JSON.stringify({ data, messages }, null, 1),
              )
            }
          >
            {t("result.json")}
          </button>
          <CopyButton text={() => location.href} label={t("copy.link")} />
        </span>
      </div>
      {state.tab === "raw" ? (
        <RawView answer={answer} />
      ) : series === 0 ? (
        <EmptyResult panel={panel} answer={answer} />
      ) : state.tab === "graph" && answer.kind === "range" && data.resultType === "matrix" ? (
        <LazyGraph panel={panel} answer={answer} series={data.result} />
      ) : (
        <ResultTable data={data} />
      )}
    </>
  );
}

function LazyGraph(props: {
  readonly panel: PanelModel;
  readonly answer: PanelAnswer;
  readonly series: readonly MatrixSeries[];
}) {
  type View = typeof import("../graph/graph-view.tsx").GraphView;
  const [View, setView] = useState<View | null>(null);
  useEffect(() => {
    void import("../graph/graph-view.tsx").then((module) => setView(() => module.GraphView));
  }, []);
  if (View === null) return <div class="chart-space" />;
  const { panel, answer } = props;
  return (
    <View
      series={props.series}
      startMs={answer.startMs}
      endMs={answer.endMs}
      stepMs={answer.stepMs}
      stacked={panel.state.value.stacked}
      fromZero={panel.state.value.fromZero}
      incomplete={answer.messages.missing.length > 0}
      zoom={(fromMs, toMs) => {
        // Whole seconds read better in the controls; a very short range keeps its milliseconds.
        const grain = toMs - fromMs > 30_000 ? 1000 : 1;
        const round = (ms: number): number => Math.round(ms / grain) * grain;
        change(panel, {
          endMs: round(toMs),
          rangeMs: Math.max(1000, round(toMs) - round(fromMs)),
        });
      }}
    />
  );
}

function ReplicasTab({ panel }: { readonly panel: PanelModel }) {
  const [View, setView] = useState<ComponentType<{ panel: PanelModel }> | null>(null);
  useEffect(() => {
    void import("../replicas/replicas-view.tsx").then((m) => setView(() => m.ReplicasView));
  }, []);
  return View === null ? null : <View panel={panel} />;
}

function History({ panel }: { readonly panel: PanelModel }) {
  return (
    <Popover label={t("history.label")} name={t("history.name")} align="end">
      {(close) =>
        history.value.length === 0 ? (
          <p class="hint">{t("history.empty")}</p>
        ) : (
          <div class="history">
            <ul class="plain">
              {history.value.map((expr) => (
                <li key={expr}>
                  <button
                    type="button"
                    class="history-row"
                    title={expr}
                    onClick={() => {
                      close();
                      change(panel, { expr });
                    }}
                  >
                    <code>{expr}</code>
                  </button>
                </li>
              ))}
            </ul>
            <button type="button" class="button quiet" onClick={forgetHistory}>
              {t("history.forget")}
            </button>
          </div>
        )
      }
    </Popover>
  );
}

function PanelMenu({ panel, alone }: { readonly panel: PanelModel; readonly alone: boolean }) {
  const problem = useSignal("");
  const format = async (): Promise<void> => {
    try {
      const { data } = await call<string>(
        "format_query",
        { query: panel.draft.value },
        { post: true },
      );
      panel.draft.value = data;
      problem.value = "";
    } catch (error) {
      problem.value = error instanceof Error ? error.message : String(error);
    }
  };
  return (
    <>
      <Popover label="⋯" name={t("query.menu")} class="button quiet icon" align="end">
        {(close) => {
          const item = (label: string, act: () => void, off = false) => (
            <button
              type="button"
              class="menu-item"
              disabled={off}
              onClick={() => {
                close();
                act();
              }}
            >
              {label}
            </button>
          );
          return (
            <div class="menu">
              {item(t("query.format"), () => void format(), panel.draft.value.trim() === "")}
              {item(t("query.duplicate"), () => addPanel(panel, true))}
              {item(alone ? t("query.clear") : t("query.remove"), () => removePanel(panel))}
            </div>
          );
        }}
      </Popover>
      {problem.value !== "" && (
        <div class="format-problem">
          <Notice kind="warning">{problem.value}</Notice>
        </div>
      )}
    </>
  );
}
