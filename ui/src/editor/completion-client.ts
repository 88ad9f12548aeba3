// What the editor asks the server for while one types: always searched on the server, always with a limit.
import { signal } from "@preact/signals";
import type { PrometheusClient } from "@prometheus-io/codemirror-promql";
import { call, type Params } from "../api/client.ts";
import { escapeRegex, labelName, quote } from "../format/labels.ts";
import { newestDataMs } from "../state/stores.ts";
import type { PanelState } from "../url/panel-state.ts";

/** At most this many suggestions of one kind are fetched. */
export const suggestionsMax = 1000;
/** How long an answer is used again, in milliseconds. */
const keepMs = 60_000;
const keptMax = 200;

/** Whether the last list of suggestions was cut at the limit. */
export const suggestionsCut = signal(false);

interface Matcher {
  readonly type: number;
  readonly name: string;
  readonly value: string;
  matchesEmpty?(): boolean;
}

interface Metadata {
  readonly type: string;
  readonly help: string;
}

/** A client for codemirror-promql that never loads everything. `state` gives the panel's range, stores and tenant. */
export class CompletionClient implements PrometheusClient {
  readonly #state: () => PanelState;
  readonly #kept = new Map<string, { atMs: number; list: Promise<string[]> }>();
  #abort = new AbortController();
  /** Whether the last answer was cut, so that further typing has to ask again. */
  lastCut = false;

  constructor(state: () => PanelState) {
    this.#state = state;
  }

  metricNames(prefix = ""): Promise<string[]> {
    const match = prefix === "" ? [] : [`{__name__=~${quote(`(?i).*${escapeRegex(prefix)}.*`)}}`];
    return this.#list("label/__name__/values", match);
  }

  labelNames(metricName?: string): Promise<string[]> {
    return this.#list("labels", selectorOf(metricName, []));
  }

  labelValues(name: string, metricName?: string, matchers: Matcher[] = []): Promise<string[]> {
    // The matcher under the cursor must not limit its own suggestions.
    const others = matchers.filter((m) => m.name !== name && m.value !== "");
    return this.#list(`label/${encodeURIComponent(name)}/values`, selectorOf(metricName, others));
  }

  async metricMetadata(): Promise<Record<string, Metadata[]>> {
    try {
      const { data } = await call<Record<string, Metadata[]>>("metadata", {
        limit: suggestionsMax,
      });
      return data ?? {};
    } catch {
      return {};
    }
  }

  async series(): Promise<Map<string, string>[]> {
    return [];
  }

  async flags(): Promise<Record<string, string>> {
    return {};
  }

  destroy(): void {
    this.#abort.abort();
    this.#abort = new AbortController();
  }

  async #list(path: string, match: readonly string[]): Promise<string[]> {
    const state = this.#state();
    const endMs = state.endMs ?? newestDataMs();
    const startMs = endMs - Math.max(state.rangeMs, 3_600_000);
    // Whole minutes, so that answers can be kept while one types.
    const minute = (ms: number): number => Math.floor(ms / 60_000) * 60;
    const params: Params = {
      "match[]": match,
      start: minute(startMs),
      end: minute(endMs) + 60,
      limit: suggestionsMax,
      "storeMatch[]": state.stores.map((address) => `{__address__=${quote(address)}}`),
    };
    const key = JSON.stringify([path, params, state.tenant]);
    const now = Date.now();
    let kept = this.#kept.get(key);
    if (kept === undefined || now - kept.atMs > keepMs) {
      const list = call<string[]>(path, params, {
        signal: this.#abort.signal,
        tenant: state.tenant,
      }).then((answer) => answer.data ?? []);
      kept = { atMs: now, list };
      if (this.#kept.size >= keptMax) this.#kept.clear();
      this.#kept.set(key, kept);
    }
    try {
      const list = await kept.list;
      this.lastCut = list.length >= suggestionsMax;
      suggestionsCut.value = this.lastCut;
      return list;
    } catch {
      this.#kept.delete(key);
      return [];
    }
  }
}

const operators = new Map<string, string>();

/** Learns the numbers that the grammar gives to the matching operators. */
export function setMatchOperators(list: ReadonlyArray<readonly [number, string]>): void {
  for (const [type, text] of list) operators.set(String(type), text);
}

function selectorOf(metricName: string | undefined, matchers: readonly Matcher[]): string[] {
  const parts = matchers.flatMap((m) => {
    const op = operators.get(String(m.type));
    return op === undefined ? [] : [`${labelName(m.name)}${op}${quote(m.value)}`];
  });
  if (metricName !== undefined && metricName !== "") {
    parts.unshift(`__name__=${quote(metricName)}`);
  }
  return parts.length === 0 ? [] : [`{${parts.join(",")}}`];
}
