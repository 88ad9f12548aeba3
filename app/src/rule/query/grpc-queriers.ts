// Asks queriers over gRPC, one after the other until one answers. Their API takes whole seconds.
import { type Log, messageOf } from "@deucalion/base";
import type { SourceContext } from "@deucalion/model";
import type { Caller } from "@deucalion/rpc";
import { type InstantQueryRequest, QueryClient, type RemoteResult } from "@deucalion/storeapi";
import { withinDeadline } from "../clients/within-deadline.ts";

const answerMs = 150_000;

export interface GrpcQueriersDeps {
  /** Queriers that answer now. */
  readonly queriers: () => readonly { readonly address: string; readonly caller: Caller }[];
  readonly log: Log;
  /** In [0, 1). */
  readonly random: () => number;
}

/** A result with what is missing from it. */
export interface GrpcAnswer {
  readonly result: RemoteResult;
  readonly warnings: readonly string[];
}

const base: Omit<InstantQueryRequest, "query" | "timeSeconds" | "enablePartialResponse"> = {
  timeoutSeconds: 0,
  maxResolutionSeconds: 0,
  replicaLabels: [],
  storeMatchers: [],
  enableDedup: true,
  skipChunks: false,
  lookbackDeltaSeconds: 0,
  engine: 0,
  responseBatchSize: 64,
};

export class GrpcQueriers {
  readonly #deps: GrpcQueriersDeps;

  constructor(deps: GrpcQueriersDeps) {
    this.#deps = deps;
  }

  async #ask(
    query: string,
    signal: AbortSignal,
    call: (client: QueryClient, context: SourceContext) => Promise<RemoteResult>,
  ): Promise<GrpcAnswer | null> {
    const { queriers, log, random } = this.#deps;
    const order = [...queriers()];
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    for (const { address, caller } of order) {
      signal.throwIfAborted();
      const warnings: string[] = [];
      const warn = (message: string): void => void warnings.push(message);
      const client = new QueryClient(address, caller);
      try {
        const result = await withinDeadline(signal, answerMs, "the querier does not answer", (s) =>
          call(client, { signal: s, warn }),
        );
        return { result, warnings };
      } catch (error) {
        signal.throwIfAborted();
        log.error("a querier does not answer", { err: messageOf(error), addr: address, query });
      }
    }
    return null;
  }

  /** Null if none answers. */
  instant(
    query: string,
    timeMs: number,
    partial: boolean,
    signal: AbortSignal,
  ): Promise<GrpcAnswer | null> {
    const timeSeconds = Math.floor(timeMs / 1000);
    return this.#ask(query, signal, (client, context) =>
      client.instant({ ...base, query, timeSeconds, enablePartialResponse: partial }, context),
    );
  }

  /** Null if none answers. Times and step are whole seconds, in ms. */
  range(
    query: string,
    range: { readonly startMs: number; readonly endMs: number; readonly stepMs: number },
    partial: boolean,
    signal: AbortSignal,
  ): Promise<GrpcAnswer | null> {
    return this.#ask(query, signal, (client, context) =>
      client.range(
        {
          ...base,
          query,
          startTimeSeconds: Math.floor(range.startMs / 1000),
          endTimeSeconds: Math.floor(range.endMs / 1000),
          intervalSeconds: Math.max(1, Math.round(range.stepMs / 1000)),
          enablePartialResponse: partial,
        },
        context,
      ),
    );
  }
}
