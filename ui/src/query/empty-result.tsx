// What is shown instead of an empty table: that nothing was found, and checks that look for the reason.
import { useEffect, useState } from "preact/hooks";
import type { Finding } from "../doctor/diagnose.ts";
import { t } from "../text/t.ts";
import type { PanelAnswer, PanelModel } from "./panel-model.ts";
import { change } from "./panels.ts";

/** The words and the checks for an empty answer. */
export function EmptyResult({
  panel,
  answer,
}: {
  readonly panel: PanelModel;
  readonly answer: PanelAnswer;
}) {
  const [findings, setFindings] = useState<readonly Finding[]>([]);
  useEffect(() => {
    const abort = new AbortController();
    setFindings([]);
    void import("../doctor/diagnose.ts").then(({ diagnose }) =>
      diagnose(panel.state.value, answer, setFindings, abort.signal),
    );
    return () => abort.abort();
  }, [panel, answer]);
  return (
    <div class="empty" data-testid="empty-result">
      <p>
        <strong>{t("empty.title")}</strong>{" "}
        {answer.kind === "range" ? t("empty.range") : t("empty.instant")}
      </p>
      <ul class="checks">
        {findings.map((f) => {
          const { fix } = f;
          return (
            <li key={f.text} class={f.good ? "good" : "bad"}>
              <span aria-hidden="true">{f.good ? "✓" : "✗"}</span>
              <span>
                {f.text}{" "}
                {fix !== undefined && (
                  <button
                    type="button"
                    class="button small"
                    onClick={() => change(panel, fix.patch)}
                  >
                    {fix.label}
                  </button>
                )}
              </span>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
