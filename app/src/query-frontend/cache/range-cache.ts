// Answers of range queries by extents: what is known is taken from the cache, only the rest is asked for.
import { type Log, messageOf } from "@deucalion/base";
import { isComplete, mergeSeries } from "../answers/merge-answers.ts";
import type { RangeAnswer } from "../answers/read-answer.ts";
import { joinRows, type Row, sliceRow } from "../answers/row.ts";
import type { Span } from "../plan/split.ts";
import { commonStores, isCovered, type StoreAnswer, type StoreSet } from "../stores-watch.ts";
import { decodeEntry, type Extent, encodeEntry } from "./entry-codec.ts";
import type { ResultCache } from "./result-cache.ts";
import { thinExtent } from "./thin-extent.ts";

/** One part of a range, whose steps belong to one entry. */
export interface CachedPart {
  readonly key: string;
  readonly span: Span;
  readonly stepMs: number;
  /** Steps after this time may still change. */
  readonly settledMs: number;
  /** Keys of entries on finer grids that have all times of this one. Asked for only where something is missing. */
  readonly finer: () => Promise<readonly string[]>;
}

export interface RangeCacheDeps {
  readonly cache: ResultCache;
  readonly compress: boolean;
  readonly log: Log;
  /** Ends the wait for the cache. */
  readonly signal: AbortSignal;
  /** The stores now: as they were at most so many ms ago, 0 for just now. */
  readonly stores: (ageMs: number) => Promise<StoreAnswer>;
}

/** How old the set of stores may be that extents are held against. */
const storesAgeMs = 5000;

interface Found {
  readonly extent: Extent;
  readonly span: Span;
}

function known(stores: StoreAnswer): StoreSet | null {
  return typeof stores === "string" ? null : stores;
}

function sliced(rows: readonly Row[], span: Span): Row[] {
  const out: Row[] = [];
  for (const row of rows) {
    const piece = sliceRow(row, span.startMs, span.endMs);
    if (piece !== null) out.push(piece);
  }
  return out;
}

/** Where an extent can stand for a part. What PromQL said of it holds for all of it, not for a piece. */
function usable(extent: Extent, span: Span, stepMs: number, now: StoreAnswer): Span | null {
  const startMs = Math.max(extent.startMs, span.startMs);
  const endMs = Math.min(extent.endMs, span.endMs);
  if (startMs > endMs || (startMs - extent.startMs) % stepMs !== 0) return null;
  if (now !== "unsure" && !isCovered(extent.stores, known(now), extent.endMs)) return null;
  if (now === "unsure" && extent.stores !== null) return null;
  const whole = startMs === extent.startMs && endMs === extent.endMs;
  if (!whole && (extent.warnings.length > 0 || extent.infos.length > 0)) return null;
  return { startMs, endMs };
}

/** Extents that answer pieces of a span, in the order of time. `extents` are in that order. */
function pick(extents: readonly Extent[], wanted: Span, stepMs: number, now: StoreAnswer): Found[] {
  const found: Found[] = [];
  let at = wanted.startMs;
  for (const extent of extents) {
    const span = usable(extent, { ...wanted, startMs: at }, stepMs, now);
    if (span === null) continue;
    found.push({ extent, span });
    at = span.endMs + stepMs;
  }
  return found;
}

function gaps(found: readonly Found[], span: Span, stepMs: number): Span[] {
  const out: Span[] = [];
  let at = span.startMs;
  for (const { span: part } of found) {
    if (part.startMs > at) out.push({ startMs: at, endMs: part.startMs - stepMs });
    at = part.endMs + stepMs;
  }
  if (at <= span.endMs) out.push({ startMs: at, endMs: span.endMs });
  return out;
}

function equalTexts(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i]);
}

/** Extents that follow each other without a hole, without notes, become one. */
function united(extents: readonly Extent[], stepMs: number): Extent[] {
  const out: Extent[] = [];
  for (const extent of [...extents].sort((a, b) => a.startMs - b.startMs)) {
    const last = out.at(-1);
    if (last !== undefined && extent.startMs <= last.endMs) continue;
    const joins =
      last !== undefined &&
      extent.startMs === last.endMs + stepMs &&
      equalTexts([...last.warnings, ...last.infos], []) &&
      equalTexts([...extent.warnings, ...extent.infos], []) &&
      (last.stores === null) === (extent.stores === null);
    if (!joins) {
      out.push(extent);
      continue;
    }
    out[out.length - 1] = {
      ...last,
      endMs: extent.endMs,
      rows: mergeSeries([last.rows, extent.rows]).map(({ pieces }) => joinRows(pieces)),
      stores:
        last.stores === null || extent.stores === null
          ? null
          : commonStores(last.stores, extent.stores),
    };
  }
  return out;
}

