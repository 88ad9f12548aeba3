// What rules ask: queriers over HTTP first, then over gRPC; nothing partial where a group wants the whole.
import type { Log } from "@deucalion/base";
import {
  type PartialResponseStrategy,
  type RuleQueryOptions,
  type RuleQueryResult,
  type RuleRangeSeries,
  RulesError,
} from "@deucalion/rules";
import { instantSamples, rangeSeries, storeWarnings } from "./answer-json.ts";
import type { GrpcAnswer, GrpcQueriers } from "./grpc-queriers.ts";
import type { Asked, HttpQueriers } from "./http-queriers.ts";

export interface QueriersDeps {
  /** Send nothing that only Thanos' queriers know. */
  readonly prometheusParams: boolean;
  readonly http: HttpQueriers;
  readonly grpc: GrpcQueriers | null;
  readonly log: Log;
  /** Told of each answer with warnings, taken or not. */
  readonly warned: (strategy: PartialResponseStrategy) => void;
}

type Asking = Pick<RuleQueryOptions, "strategy" | "signal">;

/** Unix seconds with milliseconds. */
function timeText(ms: number): string {
  return (ms / 1000).toFixed(3);
}

function unreachable(asked: Asked): RulesError {
  if (asked.envelope === null && asked.refused !== null) return asked.refused;
  return new RulesError("RULES_UNAVAILABLE", "no query API server reachable");
}

/** Throws RulesError as `RuleGroupDeps.query` has it. */
export class Queriers {
  readonly #deps: QueriersDeps;

  constructor(deps: QueriersDeps) {
    this.#deps = deps;
  }

  #params(query: string, times: Readonly<Record<string, string>>, asking: Asking): URLSearchParams {
    const params = new URLSearchParams({ query, ...times });
    if (this.#deps.prometheusParams) return params;
    params.set("dedup", "true");
    params.set("partial_response", String(asking.strategy === "warn"));
    return params;
  }

  /** Refuses what is partial unless that is welcome; says what is missing. */
  #complete(query: string, all: unknown, { strategy }: Asking): readonly string[] {
    const warnings = storeWarnings(all);
    if (warnings.length === 0) return warnings;
    const text = warnings.join(", ");
    this.#deps.warned(strategy);
    if (strategy === "abort") {
      throw new RulesError(
        "RULES_UNAVAILABLE",
        `the answer is partial, which the group's partial_response_strategy does not allow: ${text}`,
      );
    }
    this.#deps.log.warn("a rule is evaluated on a partial answer", { warnings: text, query });
    return warnings;
  }

  /** `isVector` is absent where the type of the value is not known. */
  async query(
    expr: string,
    timeMs: number,
    asking: Asking,
  ): Promise<RuleQueryResult & { readonly isVector?: boolean }> {
    const { http, grpc } = this.#deps;
    const params = this.#params(expr, { time: timeText(timeMs) }, asking);
    const asked = await http.ask("/api/v1/query", params, asking.signal);
    if (asked.envelope !== null) {
      const warnings = this.#complete(expr, asked.envelope.warnings, asking);
      const isVector = asked.envelope.data?.resultType === "vector";
      return { samples: instantSamples(asked.envelope), warnings, isVector };
    }
    const partial = asking.strategy === "warn";
    const answer = (await grpc?.instant(expr, timeMs, partial, asking.signal)) ?? null;
    if (answer === null) throw unreachable(asked);
    const warnings = this.#complete(expr, answer.warnings, asking);
    return {
      samples: answer.result.series.map(({ labels, values, histograms }) => ({
        labels,
        value: values.at(-1) ?? Number.NaN,
        histogram: histograms?.at(-1),
      })),
      warnings,
    };
  }

  /** Samples of a range selector as they are stored. */
  async rawRange(
    expr: string,
    timeMs: number,
    asking: Asking,
  ): Promise<{
    readonly series: readonly RuleRangeSeries[];
    readonly warnings: readonly string[];
  }> {
    const { http, grpc } = this.#deps;
    const params = this.#params(expr, { time: timeText(timeMs) }, asking);
    const asked = await http.ask("/api/v1/query", params, asking.signal);
    if (asked.envelope !== null) {
      const warnings = this.#complete(expr, asked.envelope.warnings, asking);
      return { series: rangeSeries(asked.envelope), warnings };
    }
    const partial = asking.strategy === "warn";
    const answer = (await grpc?.instant(expr, timeMs, partial, asking.signal)) ?? null;
    if (answer === null) throw unreachable(asked);
    const warnings = this.#complete(expr, answer.warnings, asking);
    return { series: answer.result.series, warnings };
  }

  async queryRange(
    expr: string,
    startMs: number,
    endMs: number,
    stepMs: number,
    asking: Asking,
  ): Promise<readonly RuleRangeSeries[]> {
    const times = { start: timeText(startMs), end: timeText(endMs), step: String(stepMs / 1000) };
    const params = this.#params(expr, times, asking);
    const asked = await this.#deps.http.ask("/api/v1/query_range", params, asking.signal);
    if (asked.envelope !== null) {
      this.#complete(expr, asked.envelope.warnings, asking);
      return rangeSeries(asked.envelope);
    }
    const answer = await this.#grpcRange(expr, { startMs, endMs, stepMs }, asking);
    if (answer === null) throw unreachable(asked);
    this.#complete(expr, answer.warnings, asking);
    return answer.result.series;
  }

  /** Only where times are whole seconds: others would move samples. */
  #grpcRange(
    expr: string,
    range: { readonly startMs: number; readonly endMs: number; readonly stepMs: number },
    { strategy, signal }: Asking,
  ): Promise<GrpcAnswer | null> {
    const { grpc } = this.#deps;
    const whole = range.startMs % 1000 === 0 && range.stepMs % 1000 === 0;
    if (grpc === null || !whole) return Promise.resolve(null);
    return grpc.range(expr, range, strategy === "warn", signal);
  }
}
