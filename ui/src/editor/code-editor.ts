// The PromQL editor: CodeMirror with Prometheus' own language, loaded when the page is already standing.
import {
  acceptCompletion,
  autocompletion,
  closeBrackets,
  closeBracketsKeymap,
  closeCompletion,
  completionKeymap,
  completionStatus,
  selectedCompletion,
} from "@codemirror/autocomplete";
import {
  defaultKeymap,
  history,
  historyKeymap,
  insertNewlineAndIndent,
} from "@codemirror/commands";
import {
  bracketMatching,
  HighlightStyle,
  indentOnInput,
  syntaxHighlighting,
} from "@codemirror/language";
import { lintKeymap } from "@codemirror/lint";
import { EditorState, Prec } from "@codemirror/state";
import { EditorView, keymap, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { newCompleteStrategy, PromQLExtension } from "@prometheus-io/codemirror-promql";
import { EqlRegex, EqlSingle, Neq, NeqRegex } from "@prometheus-io/lezer-promql";
import type { PanelState } from "../url/panel-state.ts";
import { CompletionClient, setMatchOperators } from "./completion-client.ts";

setMatchOperators([
  [EqlSingle, "="],
  [Neq, "!="],
  [EqlRegex, "=~"],
  [NeqRegex, "!~"],
]);

const highlight = HighlightStyle.define([
  { tag: tags.number, color: "var(--code-number)" },
  { tag: tags.string, color: "var(--code-string)" },
  { tag: tags.keyword, color: "var(--code-keyword)" },
  { tag: tags.function(tags.variableName), color: "var(--code-function)" },
  { tag: tags.labelName, color: "var(--code-label)" },
  { tag: tags.operator, color: "var(--code-operator)" },
  { tag: tags.modifier, color: "var(--code-keyword)" },
  { tag: tags.paren, color: "var(--ink-2)" },
  { tag: tags.squareBracket, color: "var(--ink-2)" },
  { tag: tags.brace, color: "var(--ink-2)" },
  { tag: tags.comment, color: "var(--ink-3)", fontStyle: "italic" },
  { tag: tags.invalid, color: "var(--red)" },
]);

const look = EditorView.theme({
  "&": { fontSize: "14px", backgroundColor: "transparent", color: "var(--ink)" },
  "&.cm-focused": { outline: "none" },
  ".cm-content": { fontFamily: "var(--mono)", padding: "9px 0", caretColor: "var(--accent)" },
  ".cm-line": { padding: "0 4px" },
  ".cm-scroller": { lineHeight: "1.5" },
  ".cm-placeholder": { color: "var(--ink-3)" },
  ".cm-cursor": { borderLeftColor: "var(--accent)" },
  "&.cm-focused > .cm-scroller .cm-selectionBackground, .cm-selectionBackground, ::selection": {
    backgroundColor: "var(--selection)",
  },
  "&.cm-focused .cm-matchingBracket": {
    backgroundColor: "var(--accent-soft)",
    outline: "1px solid var(--accent-line)",
  },
  "&.cm-focused .cm-nonmatchingBracket": { backgroundColor: "var(--red-soft)" },
  ".cm-tooltip": {
    backgroundColor: "var(--surface)",
    color: "var(--ink)",
    border: "1px solid var(--line-2)",
    borderRadius: "8px",
    boxShadow: "var(--shadow)",
    overflow: "hidden",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul": {
    fontFamily: "var(--mono)",
    fontSize: "13px",
    maxHeight: "18em",
  },
  ".cm-tooltip.cm-tooltip-autocomplete > ul > li": {
    padding: "3px 10px 3px 6px",
    lineHeight: "1.5",
  },
  ".cm-tooltip-autocomplete ul li[aria-selected]": {
    backgroundColor: "var(--accent-soft)",
    color: "var(--ink)",
  },
  ".cm-completionMatchedText": {
    textDecoration: "none",
    fontWeight: "700",
    color: "var(--accent-ink)",
  },
  ".cm-completionDetail": { fontStyle: "normal", color: "var(--ink-3)", fontSize: "12px" },
  ".cm-completionIcon": { opacity: "0.5" },
  ".cm-completionInfo": {
    padding: "8px 12px",
    fontSize: "13px",
    maxWidth: "26em",
    fontFamily: "var(--sans)",
  },
  ".cm-diagnostic": { fontFamily: "var(--sans)", fontSize: "13px", padding: "6px 10px" },
});

/** What the editor tells and asks of its panel. */
export interface CodeEditorHooks {
  readonly label: string;
  readonly placeholder: string;
  readonly nonce: string;
  readonly state: () => PanelState;
  readonly changed: (text: string) => void;
  readonly run: () => void;
}

/** A mounted editor. */
export interface CodeEditor {
  /** Replaces the text, unless it is the same. */
  setText(text: string): void;
  focus(): void;
  destroy(): void;
}

/** Mounts an editor into `parent`. Enter runs, Shift+Enter breaks the line. */
export function mountEditor(parent: HTMLElement, text: string, hooks: CodeEditorHooks): CodeEditor {
  const client = new CompletionClient(hooks.state);
  const inner = newCompleteStrategy({ remote: client, maxMetricsMetadata: 500 });
  const promql = new PromQLExtension().setComplete({
    completeStrategy: {
      promQL: async (context) => {
        client.lastCut = false;
        const result = await inner.promQL(context);
        if (result === null || !client.lastCut) return result;
        // A cut list must not be narrowed in the browser: each further letter asks the server again.
        const { validFor: _narrowed, ...open } = result;
        return open;
      },
      destroy: () => client.destroy(),
    },
  });
  const view = new EditorView({
    parent,
    state: EditorState.create({
      doc: text,
      extensions: [
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ "aria-label": hooks.label, spellcheck: "false" }),
        ...(hooks.nonce === "" ? [] : [EditorView.cspNonce.of(hooks.nonce)]),
        history(),
        indentOnInput(),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ icons: true, maxRenderedOptions: 100, defaultKeymap: false }),
        syntaxHighlighting(highlight),
        look,
        placeholder(hooks.placeholder),
        promql.asExtension(),
        Prec.highest(
          keymap.of([
            {
              key: "Enter",
              run: (target) => {
                if (completionStatus(target.state) === "active") {
                  // A name that is typed out already needs no accepting: Enter runs it.
                  const { state } = target;
                  const before = state.sliceDoc(0, state.selection.main.head);
                  const chosen = selectedCompletion(state)?.label;
                  if (
                    chosen !== undefined &&
                    !before.endsWith(chosen) &&
                    acceptCompletion(target)
                  ) {
                    return true;
                  }
                  closeCompletion(target);
                }
                hooks.run();
                return true;
              },
            },
            { key: "Shift-Enter", run: insertNewlineAndIndent },
            {
              key: "Mod-Enter",
              run: () => {
                hooks.run();
                return true;
              },
            },
            { key: "Tab", run: acceptCompletion },
            // After our own Enter: the first binding that acts wins.
            ...completionKeymap,
          ]),
        ),
        keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) hooks.changed(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    setText: (next) => {
      if (view.state.doc.toString() === next) return;
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } });
    },
    focus: () => view.focus(),
    destroy: () => {
      view.destroy();
      promql.destroy();
    },
  };
}
