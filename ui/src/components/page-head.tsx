// The head of a list page: title, summary, search box, and what is wrong with its data.
import type { ComponentChildren } from "preact";
import { useEffect } from "preact/hooks";
import { t } from "../text/t.ts";
import type { PageData } from "./page-data.ts";
import { Notice } from "./small.tsx";

/** Title and search box; sets the window's title. */
export function PageHead(props: {
  readonly title: string;
  readonly summary?: ComponentChildren;
  readonly filter?: string;
  readonly setFilter?: (text: string) => void;
  readonly placeholder?: string;
  readonly children?: ComponentChildren;
}) {
  const { title, setFilter } = props;
  useEffect(() => {
    document.title = `${title} · Deucalion`;
  }, [title]);
  return (
    <header class="page-head">
      <h1>{title}</h1>
      {props.summary !== undefined && <p class="hint">{props.summary}</p>}
      {props.children}
      {setFilter !== undefined && (
        <input
          type="search"
          class="search"
          placeholder={props.placeholder ?? t("filter.placeholder")}
          aria-label={props.placeholder ?? t("filter.placeholder")}
          value={props.filter ?? ""}
          data-testid="filter"
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
      )}
    </header>
  );
}

/** The failure of the newest reading, and the stores that its answer lacks. */
export function DataNotices({ data }: { readonly data: PageData<unknown> }) {
  const missing = data.answer?.messages.missing ?? [];
  return (
    <>
      {data.error !== null && (
        <Notice kind="error">
          <strong>{t("page.failed")}</strong> {data.error}
        </Notice>
      )}
      {missing.length > 0 && (
        <Notice kind="partial" testId="partial-bar">
          <strong>{t("partial.title")}</strong> {t("page.partial")}
          <ul class="plain">
            {missing.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        </Notice>
      )}
    </>
  );
}
