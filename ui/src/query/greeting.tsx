// What a newcomer sees before the first question, and the explanation of why no question can be answered.
import { useEffect, useState } from "preact/hooks";
import { call } from "../api/client.ts";
import type { Endpoint } from "../api/types.ts";
import { Notice } from "../components/small.tsx";
import { ago, formatTime } from "../format/time.ts";
import { href } from "../state/router.ts";
import { zone } from "../state/settings.ts";
import { endpoints, endpointsError, replicaLabels } from "../state/stores.ts";
import { totalRange } from "../stores/endpoints-model.ts";
import type { TextKey } from "../text/en.ts";
import { plural, t, tx } from "../text/t.ts";
import type { PanelModel } from "./panel-model.ts";
import { change } from "./panels.ts";

/** Data that ends longer ago than this is asked for at its end instead of now. */
const oldMs = 10 * 60_000;

/** The greeting, or the words for a querier without any store. */
export function Greeting({ panel }: { readonly panel: PanelModel }) {
  const list = endpoints.value;
  if (list === null) {
    return endpointsError.value === null ? null : (
      <Notice kind="error">{t("stores.unreadable", { error: endpointsError.value })}</Notice>
    );
  }
  const up = list.filter((e) => e.state === "up");
  if (up.length === 0) return <NoStores list={list} />;
  const range = totalRange(list);
  const old = range !== undefined && range.to !== null && Date.now() - range.to > oldMs;
  const day = (ms: number): string => formatTime(ms, zone.value).slice(0, 16);
  const span =
    range === undefined
      ? ""
      : t(range.from === null ? "greet.spanAll" : "greet.span", {
          from: range.from === null ? "" : day(range.from),
          to: range.to === null || !old ? t("greet.now") : day(range.to),
        });
  const labels = replicaLabels.value ?? [];
  return (
    <section class="greeting" data-testid="greeting">
      <h2>{t("greet.title")}</h2>
      <p>
        {plural(list.length, "greet.storesOne", "greet.stores")}
        {up.length < list.length ? ` ${t("greet.answering", { n: up.length })}` : ""}
        {span === "" ? "." : ` ${span}`}{" "}
        {labels.length > 0
          ? tx("greet.merged", {
              labels: labels.flatMap((name, i) => [
                i > 0 ? ", " : "",
                <code key={name}>{name}</code>,
              ]),
            })
          : t("greet.notMerged")}
      </p>
      <Starters panel={panel} endMs={old ? (range.to ?? null) : null} />
      <p class="hint">
        {tx("greet.keys", {
          enter: <kbd>Enter</kbd>,
          shift: <kbd>Shift+Enter</kbd>,
          help: <kbd>?</kbd>,
        })}
      </p>
    </section>
  );
}

const starters: ReadonlyArray<{ expr: string; metric: string; text: TextKey; graph?: boolean }> = [
  { expr: "up", metric: "up", text: "greet.up" },
  { expr: "count by (job) (up)", metric: "up", text: "greet.count" },
];

/** Starters are offered only if their metric exists; without any, the first metrics there are take their place. */
function Starters({ panel, endMs }: { readonly panel: PanelModel; readonly endMs: number | null }) {
  const [names, setNames] = useState<readonly string[] | null>(null);
  useEffect(() => {
    const abort = new AbortController();
    const end = endMs ?? Date.now();
    const list = async (match: readonly string[]): Promise<string[]> =>
      (
        await call<string[]>(
          "label/__name__/values",
          { "match[]": match, limit: 3, start: (end - 3_600_000) / 1000, end: end / 1000 },
          { signal: abort.signal },
        )
      ).data ?? [];
    void (async () => {
      try {
        const found = await list(['{__name__="up"}']);
        setNames(found.length > 0 ? found : await list([]));
      } catch {
        // No starter is better than one that fails.
        if (!abort.signal.aborted) setNames([]);
      }
    })();
    return () => abort.abort();
  }, [endMs]);
  const known = starters.filter((s) => names?.includes(s.metric) === true);
  const run = (expr: string): void => change(panel, { expr, endMs });
  return (
    <ul class="starters">
      {known.map((s) => (
        <li key={s.expr}>
          <button type="button" class="starter" onClick={() => run(s.expr)}>
            <code>{s.expr}</code>
            <span>{t(s.text)}</span>
          </button>
        </li>
      ))}
      {known.length === 0 &&
        (names ?? []).slice(0, 2).map((name) => (
          <li key={name}>
            <button type="button" class="starter" onClick={() => run(name)}>
              <code>{name}</code>
              <span>{t("greet.metric")}</span>
            </button>
          </li>
        ))}
      <li>
        <a class="starter" href={href("explore")}>
          <strong>{t("greet.browse")}</strong>
          <span>{t("greet.browseText")}</span>
        </a>
      </li>
    </ul>
  );
}

function NoStores({ list }: { readonly list: readonly Endpoint[] }) {
  const now = Date.now();
  return (
    <Notice kind="partial" testId="no-stores">
      <strong>{t("nostore.title")}</strong>{" "}
      {list.length === 0
        ? t("nostore.none")
        : plural(list.length, "nostore.textOne", "nostore.text")}
      {list.length > 0 && (
        <>
          <ul class="plain">
            {list.map((e) => (
              <li key={e.address}>
                <code>{e.address}</code> {e.lastError ?? t("stores.never")}
                {e.lastCheckMs !== null &&
                  `, ${t("nostore.last", { ago: ago(e.lastCheckMs, now) })}`}
              </li>
            ))}
          </ul>
          {t("nostore.hint")}
        </>
      )}
    </Notice>
  );
}
