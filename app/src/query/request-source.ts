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
import type { Gate } from "./gate.ts";

export interface RequestRules {
  readonly partialResponse: boolean;
  readonly shard: ShardSelector | null;
  readonly tenant: string;
  readonly maxResolutionMs: number;
}

/** Told how many series came. */
export type SeriesCounter = (series: number) => void;

/** What such a source was made of. */
export interface RequestSourceParts {
  readonly source: SeriesSource;
  readonly rules: RequestRules;
  readonly count: SeriesCounter;
  readonly selects: Gate | null;
}

export class RequestSource implements SeriesSource {
  readonly #source: SeriesSource;
  readonly #rules: RequestRules;
  readonly #count: SeriesCounter;
  readonly #selects: Gate | null;

  /** `selects` bounds the selects that are opened at once; null does not. */
  constructor(
    source: SeriesSource,
    rules: RequestRules,
    count: SeriesCounter,
    selects: Gate | null,
  ) {
    this.#source = source;
    this.#rules = rules;
    this.#count = count;
    this.#selects = selects;
  }

  get parts(): RequestSourceParts {
    return {
      source: this.#source,
      rules: this.#rules,
      count: this.#count,
      selects: this.#selects,
    };
  }

  async *series(request: SeriesRequest, context: SourceContext): AsyncIterable<SeriesBatch> {
    const { shard, maxResolutionMs } = this.#rules;
    const asked: SeriesRequest = {
      ...request,
      partialResponse: this.#partial(),
      ...(shard === null ? {} : { shard }),
      ...(request.maxResolutionMs === undefined ? { maxResolutionMs } : {}),
    };
    // A place is held until the first batch is there: a query may read several selects side by side, and would
    // wait for itself if each held its place to the end.
    const leave = await this.#selects?.enter(context.signal);
    try {
      for await (const batch of this.#source.series(asked, this.#context(context))) {
        leave?.();
        this.#count(batch.seriesCount);
        yield batch;
      }
    } finally {
      leave?.();
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
