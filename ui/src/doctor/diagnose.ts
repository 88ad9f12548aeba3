// Why is an answer empty? Ordered checks, each with what was found.
import { call, clockDriftMs, type Params } from "../api/client.ts";
import { escapeRegex, quote } from "../format/labels.ts";
import { endpoints } from "../state/stores.ts";
import { boundedRange, hasData } from "../stores/endpoints-model.ts";
import { plural, t } from "../text/t.ts";
import type { PanelState } from "../url/panel-state.ts";
import { nearNames, readSelectors, type Selector } from "./selectors.ts";

/** One check. `fix` is another expression or state that would help. */
export interface Finding {
  readonly good: boolean;
  readonly text: string;
  readonly fix?: { readonly label: string; readonly patch: Partial<PanelState> };
}

const selectorsMax = 4;

/** Runs the checks; `report` gets the list each time it grows. Never throws: a check that cannot be made is left out. */
export async function diagnose(
  state: PanelState,
  range: { readonly startMs: number; readonly endMs: number },
  report: (findings: readonly Finding[]) => void,
  abort: AbortSignal,
): Promise<void> {
  const findings: Finding[] = [];
  const add = (finding: Finding): void => {
    findings.push(finding);
    if (!abort.aborted) report([...findings]);
  };
  checkTime(range, add);
  // Without any data of this time there is nothing to learn from the selectors.
  if (!checkStores(range, add)) return;
  const lookbackMs = 300_000;
  const window: Params = {
    start: (range.startMs - lookbackMs) / 1000,
    end: range.endMs / 1000,
    "storeMatch[]": state.stores.map((address) => `{__address__=${quote(address)}}`),
    limit: 1,
  };
  const exists = async (match: string): Promise<boolean> => {
    const { data } = await call<unknown[]>(
      "series",
      { ...window, "match[]": [match] },
      { post: true, signal: abort, tenant: state.tenant },
    );
    return (data ?? []).length > 0;
  };
  try {
    const selectors = readSelectors(state.expr).slice(0, selectorsMax);
    let all = true;
    for (const selector of selectors) {
      if (await exists(selector.text)) continue;
      all = false;
      await explain(state, selector, exists, window, add, abort);
    }
    if (all && selectors.length > 0) add({ good: true, text: t("doctor.exist") });
  } catch {
    // The checks are a help; a failure of theirs is not the user's concern.
  }
}

function checkTime(range: { startMs: number; endMs: number }, add: (f: Finding) => void): void {
  const now = Date.now();
  if (range.startMs > now + 60_000) {
    add({
      good: false,
      text: t("doctor.future"),
      fix: { label: t("time.toNow"), patch: { endMs: null } },
    });
  }
  const drift = clockDriftMs.value ?? 0;
  if (Math.abs(drift) > 30_000) add({ good: false, text: t("doctor.drift") });
}

function checkStores(
  range: { startMs: number; endMs: number },
  add: (f: Finding) => void,
): boolean {
  const list = endpoints.value;
  if (list === null) return true;
  const up = list.filter((e) => e.state === "up");
  add({
    good: up.length === list.length && up.length > 0,
    text: plural(list.length, "doctor.storesOne", "doctor.stores", `${up.length}/${list.length}`),
  });
  const holding = up.filter((e) => {
    const { from, to } = boundedRange(e);
    return hasData(e) && (from ?? 0) <= range.endMs && (to ?? Infinity) >= range.startMs - 300_000;
  });
  if (up.length === 0) return false;
  if (holding.length > 0) {
    add({ good: true, text: plural(holding.length, "doctor.coverOne", "doctor.cover") });
    return true;
  }
  const ends = up.filter(hasData).flatMap((e) => boundedRange(e).to ?? []);
  const last = ends.length > 0 ? Math.max(...ends) : null;
  add({
    good: false,
    text: t("doctor.noCover"),
    ...(last !== null && last < range.endMs
      ? { fix: { label: t("doctor.goEnd"), patch: { endMs: last } } }
      : {}),
  });
  return false;
}

async function explain(
  state: PanelState,
  selector: Selector,
  exists: (match: string) => Promise<boolean>,
  window: Params,
  add: (f: Finding) => void,
  abort: AbortSignal,
): Promise<void> {
  const { metric } = selector;
  if (metric !== null && !(await exists(`{__name__=${quote(metric)}}`))) {
    const stem = escapeRegex(metric.slice(0, 2));
    const search = await call<string[]>(
      "label/__name__/values",
      {
        ...window,
        limit: 2000,
        "match[]": [`{__name__=~${quote(`${stem}.*|.*${escapeRegex(metric)}.*`)}}`],
      },
      { signal: abort, tenant: state.tenant },
    );
    const near = nearNames(metric, search.data ?? []);
    const [first] = near;
    add({
      good: false,
      text:
        first === undefined
          ? t("doctor.unknown", { metric })
          : t("doctor.near", { metric, near: near.join(", ") }),
      ...(first === undefined
        ? {}
        : {
            fix: {
              label: t("doctor.useName", { name: first }),
              patch: { expr: state.expr.replaceAll(metric, first) },
            },
          }),
    });
    return;
  }
  for (const [i, without] of selector.without.entries()) {
    const matcher = selector.matchers[i] ?? "";
    if (await exists(without)) {
      add({ good: false, text: t("doctor.matcher", { matcher, selector: selector.text }) });
      return;
    }
  }
  add({ good: false, text: t("doctor.together", { selector: selector.text }) });
}
