// Explore: a searched list of metric names with type and help. The search runs on the server, with a limit.
import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client.ts";
import { PageHead } from "../components/page-head.tsx";
import { Notice } from "../components/small.tsx";
import { escapeRegex, formatLabels, quote } from "../format/labels.ts";
import { count } from "../format/number.ts";
import { queryLink } from "../rules/rules-page.tsx";
import { endpoints } from "../state/stores.ts";
import { totalRange } from "../stores/endpoints-model.ts";
import { plural, t } from "../text/t.ts";

const namesMax = 500;

interface Found {
  readonly names: readonly string[];
  readonly missing: readonly string[];
}

interface Metadata {
  readonly type: string;
  readonly help: string;
  readonly unit: string;
}

/** The list of metrics. */
export function ExplorePage() {
  const [filter, setFilter] = useState("");
  const [found, setFound] = useState<Found | null>(null);
  const [error, setError] = useState<string | null>(null);
  const [metadata, setMetadata] = useState<Readonly<Record<string, readonly Metadata[]>>>({});
  const [allTime, setAllTime] = useState(false);
  const range = totalRange(endpoints.value ?? []);
  const last = range?.to ?? null;
  // Old data is looked for where it ends, not in the last hour.
  const endMs = last !== null && last < Date.now() - 3_600_000 ? last : null;
  useEffect(() => {
    const abort = new AbortController();
    const word = filter.trim();
    const end = endMs ?? Date.now();
    const timer = setTimeout(
      async () => {
        try {
          const match = word === "" ? [] : [`{__name__=~${quote(`(?i).*${escapeRegex(word)}.*`)}}`];
          const time = allTime ? {} : { start: (end - 3_600_000) / 1000, end: end / 1000 };
          const answer = await call<string[]>(
            "label/__name__/values",
            { "match[]": match, limit: namesMax, ...time },
            { signal: abort.signal },
          );
          setFound({ names: answer.data ?? [], missing: answer.messages.missing });
          setError(null);
        } catch (failure) {
          if (!abort.signal.aborted)
            setError(failure instanceof Error ? failure.message : String(failure));
        }
      },
      word === "" ? 0 : 150,
    );
    return () => {
      clearTimeout(timer);
      abort.abort();
    };
  }, [filter, allTime, endMs]);
  useEffect(() => {
    const abort = new AbortController();
    call<Record<string, Metadata[]>>("metadata", { limit: 5000 }, { signal: abort.signal }).then(
      (answer) => setMetadata(answer.data ?? {}),
      () => undefined,
    );
    return () => abort.abort();
  }, []);
  const names = found?.names ?? [];
  const about = (name: string): Metadata | undefined =>
    (metadata[name] ?? metadata[name.replace(/_(?:count|sum|bucket|total)$/, "")])?.[0];
  return (
    <>
      <PageHead
        title={t("nav.explore")}
        {...(found === null
          ? {}
          : {
              summary: plural(
                names.length,
                "explore.countOne",
                "explore.count",
                count(names.length),
              ),
            })}
        filter={filter}
        setFilter={setFilter}
        placeholder={t("explore.filter")}
      />
      {error !== null && <Notice kind="error">{error}</Notice>}
      {(found?.missing.length ?? 0) > 0 && (
        <Notice kind="partial">
          <strong>{t("partial.title")}</strong> {t("page.partial")}
        </Notice>
      )}
      {names.length >= namesMax && (
        <Notice kind="quiet">{t("explore.cut", { n: count(namesMax) })}</Notice>
      )}
      {found !== null && names.length === 0 && (
        <Notice
          kind="quiet"
          {...(allTime
            ? {}
            : {
                actions: (
                  <button type="button" class="button small" onClick={() => setAllTime(true)}>
                    {t("explore.allTime")}
                  </button>
                ),
              })}
        >
          {t(allTime ? "explore.noneEver" : "explore.none", { word: filter.trim() })}
        </Notice>
      )}
      <ul class="plain metrics" data-testid="metrics">
        {names.map((name) => {
          const m = about(name);
          return (
            <li key={name}>
              <a
                href={
                  endMs === null
                    ? queryLink(formatLabels({ __name__: name }))
                    : oldLink(name, endMs)
                }
              >
                {name}
              </a>
              {m !== undefined && <span class="tag">{m.type}</span>}
              <span class="hint">{m?.help}</span>
            </li>
          );
        })}
      </ul>
    </>
  );
}

function oldLink(name: string, endMs: number): string {
  const end = encodeURIComponent(new Date(endMs).toISOString());
  return `${queryLink(formatLabels({ __name__: name }))}&g0.end_input=${end}&g0.moment_input=${end}`;
}
