// Alerts and Rules: dense, windowed lists of the same rows; details open on demand.
import { useMemo, useState } from "preact/hooks";
import type { Rule, RuleGroup } from "../api/types.ts";
import { usePageData } from "../components/page-data.ts";
import { DataNotices, PageHead } from "../components/page-head.tsx";
import { LabelChips, Notice } from "../components/small.tsx";
import { VirtualRows } from "../components/virtual-rows.tsx";
import { answersQueries, config } from "../config.ts";
import { elapsed, formatDurationMs } from "../format/duration.ts";
import { formatLabels } from "../format/labels.ts";
import { count } from "../format/number.ts";
import { ago } from "../format/time.ts";
import { href } from "../state/router.ts";
import { endpoints } from "../state/stores.ts";
import { plural, t } from "../text/t.ts";
import {
  activeSince,
  countStates,
  type RuleRow,
  ruleRows,
  ruleState,
  worstFirst,
} from "./rules-model.ts";

const everyMs = 15_000;
const instancesMax = 200;

/** The address that shows an expression on the query page. */
export function queryLink(expr: string): string {
  const params = `?g0.expr=${encodeURIComponent(expr)}&g0.tab=table`;
  return config.queryUrl === "" ? `${href("query")}${params}` : `${config.queryUrl}/graph${params}`;
}

/** `only` "alerting" makes it the page of alerts. */
export function RulesPage({ only }: { readonly only: "alerting" | "any" }) {
  const data = usePageData<{ groups: RuleGroup[] | null }>("rules", everyMs);
  const [filter, setFilter] = useState("");
  // Kept here and not in the rows: a row that is scrolled out of sight is forgotten.
  const [opened, setOpened] = useState<ReadonlySet<string>>(new Set());
  const toggle = (key: string): void => {
    const next = new Set(opened);
    if (!next.delete(key)) next.add(key);
    setOpened(next);
  };
  const [states, setStates] = useState<readonly string[]>([]);
  const groups = useMemo(() => {
    const list = data.answer?.data?.groups ?? [];
    return only === "alerting" ? worstFirst(list) : list;
  }, [data.answer, only]);
  const counts = useMemo(() => countStates(groups, only), [groups, only]);
  const rows = useMemo(
    () => ruleRows(groups, filter, states, only),
    [groups, filter, states, only],
  );
  const total = [...counts.values()].reduce((a, b) => a + b, 0);
  const alerts = only === "alerting";
  return (
    <>
      <PageHead
        title={alerts ? t("nav.alerts") : t("nav.rules")}
        {...(data.answer === null
          ? {}
          : { summary: plural(total, "rules.countOne", "rules.count", count(total)) })}
        filter={filter}
        setFilter={setFilter}
        placeholder={t("rules.filter")}
      >
        <fieldset class="filters">
          <legend class="visually-hidden">{t("rules.state")}</legend>
          {["firing", "pending", "inactive", "ok", "err"]
            .filter((state) => counts.has(state))
            .map((state) => (
              <button
                type="button"
                key={state}
                class={`button toggle state-${state}`}
                aria-pressed={states.includes(state)}
                onClick={() =>
                  setStates(
                    states.includes(state) ? states.filter((s) => s !== state) : [...states, state],
                  )
                }
              >
                {state} {count(counts.get(state) ?? 0)}
              </button>
            ))}
        </fieldset>
      </PageHead>
      <DataNotices data={data} />
      {data.answer === null && data.error === null && <p class="hint">{t("loading")}</p>}
      {data.answer !== null && total === 0 && <NoRules alerts={alerts} />}
      {total > 0 && rows.length === 0 && <p class="hint">{t("filter.nothing")}</p>}
      <div data-testid="rules">
        <VirtualRows
          items={rows}
          keyOf={(row) => row.key}
          estimate={38}
          role="list"
          class="rules"
          render={(row) => (
            <Row row={row} open={opened.has(row.key)} toggle={() => toggle(row.key)} />
          )}
        />
      </div>
    </>
  );
}

