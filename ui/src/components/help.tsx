// The list of keys, opened with "?".
import { useEffect, useRef } from "preact/hooks";
import { t } from "../text/t.ts";

/** A modal list of keys; Escape closes it. */
export function Help({ close }: { readonly close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const keys: ReadonlyArray<readonly [string, string]> = [
    ["Enter", t("key.run")],
    ["Shift+Enter", t("key.newline")],
    ["Ctrl+Space", t("key.complete")],
    ["Esc", t("key.escape")],
    ["/", t("key.focus")],
    ["?", t("key.help")],
    [t("key.drag"), t("key.zoom")],
    [t("key.click"), t("key.isolate")],
    [t("key.ctrlClick"), t("key.toggle")],
  ];
  return (
    <dialog
      ref={dialog}
      class="help"
      aria-label={t("help.title")}
      onClose={close}
      data-testid="help"
    >
      <h2>{t("help.title")}</h2>
      <dl class="keys">
        {keys.map(([key, text]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
      <button type="button" class="button" onClick={() => dialog.current?.close()}>
        {t("close")}
      </button>
    </dialog>
  );
}
