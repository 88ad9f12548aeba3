// A source as one request sees it: its partial-response rule, its shard, its tenant; counts what passes.
import type {
  LabelRequest,
  SeriesBatch,
  SeriesRequest,
  SeriesSource,
  ShardSelector,
  SourceContext,
  SourceInfo,
} from "@deucalion/model";

export interface RequestRules {
  readonly partialResponse: boolean;
  readonly shard: ShardSelector | null;
  readonly tenant: string;
  readonly maxResolutionMs: number;
}

/** Told how many series came. */
export type SeriesCounter = (series: number) => void;

export class RequestSource implements SeriesSource {
  readonly #source: SeriesSource;
  readonly #rules: RequestRules;
  readonly #count: SeriesCounter;

  constructor(source: SeriesSource, rules: RequestRules, count: SeriesCounter) {
    this.#source = source;
    this.#rules = rules;
    this.#count = count;
  }

  async *series(request: SeriesRequest, context: SourceContext): AsyncIterable<SeriesBatch> {
    const { shard, maxResolutionMs } = this.#rules;
    const asked: SeriesRequest = {
      ...request,
      partialResponse: this.#partial(),
      ...(shard === null ? {} : { shard }),
      ...(request.maxResolutionMs === undefined ? { maxResolutionMs } : {}),
    };
    for await (const batch of this.#source.series(asked, this.#context(context))) {
      this.#count(batch.seriesCount);
      yield batch;
    }
  }

  labelNames(request: LabelRequest, context: SourceContext): Promise<string[]> {
    return this.#source.labelNames(
      { ...request, partialResponse: this.#partial() },
      this.#context(context),
    );
  }

  labelValues(name: string, request: LabelRequest, context: SourceContext): Promise<string[]> {
    return this.#source.labelValues(
      name,
      { ...request, partialResponse: this.#partial() },
      this.#context(context),
    );
  }

  info(): SourceInfo {
    return this.#source.info();
  }

  #partial(): "warn" | "abort" {
    return this.#rules.partialResponse ? "warn" : "abort";
  }

  #context(context: SourceContext): SourceContext {
    return { ...context, tenant: this.#rules.tenant };
  }
}
