// The query page: its panels, and the title that tells of an incomplete answer.
import { effect } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { t } from "../text/t.ts";
import { addPanel, panels } from "./panels.ts";
import { QueryPanel } from "./query-panel.tsx";

/** All panels, one below the other. */
export function QueryPage() {
  useEffect(
    () =>
      effect(() => {
        const incomplete = panels.value.some((panel) => {
          const run = panel.run.value;
          return run.state === "done" && run.answer.messages.missing.length > 0;
        });
        const expr = panels.value[0]?.state.value.expr ?? "";
        const name = expr === "" ? t("nav.query") : expr.slice(0, 60);
        document.title = `${incomplete ? "⚠ " : ""}${name} · Deucalion`;
      }),
    [],
  );
  return (
    <>
      <h1 class="visually-hidden">{t("nav.query")}</h1>
      {panels.value.map((panel, i) => (
        <QueryPanel key={panel.id} panel={panel} index={i} alone={panels.value.length === 1} />
      ))}
      <button
        type="button"
        class="button"
        data-testid="add-panel"
        onClick={() => addPanel(null, false)}
      >
        {t("query.add")}
      </button>
    </>
  );
}
