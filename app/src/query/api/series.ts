// GET, POST /api/v1/series.
import { messageOf } from "@deucalion/base";
import {
  compareLabelBytes,
  decodeLabels,
  equalLabelBytes,
  type LabelBytes,
  type SeriesBatch,
} from "@deucalion/model";
import { StoreApiError } from "@deucalion/storeapi";
import { ApiError, badData } from "../../http/answers/api-error.ts";
import type { JsonStream } from "../../http/answers/envelope.ts";
import { JsonWriter } from "../../http/answers/json-writer.ts";
import type { ApiHandler } from "../../http/http-server.ts";
import { Gate } from "../gate.ts";
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
import { writeLabelBytes } from "./write-label-bytes.ts";

const comma = 0x2c;

/** JSON of series as they come: bytes are smaller than label sets, of which there may be a million. */
class SeriesText {
  readonly #slabs: Buffer[] = [];
  readonly #out = new JsonWriter((slab) => {
    this.#slabs.push(slab);
    return Promise.resolve();
  });
  count = 0;

  add(labels: LabelBytes): void {
    if (this.count++ > 0) this.#out.byte(comma);
    writeLabelBytes(this.#out, labels);
  }

  async finish(): Promise<JsonStream> {
    const last = await this.#out.finish();
    return {
      writeJson: async (out) => {
        out.ascii("[");
        for (const slab of [...this.#slabs, last]) {
          out.bytes(slab);
          await out.drain();
        }
        out.ascii("]");
      },
    };
  }
}

interface Found {
  readonly data: JsonStream;
  readonly truncated: boolean;
}

/** Shows the distinct label sets of one selector, which come in order, until `take` says false. */
async function eachDistinct(
  batches: AsyncIterable<SeriesBatch>,
  take: (labels: LabelBytes) => boolean,
): Promise<void> {
  let last: LabelBytes | null = null;
  for await (const batch of batches) {
    for (let i = 0; i < batch.seriesCount; i++) {
      const labels = batch.labels(i);
      if (last !== null && equalLabelBytes(last, labels)) continue;
      last = labels;
      if (!take(labels)) return;
    }
  }
}

/** The first `limit` (0 for all) label sets of one selector. */
async function ofOne(series: AsyncIterable<SeriesBatch>, limit: number): Promise<Found> {
  const text = new SeriesText();
  let truncated = false;
  await eachDistinct(series, (labels) => {
    truncated = limit > 0 && text.count === limit;
    if (!truncated) text.add(labels);
    return !truncated;
  });
  return { data: await text.finish(), truncated };
}

/** The same of several selectors, merged. */
async function ofMany(
  selectors: readonly AsyncIterable<SeriesBatch>[],
  limit: number,
): Promise<Found> {
  const found = new Map<string, LabelBytes>();
  for (const series of selectors) {
    let count = 0;
    await eachDistinct(series, (labels) => {
      found.set(decodeLabels(labels).key, labels);
      // The smallest of a selector come first: more than the limit cannot be among the answer.
      return limit === 0 || ++count <= limit;
    });
  }
  const text = new SeriesText();
  for (const labels of [...found.values()].sort(compareLabelBytes)) {
    if (limit > 0 && text.count === limit) break;
    text.add(labels);
  }
  return { data: await text.finish(), truncated: limit > 0 && found.size > limit };
}

/** A refused select in Thanos' words: its querier asks its own StoreAPI, and says so. */
function selectError(error: unknown): string {
  const refused = error instanceof StoreApiError && error.code === "STOREAPI_INVALID";
  const prefix = refused ? "proxy Series(): rpc error: code = InvalidArgument desc = " : "";
  return `${prefix}${messageOf(error)}`;
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
    const selects = new Gate(context.options.maxConcurrentSelect, context.selects);
    const source = new RequestSource(inner, rules, () => undefined, selects);
    const warnings = new Set<string>();
    const request = { ...range, skipChunks: true, ...(limit > 0 ? { limit: limit + 1 } : {}) };
    const call = { signal: exchange.signal, warn: (message: string) => void warnings.add(message) };
    const selectors = sets.map((matchers) => source.series({ ...request, matchers }, call));
    let found: Found;
    try {
      found = await (selectors.length === 1
        ? ofOne(selectors[0]!, limit)
        : ofMany(selectors, limit));
    } catch (error) {
      throw new ApiError("execution", selectError(error), { cause: error });
    }
    if (found.truncated) warnings.add("results truncated due to limit");
    return { data: found.data, warnings: [...warnings] };
  };
}
