// One query panel: its state, the answer it shows, and how it asks for it.
import { type ReadonlySignal, type Signal, signal } from "@preact/signals";
import { ApiError, call, type Params } from "../api/client.ts";
import type { Messages } from "../api/messages.ts";
import { plainError } from "../api/messages.ts";
import type { QueryData } from "../api/types.ts";
import { quote } from "../format/labels.ts";
import { remember } from "../state/settings.ts";
import { type PanelState, stepMs } from "../url/panel-state.ts";

/** A good answer and what it answers. Times in milliseconds. */
export interface PanelAnswer {
  readonly kind: "instant" | "range";
  readonly expr: string;
  readonly data: QueryData;
  readonly messages: Messages;
  readonly ms: number;
  readonly chars: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** Where a panel is with its question. */
export type PanelRun =
  | { readonly state: "idle" }
  | { readonly state: "running"; readonly sinceMs: number; readonly before: PanelAnswer | null }
  | {
      readonly state: "failed";
      readonly message: string;
      readonly expr: string;
      readonly type: string;
    }
  | { readonly state: "done"; readonly answer: PanelAnswer };

/** The parameters that every query of this panel carries. */
export function commonParams(state: PanelState): Params {
  return {
    dedup: state.dedup ? "true" : "false",
    partial_response: state.partial ? "true" : "false",
    max_source_resolution: state.maxSource,
    "storeMatch[]": state.stores.map((address) => `{__address__=${quote(address)}}`),
  };
}

/** One panel. `state` is what the address holds; `draft` is what the editor holds. */
export class PanelModel {
  readonly id: number;
  readonly state: Signal<PanelState>;
  readonly draft: Signal<string>;
  readonly #run = signal<PanelRun>({ state: "idle" });
  #abort: AbortController | null = null;

  constructor(id: number, state: PanelState) {
    this.id = id;
    this.state = signal(state);
    this.draft = signal(state.expr);
  }

  /** The answer, the failure, or the wait for one of them. */
  get run(): ReadonlySignal<PanelRun> {
    return this.#run;
  }

  /** Whether the tab wants a range query. */
  get wantsRange(): boolean {
    return this.state.value.tab === "graph";
  }

  /** Ends a running query, on the server too (the connection is closed). */
  cancel(): void {
    this.#abort?.abort();
    this.#abort = null;
    const run = this.#run.value;
    if (run.state !== "running") return;
    this.#run.value =
      run.before === null ? { state: "idle" } : { state: "done", answer: run.before };
  }

  /** Asks what `state` says. An older question that still runs is cancelled. */
  async ask(): Promise<void> {
    this.cancel();
    const state = this.state.value;
    const expr = state.expr.trim();
    if (expr === "") {
      this.#run.value = { state: "idle" };
      return;
    }
    remember(expr);
    const abort = new AbortController();
    this.#abort = abort;
    const last = this.#run.value;
    const kind = this.wantsRange ? "range" : "instant";
    const before = last.state === "done" && last.answer.kind === kind ? last.answer : null;
    this.#run.value = { state: "running", sinceMs: Date.now(), before };
    const next = await ask(state, expr, kind, abort.signal);
    if (next === null || this.#abort !== abort) return;
    this.#abort = null;
    // With the server out of reach the last answer to the same question stays; the frame says that contact is lost.
    const keep =
      next.state === "failed" &&
      next.type === unreachable &&
      before !== null &&
      before.expr === expr;
    this.#run.value = keep ? { state: "done", answer: before } : next;
  }
}

/** The type of a failure that is not the server's word. */
const unreachable = "unreachable";

async function ask(
  state: PanelState,
  expr: string,
  kind: "instant" | "range",
  abort: AbortSignal,
): Promise<PanelRun | null> {
  const endMs = state.endMs ?? Date.now();
  const step = stepMs(state);
  // Steps lie on multiples of the step, so that asking again a moment later gives the same points.
  const alignedEnd = state.endMs === null ? Math.floor(endMs / step) * step : endMs;
  const startMs = alignedEnd - Math.floor(state.rangeMs / step) * step;
  const params: Params =
    kind === "range"
      ? {
          query: expr,
          start: startMs / 1000,
          end: alignedEnd / 1000,
          step: step / 1000,
          ...commonParams(state),
        }
      : { query: expr, time: endMs / 1000, ...commonParams(state) };
  try {
    const answer = await call<QueryData>(kind === "range" ? "query_range" : "query", params, {
      post: true,
      signal: abort,
      tenant: state.tenant,
    });
    return {
      state: "done",
      answer: {
        kind,
        expr,
        data: answer.data,
        messages: answer.messages,
        ms: answer.ms,
        chars: answer.chars,
        startMs: kind === "range" ? startMs : endMs,
        endMs: kind === "range" ? alignedEnd : endMs,
        stepMs: step,
      },
    };
  } catch (error) {
    if (abort.aborted) return null;
    const message = error instanceof Error ? plainError(error.message) : String(error);
    const lost = error instanceof ApiError && error.code === "UI_UNREACHABLE";
    const type = lost ? unreachable : error instanceof ApiError ? error.type : "";
    return { state: "failed", message, expr, type };
  }
}

/** Number of series in an answer. */
export function seriesCount(data: QueryData): number {
  return data.resultType === "vector" || data.resultType === "matrix" ? data.result.length : 1;
}

/** Number of samples in an answer. */
export function sampleCount(data: QueryData): number {
  if (data.resultType !== "matrix") return seriesCount(data);
  let n = 0;
  for (const s of data.result) n += (s.values?.length ?? 0) + (s.histograms?.length ?? 0);
  return n;
}
