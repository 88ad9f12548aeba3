// Small shared pieces: series names, label chips, notices, a popover button, tabs, a copy button.
import type { ComponentChild, ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { type LabelMap, labelName, labelPairs, quote } from "../format/labels.ts";
import { t } from "../text/t.ts";

/** A series name with the metric in front and the labels in calmer ink. Text only: nothing in it can run. */
export function SeriesName({ labels }: { readonly labels: LabelMap }) {
  const metric = labels["__name__"];
  const pairs = labelPairs(labels);
  return (
    <span class="series" dir="ltr">
      {metric !== undefined && <span class="series-metric">{metric}</span>}
      {(pairs.length > 0 || metric === undefined) && <span class="series-brace">{"{"}</span>}
      {pairs.map(([name, value], i) => (
        <span key={name}>
          {i > 0 && <span class="series-brace">, </span>}
          <span class="series-label">{labelName(name)}</span>
          <span class="series-brace">=</span>
          <bdi class="series-value">{quote(value)}</bdi>
        </span>
      ))}
      {(pairs.length > 0 || metric === undefined) && <span class="series-brace">{"}"}</span>}
    </span>
  );
}

/** Labels as chips. */
export function LabelChips({ labels }: { readonly labels: LabelMap }) {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1));
  return (
    <span class="chips">
      {pairs.map(([name, value]) => (
        <span class="chip" key={name} title={`${name}=${quote(value)}`}>
          <span class="chip-name">{name}</span>
          <bdi>{value}</bdi>
        </span>
      ))}
    </span>
  );
}

/** What a notice means; decides its colour, its sign and whether it interrupts a screen reader. */
export type NoticeKind = "error" | "partial" | "warning" | "info" | "quiet";

const signs: Readonly<Record<NoticeKind, string>> = {
  error: "✕",
  partial: "⚠",
  warning: "!",
  info: "i",
  quiet: "…",
};

/** A bar with a sign, words, and buttons at its end. */
export function Notice(props: {
  readonly kind: NoticeKind;
  readonly children: ComponentChildren;
  readonly actions?: ComponentChild;
  readonly testId?: string;
}) {
  const loud = props.kind === "error" || props.kind === "partial";
  return (
    <div
      class={`notice notice-${props.kind}`}
      role={loud ? "alert" : "status"}
      data-testid={props.testId ?? `notice-${props.kind}`}
    >
      <span class="notice-sign" aria-hidden="true">
        {signs[props.kind]}
      </span>
      <div class="notice-text">{props.children}</div>
      {props.actions !== undefined && <div class="notice-actions">{props.actions}</div>}
    </div>
  );
}

/** A button that opens a panel below itself; Escape or a click elsewhere closes it. */
export function Popover(props: {
  readonly label: ComponentChild;
  readonly name: string;
  readonly class?: string;
  readonly align?: "start" | "end";
  readonly children: (close: () => void) => ComponentChildren;
}) {
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLSpanElement>(null);
  const id = useId();
  useEffect(() => {
    if (!open) return;
    const outside = (event: Event): void => {
      if (event.target instanceof Node && box.current?.contains(event.target) === false) {
        setOpen(false);
      }
    };
    const onEscape = (event: KeyboardEvent): void => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      setOpen(false);
      box.current?.querySelector("button")?.focus();
    };
    const node = box.current;
    document.addEventListener("pointerdown", outside);
    node?.addEventListener("keydown", onEscape);
    return () => {
      document.removeEventListener("pointerdown", outside);
      node?.removeEventListener("keydown", onEscape);
    };
  }, [open]);
  return (
    <span class="popover" ref={box}>
      <button
        type="button"
        class={props.class ?? "button quiet"}
        aria-expanded={open}
        aria-controls={id}
        aria-label={props.name}
        title={props.name}
        onClick={() => setOpen(!open)}
      >
        {props.label}
      </button>
      {open && (
        <div class={`popover-panel ${props.align === "end" ? "end" : ""}`} id={id}>
          {props.children(() => setOpen(false))}
        </div>
      )}
    </span>
  );
}

/** Tabs of which one is chosen; left and right arrows walk them. */
export function Tabs<K extends string>(props: {
  readonly name: string;
  readonly tabs: ReadonlyArray<readonly [K, ComponentChild]>;
  readonly chosen: K;
  readonly choose: (key: K) => void;
}) {
  const keys = props.tabs.map(([key]) => key);
  const walk = (event: KeyboardEvent): void => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    const next = keys[(keys.indexOf(props.chosen) + step + keys.length) % keys.length];
    if (next === undefined) return;
    event.preventDefault();
    props.choose(next);
    const list = event.currentTarget as HTMLElement;
    requestAnimationFrame(() => list.querySelector<HTMLElement>('[aria-selected="true"]')?.focus());
  };
  return (
    <div class="tabs" role="tablist" aria-label={props.name} onKeyDown={walk}>
      {props.tabs.map(([key, label]) => (
        <button
          type="button"
          role="tab"
          key={key}
          class="tab"
          aria-selected={key === props.chosen}
          tabIndex={key === props.chosen ? 0 : -1}
          data-testid={`tab-${key}`}
          onClick={() => props.choose(key)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

/** Copies a text, and says so only when it has worked. */
export function CopyButton({
  text,
  label,
}: {
  readonly text: () => string;
  readonly label: string;
}) {
  const [done, setDone] = useState("");
  const copy = async (): Promise<void> => {
    try {
      await navigator.clipboard.writeText(text());
      setDone(t("copy.done"));
    } catch {
      setDone(t("copy.failed"));
    }
    setTimeout(() => setDone(""), 1500);
  };
  return (
    <button type="button" class="button quiet" onClick={() => void copy()} aria-live="polite">
      {done === "" ? label : done}
    </button>
  );
}

/** Gives the user a text as a file. */
export function download(name: string, type: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
