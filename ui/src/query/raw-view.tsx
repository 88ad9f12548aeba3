// The raw tab: the answer as JSON.
import { useMemo } from "preact/hooks";
import { CopyButton, Notice } from "../components/small.tsx";
import { formatBytes } from "../format/number.ts";
import { t } from "../text/t.ts";
import type { PanelAnswer } from "./panel-model.ts";

const shownMax = 200_000;

/** The data of an answer, indented; a long one is cut on screen, never in the copy. */
export function RawView({ answer }: { readonly answer: PanelAnswer }) {
  const text = useMemo(() => JSON.stringify(answer.data, null, 2), [answer]);
  const cut = text.length > shownMax;
  return (
    <div class="raw">
      {cut && (
        <Notice kind="quiet">
          {t("raw.cut", { shown: formatBytes(shownMax), all: formatBytes(text.length) })}
        </Notice>
      )}
      <div class="raw-actions">
        <CopyButton text={() => text} label={t("copy.json")} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls, so the keyboard must reach it. */}
      <pre class="raw-text" data-testid="raw" tabIndex={0}>
        {cut ? `${text.slice(0, shownMax)}\n…` : text}
      </pre>
    </div>
  );
}
