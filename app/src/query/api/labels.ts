// GET, POST /api/v1/labels and GET /api/v1/label/:name/values.
import { isUtf8 } from "node:buffer";
import { messageOf } from "@deucalion/base";
import {
  compareStrings,
  type LabelRequest,
  type Matcher,
  type SourceContext,
} from "@deucalion/model";
import { quoteGo } from "@deucalion/promql";
import { ApiError, badData } from "../../http/answers/api-error.ts";
import type { ApiReply, JsonStream } from "../../http/answers/envelope.ts";
import type { Exchange } from "../../http/exchange.ts";
import type { ApiHandler } from "../../http/http-server.ts";
import type { FormValues } from "../../http/requests/form-values.ts";
import { segmentBytes } from "../../http/requests/percent-path.ts";
import { parseBool, parseLimit } from "../parse-value.ts";
import { RequestSource } from "../request-source.ts";
import { tenantOf } from "../tenancy.ts";
import { matcherSets, metadataRange, type QueryContext, storeMatch } from "./query-context.ts";

/** Strings that are written at once. */
const pieceLength = 500;

type Ask = (
  source: RequestSource,
  request: LabelRequest,
  context: SourceContext,
) => Promise<string[]>;

async function gather(
  context: QueryContext,
  exchange: Exchange,
  form: FormValues,
  ask: Ask,
): Promise<ApiReply> {
  const range = metadataRange(context, form);
  const partialResponse = parseBool(
    form.get("partial_response"),
    "partial_response",
    context.options.partialResponse,
  );
  const stores = storeMatch(context, form);
  const limit = parseLimit(form.get("limit"));
  const tenant = tenantOf(exchange, context.options.tenancy);
  const sets = matcherSets(context, form, tenant);
  const inner = context.querier.source({
    dedup: true,
    replicaLabels: [],
    partialResponse,
    maxSourceResolutionMs: 0,
    storeMatch: stores,
    shard: null,
    labelsOnly: true,
    storesWithinMs: context.options.timeoutMs,
  });
  const rules = { partialResponse, shard: null, tenant, maxResolutionMs: 0 };
  const source = new RequestSource(inner, rules, () => undefined, null);
  const warnings = new Set<string>();
  const signal = exchange.signal;
  const call = async (matchers: readonly Matcher[]) => {
    const request = { ...range, matchers, ...(limit > 0 ? { limit: limit + 1 } : {}) };
    try {
      return await ask(source, request, { signal, warn: (message) => void warnings.add(message) });
    } catch (error) {
      throw new ApiError("execution", messageOf(error), { cause: error });
    }
  };
  let names: string[];
  if (sets.length <= 1) names = await call(sets[0] ?? []);
  else names = [...new Set((await Promise.all(sets.map(call))).flat())].sort(compareStrings);
  if (limit > 0 && names.length > limit) {
    names = names.slice(0, limit);
    warnings.add("results truncated due to limit");
  }
  return { data: listJson(names), warnings: [...warnings] };
}

/** A list that leaves in pieces: no text is as long as the whole. */
function listJson(list: readonly string[]): JsonStream {
  return {
    async writeJson(out) {
      out.ascii("[");
      for (let at = 0; at < list.length; at += pieceLength) {
        if (at > 0) out.ascii(",");
        out.raw(JSON.stringify(list.slice(at, at + pieceLength)).slice(1, -1));
        if (out.isFull) await out.drain();
      }
      out.ascii("]");
    },
  };
}

export function labelsHandler(context: QueryContext): ApiHandler {
  return async (exchange) =>
    gather(context, exchange, await exchange.form(), (source, request, call) =>
      source.labelNames(request, call),
    );
}

/** Throws if the label name of the path is not UTF-8, with the bytes as Go quotes them. */
function refuseMisspelt(path: string): void {
  const bytes = segmentBytes(path.split("/").at(-2) ?? "");
  if (isUtf8(bytes)) return;
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    // No character is longer than four bytes.
    const length = [1, 2, 3, 4].find((n) => isUtf8(bytes.subarray(at, at + n))) ?? 0;
    const part = bytes.subarray(at, at + Math.max(1, length));
    text += length > 0 ? quoteGo(part.toString()).slice(1, -1) : `\\x${part.toString("hex")}`;
    at += part.length;
  }
  throw badData(`invalid label name: "${text}"`);
}

export function labelValuesHandler(context: QueryContext): ApiHandler {
  return async (exchange) => {
    const name = exchange.params.name ?? "";
    // Any UTF-8 is a label name, but for none at all and for what is not UTF-8.
    if (name === "") throw badData('invalid label name: ""');
    if (name.includes("\ufffd")) refuseMisspelt(exchange.path);
    return gather(context, exchange, await exchange.form(), (source, request, call) =>
      source.labelValues(name, request, call),
    );
  };
}
