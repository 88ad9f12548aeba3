// …/api/v1/labels, …/api/v1/label/:name/values and …/api/v1/series: parts, cache, union.
import { type Log, messageOf } from "@deucalion/base";
import { compareStrings } from "@deucalion/model";
import { ResponseBody } from "../../http/answers/response-body.ts";
import { parseBool, parseLimit, parseTimeParam } from "../../query/parse-value.ts";
import { JsonScan } from "../answers/json-scan.ts";
import { isComplete, sortByMetric } from "../answers/merge-answers.ts";
import { refused } from "../errors.ts";
import { SubRequests } from "../fan-out.ts";
import { type Span, splitTime } from "../plan/split.ts";
import { type RequestParams, timeText } from "../request-params.ts";
import { sendReply } from "../send-reply.ts";
import { commonStores, isCovered, type StoreGroup, type StoreSet } from "../stores-watch.ts";
import { ask, type FrontendContext, type FrontendRequest, refusesCache } from "./pipeline.ts";

export type LabelsKind = "label_names" | "label_values" | "series";

/** Elements of the answer for one part: JSON of strings or of label sets. */
interface Part {
  readonly elements: readonly string[];
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
}

interface Entry {
  readonly key: string;
  readonly elements: readonly string[];
  readonly stores: readonly (readonly [string, StoreGroup])[] | null;
}

const truncated = "results truncated due to limit";
const keyed = new Set(["start", "end"]);

function readPart(body: Buffer): Part {
  const scan = new JsonScan(body);
  const elements: string[] = [];
  const notes: Record<"warnings" | "infos", string[]> = { warnings: [], infos: [] };
  scan.object((name) => {
    if (name === "data" && scan.peek() === 0x5b) {
      scan.array(() => void elements.push(scan.slice().toString()));
    } else if (name === "warnings" || name === "infos") {
      const value = scan.value();
      if (Array.isArray(value)) notes[name] = value.map(String);
    } else scan.skip();
  });
  return { elements, ...notes };
}

function spanOf(context: FrontendContext, params: RequestParams): Span {
  const now = context.now();
  const { defaultRangeMs } = context.options.labels;
  const startMs = parseTimeParam(params.get("start"), "start", now - defaultRangeMs);
  const endMs = parseTimeParam(params.get("end"), "end", now);
  if (endMs < startMs) throw refused("end timestamp must not be before start time");
  return { startMs, endMs };
}

function union(parts: readonly Part[], kind: LabelsKind, limit: number): Part {
  const all = new Set(parts.flatMap((part) => part.elements));
  let elements: string[];
  if (kind === "series") {
    elements = sortByMetric([...all].map((metric) => ({ metric }))).map(({ metric }) => metric);
  } else {
    elements = [...all]
      .map((text) => ({ text, value: JSON.parse(text) as string }))
      .sort((a, b) => compareStrings(a.value, b.value))
      .map(({ text }) => text);
  }
  const warnings = new Set(parts.flatMap((part) => part.warnings));
  if (limit > 0 && elements.length > limit) {
    elements = elements.slice(0, limit);
    warnings.add(truncated);
  }
  return { elements, warnings: [...warnings], infos: [...new Set(parts.flatMap((p) => p.infos))] };
}

/** Null for what is no entry of `key`. */
function readEntry(bytes: Buffer, key: string, log: Log): Entry | null {
  try {
    const entry = JSON.parse(bytes.toString()) as Entry;
    return entry.key === key && Array.isArray(entry.elements) ? entry : null;
  } catch (error) {
    log.warn("an entry of the cache does not read", { err: messageOf(error) });
    return null;
  }
}

/** One part from the cache, or asked for and then kept. */
async function partOf(
  context: FrontendContext,
  request: FrontendRequest,
  span: Span,
  fetch: () => Promise<Part>,
): Promise<Part> {
  const { labelsCache: cache, stores, options, now, later, log } = context;
  const settled = now() - options.labels.freshnessMs;
  if (cache === null || span.endMs > settled || refusesCache(request.exchange)) return fetch();
  const path = `${request.prefix}/api/v1/stores`;
  const key = JSON.stringify([
    "labels",
    request.caller.cacheScope,
    request.exchange.path,
    span.startMs,
    span.endMs,
    request.params.keyWithout(keyed),
  ]);
  const [found, before] = await Promise.all([
    cache.get(key, request.exchange.signal),
    stores.stores(path, 5000),
  ]);
  if (before === "unsure") return fetch();
  const entry = found === null ? null : readEntry(found, key, log);
  if (entry !== null) {
    const then: StoreSet | null = entry.stores === null ? null : new Map(entry.stores);
    if (isCovered(then, before === "unknown" ? null : before, span.endMs)) {
      return { elements: entry.elements, warnings: [], infos: [] };
    }
  }
  const part = await fetch();
  if (part.warnings.length + part.infos.length > 0 || !isComplete(part)) return part;
  later(async () => {
    const after = await stores.stores(path, 0);
    if (after === "unsure") return;
    const set =
      before === "unknown" || after === "unknown" ? null : [...commonStores(before, after)];
    const entry: Entry = { key, elements: part.elements, stores: set };
    await cache.set(key, Buffer.from(JSON.stringify(entry)));
  });
  return part;
}

async function sendUnion(
  context: FrontendContext,
  request: FrontendRequest,
  answer: Part,
): Promise<void> {
  const { response } = request.exchange;
  response.setHeader("Content-Type", "application/json");
  if (!isComplete(answer)) response.setHeader("Cache-Control", "no-store");
  const notes = (["warnings", "infos"] as const)
    .filter((name) => answer[name].length > 0)
    .map((name) => `,"${name}":${JSON.stringify(answer[name])}`)
    .join("");
  const text = `{"status":"success","data":[${answer.elements.join(",")}]${notes}}`;
  await new ResponseBody(request.exchange, 200, context.options.compress).end(Buffer.from(text));
}

/** Answers a request for labels or series. Throws ApiError, FrontendError, DownstreamAnswer. */
export async function serveLabels(
  context: FrontendContext,
  given: FrontendRequest,
  kind: LabelsKind,
): Promise<void> {
  const { options } = context;
  const { exchange } = given;
  let { params } = given;
  parseBool(params.get("dedup"), "dedup", true);
  if (params.get("partial_response") === "") {
    params = params.with({ partial_response: String(options.labels.partialResponse) });
  }
  const limit = parseLimit(params.get("limit"));
  const request = { ...given, params };
  const span = spanOf(context, params);
  const parts = splitTime(span, options.labels.splitMs);
  context.metrics.splits.inc({ tripperware: "labels" }, parts.length);
  const sub = new SubRequests(exchange.signal, options.labels.parallel, 0);
  const fetch = (part: Span) =>
    sub.run(() =>
      ask(
        context,
        request,
        params.with({ start: timeText(part.startMs), end: timeText(part.endMs) }),
        {
          kind: "labels",
          triesMax: options.labels.triesMax,
          signal: sub.signal,
          method: kind === "label_values" ? "GET" : "POST",
        },
      ),
    );
  if (parts.length === 1 && context.labelsCache === null) {
    return sendReply(exchange, options.compress, await fetch(parts[0]!));
  }
  const answers = await Promise.all(
    parts.map((part) =>
      partOf(context, request, part, async () => readPart((await fetch(part)).body)),
    ),
  );
  await sendUnion(context, request, union(answers, kind, limit));
}
