// The stores page: every configured endpoint with its state, labels, time range on a common axis, and error.
import { useEffect, useMemo, useState } from "preact/hooks";
import type { Endpoint } from "../api/types.ts";
import { LabelChips, Notice } from "../components/small.tsx";
import { VirtualRows } from "../components/virtual-rows.tsx";
import { groupBy } from "../format/group-by.ts";
import { formatLabels } from "../format/labels.ts";
import { ago, formatTime } from "../format/time.ts";
import { zone } from "../state/settings.ts";
import { endpoints, endpointsAtMs, endpointsError } from "../state/stores.ts";
import { plural, t } from "../text/t.ts";
import { boundedRange, hasData, sameLabels, totalRange } from "./endpoints-model.ts";

type Row = { readonly head: string; readonly n: number } | { readonly store: Endpoint };

/** The common axis of all bars, in milliseconds. */
interface Axis {
  readonly from: number;
  readonly to: number;
}

function matches(e: Endpoint, words: readonly string[]): boolean {
  const text = `${e.address} ${e.component} ${e.state} ${e.labelSets.map(formatLabels).join(" ")} ${
    e.lastError ?? ""
  }`.toLowerCase();
  return words.every((word) => text.includes(word));
}

/** The list, grouped by role. */
export function StoresPage() {
  const list = endpoints.value;
  const [filter, setFilter] = useState("");
  useEffect(() => {
    document.title = `${t("nav.stores")} · Deucalion`;
  }, []);
  const rows = useMemo(() => {
    const words = filter
      .toLowerCase()
      .split(/\s+/)
      .filter((w) => w !== "");
    const found = (list ?? []).filter((e) => matches(e, words));
    const groups = groupBy(found, (e) => e.component);
    return [...groups.entries()]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .flatMap(([component, stores]): Row[] => [
        { head: component, n: stores.length },
        ...stores.map((store) => ({ store })),
      ]);
  }, [list, filter]);
  const axis = useMemo(() => axisOf(list ?? []), [list]);
  const twins = useMemo(() => sameLabels(list ?? []), [list]);
  if (list === null) {
    return endpointsError.value === null ? (
      <p class="hint">{t("loading")}</p>
    ) : (
      <Notice kind="error">{t("stores.unreadable", { error: endpointsError.value })}</Notice>
    );
  }
  const up = list.filter((e) => e.state === "up").length;
  return (
    <>
      <header class="page-head">
        <h1>{t("nav.stores")}</h1>
        <p class="hint">
          {list.length === 0 ? t("stores.none") : t("stores.summary", { up, n: list.length })}{" "}
          {t("stores.read", { ago: ago(endpointsAtMs.value, Date.now()) })}
        </p>
        <input
          type="search"
          class="search"
          placeholder={t("stores.filter")}
          aria-label={t("stores.filter")}
          value={filter}
          data-testid="store-filter"
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
      </header>
      {endpointsError.value !== null && (
        <Notice kind="error">{t("stores.unreadable", { error: endpointsError.value })}</Notice>
      )}
      {twins.map(([a, b]) => (
        <Notice kind="warning" key={`${a.address} ${b.address}`}>
          {t("stores.twins", { a: a.address, b: b.address })}
        </Notice>
      ))}
      {list.length === 0 && <Notice kind="partial">{t("stores.noneHelp")}</Notice>}
      {list.length > 0 && rows.length === 0 && <p class="hint">{t("filter.nothing")}</p>}
      <div class="stores" data-testid="stores">
        <VirtualRows
          items={rows}
          keyOf={(row) => ("head" in row ? `# ${row.head}` : row.store.address)}
          estimate={92}
          role="list"
          render={(row) =>
            "head" in row ? (
              <div class="store-head">
                <h2>{row.head}</h2>
                <span class="hint">{plural(row.n, "stores.countOne", "stores.count")}</span>
              </div>
            ) : (
              <StoreRow store={row.store} axis={axis} />
            )
          }
        />
      </div>
      {axis !== null && <AxisLine axis={axis} />}
    </>
  );
}

function axisOf(list: readonly Endpoint[]): Axis | null {
  const range = totalRange(list);
  if (range === undefined) return null;
  const to = range.to === null ? Date.now() : Math.max(range.to, range.from ?? 0);
  const from = range.from ?? to - 86_400_000;
  return to > from ? { from, to } : { from: to - 3_600_000, to };
}

function StoreRow({ store, axis }: { readonly store: Endpoint; readonly axis: Axis | null }) {
  const { from, to } = boundedRange(store);
  const time = (ms: number): string => formatTime(ms, zone.value).slice(0, 16);
  const range = !hasData(store)
    ? t(store.state === "never" ? "stores.unknown" : "stores.noData")
    : `${from === null ? t("stores.always") : time(from)} – ${to === null ? t("greet.now") : time(to)}`;
  const hidden = store.labelSets.length - labelSetsMax;
  return (
    <div class={`store store-${store.state}`} data-testid="store-row">
      <div class="store-name">
        <span class={`state state-${store.state}`}>
          <span class={`dot dot-${store.state}`} aria-hidden="true" />
          {t(
            store.state === "up"
              ? "stores.up"
              : store.state === "down"
                ? "stores.down"
                : "stores.neverShort",
          )}
        </span>
        <bdi class="store-address">{store.address}</bdi>
        {store.strict && <span class="tag">{t("stores.strict")}</span>}
        <span class="hint">
          {store.lastCheckMs === null
            ? t("stores.neverChecked")
            : t("stores.checked", { ago: ago(store.lastCheckMs, Date.now()) })}
        </span>
      </div>
      <div class="store-labels">
        {store.labelSets.length === 0 && <span class="hint">{t("stores.noLabels")}</span>}
        {store.labelSets.slice(0, labelSetsMax).map((set) => (
          <LabelChips key={formatLabels(set)} labels={set} />
        ))}
        {hidden > 0 && (
          <details>
            <summary>{plural(hidden, "stores.moreSetsOne", "stores.moreSets")}</summary>
            {store.labelSets.slice(labelSetsMax).map((set) => (
              <LabelChips key={formatLabels(set)} labels={set} />
            ))}
          </details>
        )}
        {store.apis.length > 0 && <span class="hint apis">{store.apis.join(", ")}</span>}
      </div>
      <div class="store-range">
        <span class="hint">{range}</span>
        {axis !== null && hasData(store) && <Bar axis={axis} from={from} to={to} />}
      </div>
      {store.lastError !== null && <div class="store-error">{store.lastError}</div>}
    </div>
  );
}

const labelSetsMax = 6;

function Bar(props: {
  readonly axis: Axis;
  readonly from: number | null;
  readonly to: number | null;
}) {
  const { axis } = props;
  const at = (ms: number): number =>
    Math.min(100, Math.max(0, ((ms - axis.from) / (axis.to - axis.from)) * 100));
  const left = props.from === null ? 0 : at(props.from);
  const right = props.to === null ? 100 : at(props.to);
  // A short stretch of a long axis must still be seen.
  const width = Math.max(1, right - left);
  return (
    <span class="bar" aria-hidden="true">
      <span style={{ left: `${Math.min(left, 100 - width)}%`, width: `${width}%` }} />
    </span>
  );
}

function AxisLine({ axis }: { readonly axis: Axis }) {
  return (
    <p class="hint axis-line">
      {t("stores.axis", {
        from: formatTime(axis.from, zone.value).slice(0, 16),
        to: formatTime(axis.to, zone.value).slice(0, 16),
      })}
    </p>
  );
}
