// A querier over one source, for tests: no stores, no rules, no targets.
import type { SeriesSource } from "@deucalion/model";
import type { EndpointState, Gathered, Querier, SourceRequest } from "../querier.ts";

const emptyStatus = {
  headStats: { numSeries: 0, numLabelPairs: 0, chunkCount: 0, minTime: 0, maxTime: 0 },
  seriesCountByMetricName: [],
  labelValueCountByLabelName: [],
  memoryInBytesByLabelName: [],
  seriesCountByLabelValuePair: [],
};

function gathered<T>(data: T): Promise<Gathered<T>> {
  return Promise.resolve({ data, warnings: [] });
}

export class SourceQuerier implements Querier {
  /** What was asked for, oldest first. */
  readonly requests: SourceRequest[] = [];
  readonly #source: SeriesSource;
  readonly #endpoints: readonly EndpointState[];

  constructor(source: SeriesSource, endpoints: readonly EndpointState[] = []) {
    this.#source = source;
    this.#endpoints = endpoints;
  }

  source(request: SourceRequest): SeriesSource {
    this.requests.push(request);
    return this.#source;
  }

  endpoints(): readonly EndpointState[] {
    return this.#endpoints;
  }

  rules() {
    return gathered({ groups: [] });
  }

  targets() {
    return gathered({ activeTargets: [], droppedTargets: [] });
  }

  metadata() {
    return gathered({});
  }

  exemplars() {
    return gathered([]);
  }

  tsdbStatus() {
    return gathered(emptyStatus);
  }
}
