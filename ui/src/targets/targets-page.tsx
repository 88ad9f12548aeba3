// Targets of all sidecars, by scrape pool, the unhealthy first.
import { useMemo, useState } from "preact/hooks";
import type { ActiveTarget } from "../api/types.ts";
import { usePageData } from "../components/page-data.ts";
import { DataNotices, PageHead } from "../components/page-head.tsx";
import { LabelChips, Notice } from "../components/small.tsx";
import { VirtualRows } from "../components/virtual-rows.tsx";
import { elapsed } from "../format/duration.ts";
import { groupBy } from "../format/group-by.ts";
import { formatLabels } from "../format/labels.ts";
import { count } from "../format/number.ts";
import { ago } from "../format/time.ts";
import { plural, t } from "../text/t.ts";

type Row =
  | { readonly pool: string; readonly up: number; readonly n: number }
  | { readonly target: ActiveTarget; readonly key: string };

const params = { state: "active" };

/** The list of targets. */
export function TargetsPage() {
  const data = usePageData<{ activeTargets: ActiveTarget[] | null }>("targets", 15_000, params);
  const [filter, setFilter] = useState("");
  const [onlyBad, setOnlyBad] = useState(false);
  const targets = useMemo(() => data.answer?.data?.activeTargets ?? [], [data.answer]);
  const rows = useMemo(() => toRows(targets, filter, onlyBad), [targets, filter, onlyBad]);
  const bad = targets.filter((x) => x.health.toLowerCase() !== "up").length;
  return (
    <>
      <PageHead
        title={t("nav.targets")}
        {...(data.answer === null
          ? {}
          : {
              summary: plural(
                targets.length,
                "targets.countOne",
                "targets.count",
                count(targets.length),
              ),
            })}
        filter={filter}
        setFilter={setFilter}
      >
        {bad > 0 && (
          <button
            type="button"
            class="button toggle"
            aria-pressed={onlyBad}
            onClick={() => setOnlyBad(!onlyBad)}
          >
            {t("targets.bad", { n: count(bad) })}
          </button>
        )}
      </PageHead>
      <DataNotices data={data} />
      {data.answer === null && data.error === null && <p class="hint">{t("loading")}</p>}
      {data.answer !== null && targets.length === 0 && (
        <Notice kind="quiet">{t("targets.none")}</Notice>
      )}
      {targets.length > 0 && rows.length === 0 && <p class="hint">{t("filter.nothing")}</p>}
      <div data-testid="targets">
        <VirtualRows
          items={rows}
          keyOf={(row) => ("pool" in row ? `# ${row.pool}` : row.key)}
          estimate={44}
          role="list"
          render={(row) =>
            "pool" in row ? (
              <div class="rule-group">
                <h2>{row.pool}</h2>
                <span class="hint">{t("targets.pool", { up: row.up, n: row.n })}</span>
              </div>
            ) : (
              <Target target={row.target} />
            )
          }
        />
      </div>
    </>
  );
}

function toRows(targets: readonly ActiveTarget[], filter: string, onlyBad: boolean): Row[] {
  const words = filter
    .toLowerCase()
    .split(/\s+/)
    .filter((w) => w !== "");
  const pools = groupBy(targets, (x) => x.scrapePool ?? x.labels["job"] ?? "");
  const rows: Row[] = [];
  for (const [pool, list] of [...pools.entries()].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const up = list.filter((x) => x.health.toLowerCase() === "up").length;
    const found = list
      .filter((x) => !onlyBad || x.health.toLowerCase() !== "up")
      .filter((x) => {
        const text =
          `${x.scrapeUrl} ${formatLabels(x.labels)} ${x.lastError ?? ""} ${x.health}`.toLowerCase();
        return words.every((word) => text.includes(word));
      })
      .sort(
        (a, b) => Number(a.health.toLowerCase() === "up") - Number(b.health.toLowerCase() === "up"),
      );
    if (found.length === 0) continue;
    rows.push({ pool, up, n: list.length });
    found.forEach((target, i) => {
      rows.push({ target, key: `${pool} ${i}` });
    });
  }
  return rows;
}

function Target({ target }: { readonly target: ActiveTarget }) {
  const health = target.health.toLowerCase();
  const state = health === "up" ? "up" : health === "down" ? "down" : "never";
  return (
    <div class="target" data-testid="target-row">
      <span class={`state state-${state}`}>
        <span class={`dot dot-${state}`} aria-hidden="true" />
        {health}
      </span>
      <span class="target-url">{target.scrapeUrl}</span>
      <span class="hint">
        {target.lastScrape !== undefined && ago(Date.parse(target.lastScrape), Date.now())}
        {target.lastScrapeDuration !== undefined &&
          ` · ${elapsed(target.lastScrapeDuration * 1000)}`}
      </span>
      <LabelChips labels={target.labels} />
      {target.lastError !== undefined && target.lastError !== "" && (
        <div class="rule-error">{target.lastError}</div>
      )}
    </div>
  );
}
