// The frame around every page: navigation, the store pill, zone, theme, keys, and the two alarms that concern all pages.
import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import { clockDriftMs, lostSince } from "../api/client.ts";
import { answersQueries } from "../config.ts";
import { elapsed } from "../format/duration.ts";
import { zoneExists } from "../format/time.ts";
import { panelsSearch } from "../query/panels.ts";
import { href, type Page, page } from "../state/router.ts";
import { type Theme, theme, zone } from "../state/settings.ts";
import { endpoints } from "../state/stores.ts";
import type { TextKey } from "../text/en.ts";
import { t } from "../text/t.ts";
import { Help } from "./help.tsx";
import { Notice, Popover } from "./small.tsx";

const nav: ReadonlyArray<readonly [Page, TextKey]> = [
  ["query", "nav.query"],
  ["explore", "nav.explore"],
  ["alerts", "nav.alerts"],
  ["rules", "nav.rules"],
  ["stores", "nav.stores"],
  ["targets", "nav.targets"],
  ["status", "nav.status"],
];

const shown = nav.filter(
  ([name]) => answersQueries || name === "alerts" || name === "rules" || name === "status",
);

const driftMs = 30_000;

/** The frame; `children` is the page. */
export function Frame({ children }: { readonly children: ComponentChildren }) {
  const [help, setHelp] = useState(false);
  useEffect(() => {
    const keys = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      const at = event.target instanceof HTMLElement ? event.target : null;
      if (at?.closest("input, textarea, select, [contenteditable='true'], dialog") != null) return;
      if (event.key === "?") setHelp(true);
      if (event.key === "/") {
        event.preventDefault();
        document.querySelector<HTMLElement>(".cm-content, .expression-plain, .search")?.focus();
      }
    };
    document.addEventListener("keydown", keys);
    return () => document.removeEventListener("keydown", keys);
  }, []);
  return (
    <>
      <a class="skip" href="#main">
        {t("skip")}
      </a>
      <header class="top">
        <a class="brand" href={href(answersQueries ? "query" : "alerts")}>
          <Logo />
          Deucalion
        </a>
        <nav aria-label={t("nav.label")}>
          {shown.map(([name, key]) => (
            <a
              key={name}
              // Coming back to the query page finds the panels as they were left.
              href={name === "query" ? href(name) + panelsSearch() : href(name)}
              {...(page.value === name ? { "aria-current": "page" as const } : {})}
            >
              {t(key)}
            </a>
          ))}
        </nav>
        <div class="top-right">
          {answersQueries && <StorePill />}
          <ZonePicker />
          <ThemePicker />
          <button
            type="button"
            class="button quiet icon"
            aria-label={t("help.title")}
            title={t("help.title")}
            onClick={() => setHelp(true)}
          >
            ?
          </button>
        </div>
      </header>
      <main id="main" tabIndex={-1}>
        <Alarms />
        {children}
      </main>
      {help && <Help close={() => setHelp(false)} />}
    </>
  );
}

function Logo() {
  return (
    <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
      <rect width="32" height="32" rx="7" fill="var(--brand)" />
      <path d="M6 18h20l-3.200 5.200a2 2 0 0 1-1.700 1H10.900a2 2 0 0 1-1.700-1z" fill="#fff" />
      <path
        d="M16 6c2.800 2.600 4.200 4.800 4.200 6.700A4.200 4.200 0 0 1 16 17a4.200 4.200 0 0 1-4.200-4.300C11.800 10.800 13.200 8.600 16 6z"
        fill="#ffc46b"
      />
    </svg>
  );
}

function StorePill() {
  const list = endpoints.value;
  if (list === null) return null;
  const up = list.filter((e) => e.state === "up").length;
  const all = up === list.length && up > 0;
  return (
    <a
      class={`pill ${all ? "" : "pill-amber"}`}
      href={href("stores")}
      data-testid="store-pill"
      title={t("stores.summary", { up, n: list.length })}
    >
      <span class={`dot ${all ? "dot-up" : "dot-pending"}`} aria-hidden="true" />
      {t("nav.pill", { up, n: list.length })}
    </a>
  );
}

function ZonePicker() {
  const [text, setText] = useState("");
  const local = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const known = ["local", "UTC"].includes(zone.value);
  return (
    <Popover
      label={zone.value === "local" ? t("zone.localShort") : zone.value}
      name={t("zone.name")}
      class="button quiet zone"
      align="end"
    >
      {(close) => (
        <div class="menu">
          {["local", "UTC", ...(known ? [] : [zone.value])].map((name) => (
            <button
              type="button"
              key={name}
              class="menu-item"
              aria-pressed={zone.value === name}
              onClick={() => {
                zone.value = name;
                close();
              }}
            >
              {name === "local" ? t("zone.local", { zone: local }) : name}
            </button>
          ))}
          <input
            class="field"
            list="zones"
            placeholder={t("zone.other")}
            aria-label={t("zone.other")}
            value={text}
            aria-invalid={text !== "" && !zoneExists(text)}
            onInput={(event) => {
              setText(event.currentTarget.value);
              if (
                event.currentTarget.value.includes("/") &&
                zoneExists(event.currentTarget.value)
              ) {
                zone.value = event.currentTarget.value;
              }
            }}
          />
          <datalist id="zones">
            {Intl.supportedValuesOf("timeZone").map((name) => (
              <option key={name} value={name} />
            ))}
          </datalist>
        </div>
      )}
    </Popover>
  );
}

const themeSigns: Readonly<Record<Theme, string>> = { auto: "◐", light: "☀", dark: "☾" };

function ThemePicker() {
  const next: Theme = theme.value === "auto" ? "light" : theme.value === "light" ? "dark" : "auto";
  const name = t("theme.name", { theme: t(`theme.${theme.value}`) });
  return (
    <button
      type="button"
      class="button quiet icon"
      aria-label={name}
      title={name}
      data-testid="theme"
      onClick={() => {
        theme.value = next;
      }}
    >
      {themeSigns[theme.value]}
    </button>
  );
}

/** Lost contact, and a clock that is wrong. */
function Alarms() {
  const [now, setNow] = useState(Date.now());
  const lost = lostSince.value;
  useEffect(() => {
    if (lost === null) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [lost]);
  const drift = clockDriftMs.value ?? 0;
  return (
    <>
      {lost !== null && (
        <Notice kind="partial" testId="lost-contact">
          {t("lost", { time: `${Math.max(1, Math.round((now - lost) / 1000))} s` })}
        </Notice>
      )}
      {Math.abs(drift) > driftMs && (
        <Notice kind="warning" testId="clock-drift">
          {t(drift > 0 ? "drift.ahead" : "drift.behind", { time: elapsed(Math.abs(drift)) })}
        </Notice>
      )}
    </>
  );
}
