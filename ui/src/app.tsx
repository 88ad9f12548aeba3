// Chooses the page for the address. Pages other than the query page are loaded when they are first opened.
import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Frame } from "./components/frame.tsx";
import { Notice } from "./components/small.tsx";
import { config } from "./config.ts";
import { QueryPage } from "./query/query-page.tsx";
import { href, type Page, page } from "./state/router.ts";
import { t } from "./text/t.ts";

const lazyPages: Partial<Record<Page, () => Promise<ComponentType>>> = {
  explore: async () => (await import("./explore/explore-page.tsx")).ExplorePage,
  alerts: async () => {
    const { RulesPage } = await import("./rules/rules-page.tsx");
    return () => <RulesPage only="alerting" />;
  },
  rules: async () => {
    const { RulesPage } = await import("./rules/rules-page.tsx");
    return () => <RulesPage only="any" />;
  },
  stores: async () => (await import("./stores/stores-page.tsx")).StoresPage,
  targets: async () => (await import("./targets/targets-page.tsx")).TargetsPage,
  status: async () => (await import("./status/status-page.tsx")).StatusPage,
};

/** The whole app. */
export function App() {
  const name = page.value;
  const load = lazyPages[name];
  return (
    <Frame>
      {name === "query" ? (
        <QueryPage />
      ) : load === undefined ? (
        <Elsewhere />
      ) : (
        <LazyPage key={name} load={load} />
      )}
    </Frame>
  );
}

function LazyPage({ load }: { readonly load: () => Promise<ComponentType> }) {
  const [Shown, setShown] = useState<ComponentType | null>(null);
  useEffect(() => {
    let gone = false;
    void load().then((component) => {
      if (!gone) setShown(() => component);
    });
    return () => {
      gone = true;
    };
  }, [load]);
  return Shown === null ? <p class="hint">{t("loading")}</p> : <Shown />;
}

function Elsewhere() {
  useEffect(() => {
    document.title = `${t("elsewhere.title")} · Deucalion`;
  }, []);
  return (
    <>
      <h1>{t("elsewhere.title")}</h1>
      <Notice kind="quiet">
        {t("elsewhere.text", { component: config.component })}{" "}
        <a href={href("query")}>{t("elsewhere.link")}</a>
      </Notice>
    </>
  );
}
