// The expression box: a plain text field at once, the editor in its place as soon as it is loaded.
import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { config } from "../config.ts";
import type { CodeEditor } from "../editor/code-editor.ts";
import { t } from "../text/t.ts";
import type { PanelModel } from "./panel-model.ts";
import { runDraft } from "./panels.ts";

/** The box of one panel. Typing changes the draft; Enter runs it. */
export function Expression({
  panel,
  focus,
}: {
  readonly panel: PanelModel;
  readonly focus: boolean;
}) {
  const box = useRef<HTMLDivElement>(null);
  const plain = useRef<HTMLTextAreaElement>(null);
  const editor = useRef<CodeEditor | null>(null);
  const [ready, setReady] = useState(false);

  useEffect(() => {
    let gone = false;
    void import("../editor/code-editor.ts").then(({ mountEditor }) => {
      if (gone || box.current === null) return;
      const typing = document.activeElement === plain.current;
      editor.current = mountEditor(box.current, panel.draft.value, {
        label: t("query.expression"),
        placeholder: t("query.placeholder"),
        nonce: config.cspNonce,
        state: () => panel.state.value,
        changed: (text) => {
          panel.draft.value = text;
        },
        run: () => runDraft(panel),
      });
      setReady(true);
      if (typing || focus) editor.current.focus();
    });
    return () => {
      gone = true;
      editor.current?.destroy();
      editor.current = null;
    };
  }, [panel, focus]);

  useSignalEffect(() => {
    // Read first: the effect follows only what it has read, and there may be no editor yet.
    const text = panel.draft.value;
    editor.current?.setText(text);
  });

  return (
    <div class="expression" data-testid="expression">
      <div ref={box} class="expression-editor" />
      {!ready && (
        <textarea
          ref={plain}
          class="expression-plain"
          rows={1}
          aria-label={t("query.expression")}
          placeholder={t("query.placeholder")}
          spellcheck={false}
          value={panel.draft.value}
          onInput={(event) => {
            panel.draft.value = event.currentTarget.value;
          }}
          onKeyDown={(event) => {
            if (event.key !== "Enter" || event.shiftKey) return;
            event.preventDefault();
            runDraft(panel);
          }}
        />
      )}
    </div>
  );
}
