// What distributed evaluation knows of other queriers, and what it asks of them.
import type { Labels, SourceContext } from "@deucalion/model";
import type { MatrixSeries } from "../../result.ts";

/** One evaluation in another querier. Times in ms, whole seconds. */
export interface RemoteRequest {
  readonly query: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
}

/** A querier that evaluates PromQL over data of its own. */
export interface RemoteEngine {
  /** Its address, for people. */
  readonly name: string;
  /** First and last time of its data, ms. */
  readonly minTime: number;
  readonly maxTime: number;
  /** External labels of its data without replica labels: what selectors are held against. */
  readonly labelSets: readonly Labels[];
  /** The labels of those sets that tell the data of one querier from that of others. */
  readonly partitionSets: readonly Labels[];
  /**
   * Hands each series to `take` as it comes and resolves with the samples that were looked at. What `take` throws
   * ends the call. Warnings go to the context.
   */
  evaluate(
    request: RemoteRequest,
    context: SourceContext,
    take: (series: MatrixSeries) => void,
  ): Promise<number>;
}

/** A store that cannot evaluate, or cannot be asked. */
export interface OtherStore {
  /** None: nothing is known of its labels. */
  readonly labelSets: readonly Labels[];
  /** How it is named in warnings. */
  readonly text: string;
}

/** Everything that a query may be spread over. */
export interface Remotes {
  readonly engines: readonly RemoteEngine[];
  /** Stores that can only give series: queries that concern them are evaluated here. */
  readonly others: readonly OtherStore[];
  /** Stores that are away: queries that concern them get a warning. */
  readonly missing: readonly OtherStore[];
}