function NoRules({ alerts }: { readonly alerts: boolean }) {
  const rulers = (endpoints.value ?? []).filter(
    (e) => e.component === "rule" || e.component === "ruler",
  ).length;
  return (
    <Notice kind="quiet">
      {t(alerts ? "rules.noAlerts" : "rules.none")}{" "}
      {answersQueries && t("rules.rulers", { n: rulers })}
    </Notice>
  );
}

function Row(props: {
  readonly row: RuleRow;
  readonly open: boolean;
  readonly toggle: () => void;
}) {
  const { row, open } = props;
  if (row.kind === "group") {
    const { group } = row;
    return (
      <div class="rule-group">
        <h2>{group.name}</h2>
        <span class="hint">
          {group.file}
          {group.interval !== undefined &&
            ` · ${t("rules.every", { time: formatDurationMs(group.interval * 1000) })}`}
          {group.evaluationTime !== undefined && ` · ${elapsed(group.evaluationTime * 1000)}`}
          {group.partialResponseStrategy !== undefined && ` · ${group.partialResponseStrategy}`}
        </span>
      </div>
    );
  }
  const { rule } = row;
  const state = ruleState(rule);
  const since = activeSince(rule.alerts);
  const n = rule.alerts?.length ?? 0;
  return (
    <div class={`rule rule-${state}`} data-testid="rule-row">
      <button type="button" class="rule-line" aria-expanded={open} onClick={props.toggle}>
        <span class={`state state-${state}`}>
          <span class={`dot dot-${state}`} aria-hidden="true" />
          {state}
        </span>
        <span class="rule-name">{rule.name}</span>
        {n > 0 && <span class="tag">{n}</span>}
        {since !== null && <span class="hint">{ago(since, Date.now())}</span>}
        <LabelChips labels={rule.labels ?? {}} />
        {rule.health === "err" && <span class="tag tag-red">{t("rules.failing")}</span>}
      </button>
      {rule.lastError !== undefined && rule.lastError !== "" && (
        <div class="rule-error">{rule.lastError}</div>
      )}
      {open && <Details rule={rule} />}
    </div>
  );
}

function Details({ rule }: { readonly rule: Rule }) {
  const alerts = rule.alerts ?? [];
  return (
    <div class="rule-details">
      <a href={queryLink(rule.query)} title={t("rules.open")}>
        <code>{rule.query}</code>
      </a>
      <p class="hint">
        {rule.duration !== undefined && rule.duration > 0 && (
          <>{t("rules.for", { time: formatDurationMs(rule.duration * 1000) })} · </>
        )}
        {rule.evaluationTime !== undefined && (
          <>{t("rules.took", { time: elapsed(rule.evaluationTime * 1000) })} · </>
        )}
        {rule.lastEvaluation !== undefined &&
          !rule.lastEvaluation.startsWith("0001") &&
          t("rules.last", { ago: ago(Date.parse(rule.lastEvaluation), Date.now()) })}
      </p>
      <Pairs pairs={rule.annotations ?? {}} />
      {alerts.slice(0, instancesMax).map((alert) => (
        <div class="alert" key={formatLabels(alert.labels)}>
          <span class={`state state-${alert.state}`}>
            <span class={`dot dot-${alert.state}`} aria-hidden="true" />
            {alert.state}
          </span>
          <LabelChips labels={alert.labels} />
          <span class="hint">
            {alert.activeAt !== undefined && ago(Date.parse(alert.activeAt), Date.now())}
            {alert.value !== undefined && ` · ${alert.value}`}
          </span>
          <Pairs pairs={alert.annotations ?? {}} />
        </div>
      ))}
      {alerts.length > instancesMax && (
        <p class="hint">
          {t("limited.rows", { n: count(instancesMax), all: count(alerts.length) })}
        </p>
      )}
    </div>
  );
}

function Pairs({ pairs }: { readonly pairs: Readonly<Record<string, string>> }) {
  const list = Object.entries(pairs);
  if (list.length === 0) return null;
  return (
    <dl class="pairs">
      {list.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
