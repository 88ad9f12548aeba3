// GET, POST /api/v1/series.
import { messageOf } from "@deucalion/base";
import {
  compareLabels,
  decodeLabels,
  equalLabelBytes,
  type LabelBytes,
  type Labels,
  type Matcher,
} from "@deucalion/model";
import { ApiError, badData } from "../../http/api-error.ts";
import type { JsonStream } from "../../http/envelope.ts";
import type { ApiHandler } from "../../http/http-server.ts";
import { parseBool, parseLimit } from "../parse-value.ts";
import { RequestSource } from "../request-source.ts";
import { tenantOf } from "../tenancy.ts";
import {
  matcherSets,
  metadataRange,
  type QueryContext,
  replicaLabels,
  storeMatch,
} from "./query-context.ts";
import { writeLabels } from "./result-json.ts";

function seriesJson(series: readonly Labels[]): JsonStream {
  return {
    writeJson: async (out) => {
      out.ascii("[");
      for (let i = 0; i < series.length; i++) {
        if (i > 0) out.ascii(",");
        writeLabels(out, series[i]!);
        if (out.isFull) await out.drain();
      }
      out.ascii("]");
    },
  };
}

export function seriesHandler(context: QueryContext): ApiHandler {
  return async (exchange) => {
    const form = await exchange.form();
    if (form.all("match[]").length === 0) throw badData("no match[] parameter provided");
    const range = metadataRange(context, form);
    const tenant = tenantOf(exchange, context.options.tenancy);
    const sets = matcherSets(context, form, tenant);
    const dedup = parseBool(form.get("dedup"), "dedup", true);
    const labels = replicaLabels(context, form);
    const stores = storeMatch(context, form);
    const limit = parseLimit(form.get("limit"));
    const partialResponse = parseBool(
      form.get("partial_response"),
      "partial_response",
      context.options.partialResponse,
    );
    const inner = context.querier.source({
      dedup,
      replicaLabels: labels,
      partialResponse,
      maxSourceResolutionMs: Number.MAX_SAFE_INTEGER,
      storeMatch: stores,
      shard: null,
      labelsOnly: true,
      storesWithinMs: context.options.timeoutMs,
    });
    const rules = {
      partialResponse,
      shard: null,
      tenant,
      maxResolutionMs: Number.MAX_SAFE_INTEGER,
    };
    const source = new RequestSource(inner, rules, () => undefined);
    const warnings = new Set<string>();
    const found = new Map<string, Labels>();
    const collect = async (matchers: readonly Matcher[]): Promise<void> => {
      const request = {
        ...range,
        matchers,
        skipChunks: true,
        ...(limit > 0 ? { limit: limit + 1 } : {}),
      };
      const call = {
        signal: exchange.signal,
        warn: (message: string) => void warnings.add(message),
      };
      let last: LabelBytes | null = null;
      let count = 0;
      for await (const batch of source.series(request, call)) {
        for (let i = 0; i < batch.seriesCount; i++) {
          const bytes = batch.labels(i);
          if (last !== null && equalLabelBytes(last, bytes)) continue;
          last = bytes;
          const set = decodeLabels(bytes);
          found.set(set.key, set);
          // The smallest of a set come first: more than the limit cannot be among the answer.
          if (limit > 0 && ++count > limit) return;
        }
      }
    };
    try {
      for (const matchers of sets) await collect(matchers);
    } catch (error) {
      throw new ApiError("execution", messageOf(error), { cause: error });
    }
    let series = [...found.values()];
    if (sets.length > 1) series.sort(compareLabels);
    if (limit > 0 && series.length > limit) {
      series = series.slice(0, limit);
      warnings.add("results truncated due to limit");
    }
    return { data: seriesJson(series), warnings: [...warnings] };
  };
}
