// What the reader of an answer must know: failures, missing stores, PromQL's remarks.
import { type Messages, messagePosition, namedAddresses } from "../api/messages.ts";
import { Notice } from "../components/small.tsx";
import { formatLabels } from "../format/labels.ts";
import { endpoints } from "../state/stores.ts";
import { plural, t, tx } from "../text/t.ts";
import type { PanelModel } from "./panel-model.ts";
import { change } from "./panels.ts";

/** At most this many names stand in a sentence; the details have all. */
const namesMax = 6;

/** The red box of a failed query, with the place marked if PromQL names one. */
export function FailureNotice(props: {
  readonly message: string;
  readonly expr: string;
  readonly type: string;
  readonly retry: () => void;
}) {
  const parse = props.type === "bad_data";
  const at = parse ? messagePosition(props.message) : null;
  const line = at === null ? undefined : props.expr.split("\n")[at.line - 1];
  return (
    <Notice
      kind="error"
      testId="query-error"
      actions={
        <button type="button" class="button small" onClick={props.retry}>
          {t("retry")}
        </button>
      }
    >
      <strong>{t("error.title")}</strong> {props.message}
      {at !== null && line !== undefined && (
        <pre class="caret">
          {line}
          {"\n"}
          {" ".repeat(Math.max(0, at.column - 1))}^
        </pre>
      )}
    </Notice>
  );
}

/** Everything that came with a good answer. The bar about missing data cannot be closed. */
export function AnswerNotices(props: { readonly panel: PanelModel; readonly messages: Messages }) {
  const { panel, messages } = props;
  return (
    <>
      {messages.missing.length > 0 && (
        <Notice
          kind="partial"
          testId="partial-bar"
          actions={
            <>
              <button type="button" class="button small" onClick={() => void panel.ask()}>
                {t("retry")}
              </button>
              <button
                type="button"
                class="button small"
                onClick={() => change(panel, { partial: false })}
              >
                {t("partial.fail")}
              </button>
            </>
          }
        >
          <strong>{t("partial.title")}</strong> <MissingWords missing={messages.missing} />
          <details open={messages.missing.length <= 3}>
            <summary>
              {plural(messages.missing.length, "partial.detailsOne", "partial.details")}
            </summary>
            <ul class="plain">
              {messages.missing.map((text) => (
                <li key={text}>{text}</li>
              ))}
            </ul>
          </details>
        </Notice>
      )}
      {messages.warnings.map((text) => (
        <Notice kind="warning" key={text}>
          {text}
        </Notice>
      ))}
      {messages.infos.map((text) => (
        <Notice kind="info" key={text}>
          {text}
        </Notice>
      ))}
      {messages.cut.map((text) => (
        <Notice kind="quiet" key={text}>
          {text}
        </Notice>
      ))}
    </>
  );
}

/** Which stores did not answer and what they would have had, as far as the texts name them. */
function MissingWords({ missing }: { readonly missing: readonly string[] }) {
  const list = endpoints.value ?? [];
  const named = namedAddresses(
    missing,
    list.map((e) => e.address),
  );
  if (named.length === 0) return plural(missing.length, "partial.textOne", "partial.text");
  const labels = list
    .filter((e) => named.includes(e.address))
    .flatMap((e) => e.labelSets.map(formatLabels));
  return (
    <>
      {tx(named.length === 1 ? "partial.storesOne" : "partial.stores", {
        n: named.length,
        all: list.length,
        names: named
          .slice(0, namesMax)
          .flatMap((name, i) => [i > 0 ? ", " : "", <code key={name}>{name}</code>]),
      })}{" "}
      {labels.length > 0 &&
        t("partial.labels", {
          labels: [...new Set(labels)].slice(0, namesMax).join(" "),
          more: labels.length > namesMax ? "…" : "",
        })}{" "}
      {t("partial.low")}
    </>
  );
}