async function load(key: string, deps: RangeCacheDeps, signal?: AbortSignal): Promise<Extent[]> {
  const entry = await deps.cache.get(key, signal);
  if (entry === null) return [];
  try {
    return decodeEntry(entry, key);
  } catch (error) {
    deps.log.warn("an entry of the cache does not read", { err: messageOf(error) });
    return [];
  }
}

/** Fills what is missing from entries on finer grids. */
async function withFiner(
  own: readonly Found[],
  part: CachedPart,
  deps: RangeCacheDeps,
  now: StoreAnswer,
): Promise<readonly Found[]> {
  const { span, stepMs } = part;
  if (gaps(own, span, stepMs).length === 0) return own;
  let found = own;
  for (const key of await part.finer()) {
    const fine = await load(key, deps, deps.signal);
    const grid = { stepMs, startMs: span.startMs };
    const thin = fine.flatMap((extent) => thinExtent(extent, grid) ?? []);
    const more = gaps(found, span, stepMs).flatMap((gap) => pick(thin, gap, stepMs, now));
    found = [...found, ...more].sort((a, b) => a.span.startMs - b.span.startMs);
    if (gaps(found, span, stepMs).length === 0) break;
  }
  return found;
}

/** An extent of what was just asked for; null if it is not settled, or something was missing. */
function freshExtent(
  answer: RangeAnswer,
  span: Span,
  part: CachedPart,
  stores: StoreSet | null,
): Extent | null {
  if (!isComplete(answer)) return null;
  const { stepMs, settledMs } = part;
  const steps = Math.floor((Math.min(span.endMs, settledMs) - span.startMs) / stepMs);
  if (steps < 0) return null;
  const endMs = span.startMs + steps * stepMs;
  const whole = endMs === span.endMs;
  // Cut in pieces, nobody knows of which piece PromQL spoke.
  if (!whole && (answer.warnings.length > 0 || answer.infos.length > 0)) return null;
  return {
    startMs: span.startMs,
    endMs,
    rows: whole ? answer.rows : sliced(answer.rows, { startMs: span.startMs, endMs }),
    warnings: answer.warnings,
    infos: answer.infos,
    stores,
    analysis: answer.analysis,
  };
}

function answerOf({ extent, span }: Found): RangeAnswer {
  const whole = span.startMs === extent.startMs && span.endMs === extent.endMs;
  return {
    rows: whole ? extent.rows : sliced(extent.rows, span),
    warnings: extent.warnings,
    infos: extent.infos,
    stats: undefined,
    analysis: extent.analysis,
    more: new Map(),
  };
}

/** What became of a part: the answers in the order of time, and the work of keeping them. */
export interface CachedAnswer {
  readonly answers: readonly RangeAnswer[];
  /** Puts what is new into the cache; null if nothing is. */
  readonly keep: (() => Promise<void>) | null;
  /** The cache has something under the part's key, or will have. */
  readonly known: boolean;
}

/** Answers a part. `ask` asks the querier for a gap. Throws what `ask` throws. */
export async function throughCache(
  part: CachedPart,
  deps: RangeCacheDeps,
  ask: (span: Span) => Promise<RangeAnswer>,
): Promise<CachedAnswer> {
  const [extents, before] = await Promise.all([
    load(part.key, deps, deps.signal),
    deps.stores(storesAgeMs),
  ]);
  const own = pick(extents, part.span, part.stepMs, before);
  const found = await withFiner(own, part, deps, before);
  const missing = gaps(found, part.span, part.stepMs);
  const asked = await Promise.all(missing.map(ask));
  const answers = [
    ...found.map((one) => ({ startMs: one.span.startMs, answer: answerOf(one) })),
    ...missing.map((span, i) => ({ startMs: span.startMs, answer: asked[i]! })),
  ]
    .sort((a, b) => a.startMs - b.startMs)
    .map(({ answer }) => answer);
  const had = extents.length > 0;
  if (missing.length === 0 || before === "unsure") return { answers, keep: null, known: had };
  const worth = missing.some((span, i) => freshExtent(asked[i]!, span, part, null) !== null);
  if (!worth) return { answers, keep: null, known: had };
  const keep = async (): Promise<void> => {
    const after = await deps.stores(0);
    if (after === "unsure") return;
    const stores =
      typeof before === "string" || typeof after === "string" ? null : commonStores(before, after);
    const fresh: Extent[] = [];
    missing.forEach((span, i) => {
      const extent = freshExtent(asked[i]!, span, part, stores);
      if (extent !== null) fresh.push(extent);
    });
    // Somebody else may have brought more meanwhile; what still holds stays.
    const latest = await load(part.key, deps);
    const old = latest.filter(
      (extent) =>
        isCovered(extent.stores, known(after), extent.endMs) &&
        !fresh.some((one) => one.startMs <= extent.endMs && extent.startMs <= one.endMs),
    );
    const all = united([...fresh, ...old], part.stepMs);
    await deps.cache.set(part.key, encodeEntry(part.key, part.stepMs, all, deps.compress));
  };
  return { answers, keep, known: true };
}
