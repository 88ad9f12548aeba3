// What the reader of an answer must know: failures, missing stores, PromQL's remarks.
import { type Messages, messagePosition } from "../api/messages.ts";
import { Notice } from "../components/small.tsx";
import { plural, t } from "../text/t.ts";
import type { PanelModel } from "./panel-model.ts";
import { change } from "./panels.ts";

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
          <strong>{t("partial.title")}</strong>{" "}
          {plural(messages.missing.length, "partial.textOne", "partial.text")}
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
