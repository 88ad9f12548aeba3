// Which page is shown. Old addresses of Prometheus and Thanos lead to the same pages.
import { signal } from "@preact/signals";
import { answersQueries, baseUrl } from "../config.ts";

/** The pages of the app. */
export type Page =
  | "query"
  | "explore"
  | "alerts"
  | "rules"
  | "stores"
  | "targets"
  | "status"
  | "elsewhere";

const pages: Readonly<Record<string, Page>> = {
  "": "query",
  "index.html": "query",
  query: "query",
  graph: "query",
  explore: "explore",
  alerts: "alerts",
  rules: "rules",
  stores: "stores",
  targets: "targets",
  status: "status",
  flags: "status",
  config: "status",
};

function pageOf(pathname: string): Page {
  const name = pathname.split("/").pop() ?? "";
  const found = pages[name] ?? "elsewhere";
  return found === "query" && !answersQueries ? "alerts" : found;
}

/** The page at the current address. */
export const page = signal<Page>(pageOf(location.pathname));
/** The query string at the current address; pages that keep state in it listen here. */
export const search = signal(location.search);

/** The link to a page; works below any path prefix. */
export function href(name: string): string {
  return new URL(name, baseUrl).pathname;
}

function read(): void {
  search.value = location.search;
  page.value = pageOf(location.pathname);
}

/** Goes to a page of this app, with an entry in the browser's history. */
export function navigate(url: string): void {
  history.pushState(null, "", url);
  read();
}

/** Changes the query string of the current page; `push` makes an entry in the browser's history. */
export function setSearch(text: string, push: boolean): void {
  if (text === location.search) return;
  const url = location.pathname + text;
  if (push) history.pushState(null, "", url);
  else history.replaceState(null, "", url);
  search.value = location.search;
}

/** Starts to follow back, forward, and clicks on links of this app. */
export function startRouter(): void {
  addEventListener("popstate", read);
  document.addEventListener("click", (event) => {
    if (event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link === null || link.target !== "" || link.hasAttribute("download")) return;
    const url = new URL(link.href);
    if (url.origin !== location.origin || !url.pathname.startsWith(baseUrl.pathname)) return;
    const rest = url.pathname.slice(baseUrl.pathname.length);
    if (rest.includes("/") || pages[rest] === undefined) return;
    if (url.hash !== "" && url.pathname === location.pathname) return;
    event.preventDefault();
    navigate(url.pathname + url.search);
    scrollTo(0, 0);
  });
}
