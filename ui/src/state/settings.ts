// What the user chose for this browser: theme, time zone, and the expressions that were run.
import { effect, signal } from "@preact/signals";
import { type Zone, zoneExists } from "../format/time.ts";

/** "auto" follows the system. */
export type Theme = "auto" | "light" | "dark";

/** How many expressions the history keeps. */
export const historyMax = 100;

function load(key: string): string | null {
  try {
    return localStorage.getItem(`deucalion.${key}`);
  } catch {
    // Storage can be forbidden; then choices last as long as the page.
    return null;
  }
}

function save(key: string, value: string): void {
  try {
    localStorage.setItem(`deucalion.${key}`, value);
  } catch {
    // As above.
  }
}

function loadTheme(): Theme {
  const text = load("theme");
  return text === "light" || text === "dark" ? text : "auto";
}

function loadZone(): Zone {
  const text = load("zone");
  return text !== null && zoneExists(text) ? text : "local";
}

function loadHistory(): string[] {
  try {
    const list: unknown = JSON.parse(load("history") ?? "[]");
    if (!Array.isArray(list)) return [];
    return list.filter((x): x is string => typeof x === "string").slice(0, historyMax);
  } catch {
    return [];
  }
}

/** The chosen theme. */
export const theme = signal<Theme>(loadTheme());
/** The zone that all times are shown in. */
export const zone = signal<Zone>(loadZone());
/** Expressions that were run, the newest first. */
export const history = signal<readonly string[]>(loadHistory());
/** Whether the page is dark at this moment, by choice or by the system. */
export const dark = signal(false);

/** Puts an expression on top of the history. */
export function remember(expr: string): void {
  const text = expr.trim();
  if (text === "" || history.value[0] === text) return;
  history.value = [text, ...history.value.filter((x) => x !== text)].slice(0, historyMax);
  save("history", JSON.stringify(history.value));
}

/** Empties the history. */
export function forgetHistory(): void {
  history.value = [];
  save("history", "[]");
}

/** Keeps the choices in the browser's storage and the page's theme in step with them. */
export function startSettings(): void {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const apply = (): void => {
    dark.value = theme.value === "dark" || (theme.value === "auto" && system.matches);
    document.documentElement.dataset["theme"] = dark.value ? "dark" : "light";
  };
  effect(() => {
    save("theme", theme.value);
    apply();
  });
  effect(() => save("zone", zone.value));
  system.addEventListener("change", apply);
}
