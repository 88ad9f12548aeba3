// All blocks of a bucket as one source of series: what the store gateway serves.
import { setMaxListeners } from "node:events";
import { type Log, messageOf } from "@deucalion/base";
import type { BytePool, Xxhash64 } from "@deucalion/kernels";
import {
  type ChunkColumns,
  compareLabels,
  type LabelRequest,
  Labels,
  type Matcher,
  type SeriesBatch,
  type SeriesRequest,
  type SeriesSource,
  type SourceContext,
  type SourceInfo,
} from "@deucalion/model";
import type { Bucket } from "@deucalion/objstore";
import { decodeChunkInto } from "@deucalion/tsdb";
import type { IndexCache } from "../cache/index-cache.ts";
import { eachLimited } from "../each-limited.ts";
import { isLimit } from "../errors.ts";
import type { MetaView } from "../fetch/meta-fetcher.ts";
import { HeaderPool } from "../index-header/header-pool.ts";
import { PageCache } from "../index-header/page-cache.ts";
import { type BlockSet, chooseBlocks, groupBlocks } from "../meta/block-set.ts";
import { Admission, admissionDefaults } from "./admission.ts";
import { blockError } from "./block-io.ts";
import { type BlockCall, blockSeries } from "./block-series.ts";
import { BucketBlock, type BucketBlockDeps } from "./bucket-block.ts";
import { CallBudget } from "./call-budget.ts";
import { closeEstimate, roughEstimate } from "./estimate-call.ts";
import { answerKey, LabelAnswers } from "./label-answers.ts";
import { LabelMemos } from "./label-memo.ts";
import { blockLabelNames, blockLabelValues, overBlocks, sortedUnion } from "./label-queries.ts";
import { LentBatch } from "./lent-batch.ts";
import { mergeSeries } from "./merge-series.ts";
import { ReadAhead } from "./read-ahead.ts";
import { CallBuffers, ReadBuffers } from "./read-buffers.ts";
import type { ServeOptions } from "./serve-options.ts";
import { joinedTimeRanges, type TimeRange } from "./time-ranges.ts";
import { Turns } from "./turns.ts";

const labelBlocksAtOnce = 20;
const pieceBytesMin = 256 << 10;
/** Series entries that all blocks of all calls may hold at once. */
const seriesAtOnce = 80_000;
/** Index-headers made or opened at once. */
const headersAtOnce = 20;

/** Memory for reads of chunks that is kept while no call uses it. */
const readBytesKept = 48 << 20;
/** Memory for answers about labels. */
const answerBytes = 16 << 20;

/** What a call gives each of its blocks. */
type CallShare = Pick<BlockCall, "buffers" | "budget" | "options" | "pieceBytes">;

export interface BucketSourceDeps {
  readonly bucket: Bucket;
  /** Remembers what queries read of indexes. The caller closes it. */
  readonly indexCache?: IndexCache | undefined;
  /** Index-headers are kept here. */
  readonly dataDir: string;
  readonly xxhash: Xxhash64;
  /** Memory for chunks; without it each read that is not small gets memory of its own, or what is left of another. */
  readonly bytePool?: BytePool | undefined;
  readonly log: Log;
  /** Aborted when the process stops. */
  readonly signal: AbortSignal;
  /** Bounds of what is announced and served, ms; asked at each use since they may be relative to now. */
  readonly minTime?: () => number;
  readonly maxTime?: () => number;
  /** Memory for pages of index-headers, in bytes. */
  readonly pageBytes?: number;
  /** Keeps few index-headers open. */
  readonly pool?: HeaderPool;
  /** Every so manieth value of a label is kept in memory. */
  readonly sampling?: number;
  /** Memory for encoded labels, in bytes. */
  readonly memoBytes?: number;
  /** Told what a Series call has touched, when it ends. */
  readonly observe?: (budget: CallBudget, blocks: number) => void;
}

/** Serves the blocks of the last `update`. Blocks in use stay open until their last query ends. */
export class BucketSource implements SeriesSource {
  readonly #options: ServeOptions;
  readonly #deps: BucketSourceDeps;
  readonly #pages: PageCache;
  readonly #memos: LabelMemos;
  readonly #buffers: ReadBuffers;
  readonly #pool: HeaderPool;
  readonly #admission: Admission;
  readonly #answers = new LabelAnswers(answerBytes);
  readonly #opening = new Turns(headersAtOnce);
  /** Series calls that are running. */
  #calls = 0;
  #blocks = new Map<string, BucketBlock>();
  #sets: readonly BlockSet<BucketBlock>[] = [];
  #unreadable: ReadonlyMap<string, string> = new Map();

  constructor(options: ServeOptions, deps: BucketSourceDeps) {
    this.#options = options;
    this.#deps = deps;
    this.#buffers = new ReadBuffers(deps.bytePool === undefined ? readBytesKept : 0, deps.bytePool);
    this.#pages = new PageCache(deps.pageBytes ?? 64 << 20);
    this.#pool = deps.pool ?? new HeaderPool();
    this.#admission = new Admission({
      ...admissionDefaults,
      allMax: options.heldMax,
      callMax: options.callHeldMax,
    });
    this.#memos = new LabelMemos(deps.memoBytes ?? 64 << 20);
  }

  /** The blocks that are served, by ULID. */
  get blocks(): ReadonlyMap<string, BucketBlock> {
    return this.#blocks;
  }

  /** Takes over a new view of the bucket. Blocks that are gone are closed; failed ones are tried again. */
  update(view: Pick<MetaView, "metas" | "unreadable">): void {
    const blockDeps = this.#blockDeps();
    const next = new Map<string, BucketBlock>();
    for (const [id, meta] of view.metas) {
      const known = this.#blocks.get(id);
      if (known !== undefined && known.meta === meta) {
        next.set(id, known);
        known.forgetFailure();
      } else next.set(id, new BucketBlock(meta, blockDeps));
    }
    const before = this.#blocks;
    const same = (block: BucketBlock): boolean => before.get(block.id) === block;
    if (next.size !== before.size || ![...next.values()].every(same)) this.#answers.clear();
    this.#blocks = next;
    this.#sets = groupBlocks(next.values());
    this.#unreadable = view.unreadable;
    for (const [id, block] of before) {
      if (next.get(id) === block) continue;
      block.close();
      this.#memos.forget(id);
    }
  }

  #blockDeps(): BucketBlockDeps {
    const { bucket, dataDir, log, signal, sampling } = this.#deps;
    const closed = (id: string): void => this.#memos.forget(id);
    return { bucket, dataDir, log, signal, sampling, closed, pages: this.#pages, pool: this.#pool };
  }

  close(): void {
    for (const block of this.#blocks.values()) block.close();
    this.#blocks = new Map();
    this.#sets = [];
  }

  #clip(minTime: number, maxTime: number): { minTime: number; maxTime: number } {
    return {
      minTime: Math.max(minTime, this.#deps.minTime?.() ?? minTime),
      maxTime: Math.min(maxTime, this.#deps.maxTime?.() ?? maxTime),
    };
  }

  info(): SourceInfo {
    const labelSets = new Map<string, Labels>();
    let minTime = Number.MAX_SAFE_INTEGER;
    let maxTime = Number.MIN_SAFE_INTEGER;
    for (const { meta, labels } of this.#blocks.values()) {
      if (labels.size > 0) labelSets.set(labels.key, labels);
      minTime = Math.min(minTime, meta.minTime);
      maxTime = Math.max(maxTime, meta.maxTime);
    }
    const sorted = [...labelSets.values()].sort(compareLabels);
    const { seriesMax, samplesMax, bytesMax } = this.#options;
    // With limits for a call, what is asked for together could be refused where each alone is not.
    const bounded = seriesMax > 0 || samplesMax > 0 || bytesMax > 0;
    const range = this.#clip(minTime, maxTime);
    return { labelSets: sorted, ...range, ...(bounded ? {} : { anyOf: [] }) };
  }

  /** Time ranges of each label set, adjacent blocks joined. */
  timeRanges(): { labels: Labels; ranges: TimeRange[] }[] {
    return this.#sets.map((set) => {
      const blocks = set.blocks.flat();
      const ranges = joinedTimeRanges(blocks.map(({ meta }) => meta)).map((range) =>
        this.#clip(range.minTime, range.maxTime),
      );
      return { labels: blocks[0]?.labels ?? Labels.empty, ranges };
    });
  }

  async *series(request: SeriesRequest, context: SourceContext): AsyncIterable<SeriesBatch> {
    const budget = new CallBudget(this.#options);
    const { minTime, maxTime } = this.#clip(request.minTime, request.maxTime);
    const chosen = this.#choose({ ...request, minTime, maxTime });
    this.#warnUnreadable(request, context);
    for (const { block } of chosen) context.queriedBlock?.(block.id);
    const leave = await this.#admit(chosen, { ...request, minTime, maxTime }, context.signal);
    this.#calls++;
    const buffers = new CallBuffers(this.#buffers);
    const pieceBytes = (): number => this.#pieceBytes(chosen.length);
    // With many blocks or calls each may hold less at a time.
    const seriesBatch = Math.min(
      this.#options.seriesBatch,
      Math.max(256, Math.floor(seriesAtOnce / Math.max(1, chosen.length * this.#calls))),
    );
    const options = {
      ...this.#options,
      seriesBatch,
      entryBytes: Math.min(this.#options.entryBytes, 2 * pieceBytes()),
    };
    const { anyOf: _, ...rest } = request;
    const sources = chosen.map(({ block, matchers, anyOf }) => {
      const wanted: SeriesRequest = {
        ...rest,
        minTime,
        maxTime,
        matchers,
        ...(anyOf === undefined ? {} : { anyOf }),
      };
      return new ReadAhead(
        this.#blockSeries(block, wanted, { buffers, budget, options, pieceBytes }, context),
      );
    });
    try {
      const ended: ChunkColumns[] = [];
      let released = true;
      for await (const columns of mergeSeries(sources, request.limit ?? 0, ended)) {
        context.signal.throwIfAborted();
        const batch = new LentBatch(columns, decodeChunkInto);
        yield batch;
        released &&= batch.released;
        if (released)
          for (const piece of ended) for (const data of piece.buffers) buffers.give(data);
        ended.length = 0;
      }
    } finally {
      this.#calls--;
      leave();
      await Promise.all(sources.map((source) => source.close()));
      buffers.close();
      this.#deps.observe?.(budget, chosen.length);
    }
  }

  /** Lets the call in by what it will hold. Only where that could be much are index-headers looked at. */
  async #admit(
    chosen: readonly ChosenBlock[],
    request: SeriesRequest,
    signal: AbortSignal,
  ): Promise<() => void> {
    let bytes = 0;
    let series = 0;
    for (const { block } of chosen) {
      const rough = roughEstimate(block, request);
      bytes += rough.bytes;
      series += rough.series;
    }
    const blocks = chosen.length;
    if (this.#admission.isSmall(bytes))
      return this.#admission.admit({ bytes, series, blocks }, signal);
    bytes = 0;
    series = 0;
    await eachLimited(chosen, headersAtOnce, async (one) => {
      const { block } = one;
      block.acquire();
      try {
        const header = await this.#header(block, signal);
        const close = closeEstimate(block, header, request, one, this.#options);
        bytes += close.bytes;
        series += close.series;
      } catch (error) {
        // A block that cannot be read holds nothing; it is reported when it is read.
        if (signal.aborted) throw error;
      } finally {
        block.release();
      }
    });
    return this.#admission.admit({ bytes, series, blocks }, signal);
  }

  /** What each of so many blocks of a call may read at once: one piece is used, one is ready, one is on its way. */
  #pieceBytes(blocks: number): number {
    const { callBytes, sourceBytes, readBytesMax } = this.#options;
    const call = Math.min(callBytes, sourceBytes / Math.max(1, this.#calls));
    return Math.min(Math.max(call / (3 * Math.max(1, blocks)), pieceBytesMin), readBytesMax);
  }

  /** The blocks that answer a request, each with the matchers left for its series. */
  #choose(request: SeriesRequest): ChosenBlock[] {
    const chosen: ChosenBlock[] = [];
    for (const set of this.#sets) {
      const any = set.blocks[0]![0]!;
      const matchers = any.seriesMatchers(request.matchers);
      if (matchers === null) continue;
      const anyOf = request.anyOf === undefined ? undefined : leftOf(any, request.anyOf, matchers);
      if (anyOf?.length === 0) continue;
      const resolution = request.maxResolutionMs ?? 0;
      for (const block of chooseBlocks(set, request.minTime, request.maxTime, resolution)) {
        if (block.matchesBlock(request.blockMatchers ?? []))
          chosen.push({ block, matchers, anyOf });
      }
    }
    return chosen;
  }

  /** Blocks that are in the bucket but cannot be read at all may hold what is asked for. */
  #warnUnreadable(request: SeriesRequest | LabelRequest, context: SourceContext): void {
    if (request.partialResponse === "abort") return;
    for (const [id, reason] of this.#unreadable)
      context.warn(`block ${id} is not served: ${reason}`);
  }

  async *#blockSeries(
    block: BucketBlock,
    request: SeriesRequest,
    share: CallShare,
    context: SourceContext,
  ): AsyncGenerator<ChunkColumns> {
    const damage = new Damage(block.id, request.partialResponse === "abort");
    block.acquire();
    try {
      const header = await this.#header(block, context.signal);
      const call = this.#call(share, damage, context);
      yield* blockSeries(block, header, request, call);
    } catch (error) {
      damage.fail(error, context.signal);
    } finally {
      block.release();
      damage.report(context.warn);
    }
  }

  #call(share: CallShare, damage: Damage, context: SourceContext): BlockCall {
    return {
      ...share,
      bucket: this.#deps.bucket,
      indexCache: this.#deps.indexCache,
      xxhash: this.#deps.xxhash,
      memos: this.#memos,
      signal: context.signal,
      damaged: (message) => damage.add(message),
    };
  }

  /** The header, or the signal's reason if that comes first. */
  #header(block: BucketBlock, signal: AbortSignal): ReturnType<BucketBlock["header"]> {
    // Every block of the call listens while its header is opened.
    setMaxListeners(0, signal);
    return new Promise((resolve, reject) => {
      const stop = (): void => reject(signal.reason as Error);
      if (signal.aborted) stop();
      else signal.addEventListener("abort", stop, { once: true });
      this.#opening
        .run(() => block.header())
        .then(resolve, reject)
        .finally(() => signal.removeEventListener("abort", stop));
    });
  }

  labelNames(request: LabelRequest, context: SourceContext): Promise<string[]> {
    return this.#labels(null, request, context, (block, header, matchers, call) =>
      blockLabelNames(block, header, matchers, request, call),
    );
  }

  labelValues(name: string, request: LabelRequest, context: SourceContext): Promise<string[]> {
    return this.#labels(name, request, context, (block, header, matchers, call) =>
      blockLabelValues(block, header, name, matchers, request, call),
    );
  }

  async #labels(
    name: string | null,
    request: LabelRequest,
    context: SourceContext,
    ask: (
      block: BucketBlock,
      header: Awaited<ReturnType<BucketBlock["header"]>>,
      matchers: readonly Matcher[],
      call: BlockCall,
    ) => Promise<Set<string>>,
  ): Promise<string[]> {
    const budget = new CallBudget(this.#options);
    const buffers = new CallBuffers(this.#buffers);
    const share = { buffers, budget, options: this.#options, pieceBytes: () => 0 };
    this.#warnUnreadable(request, context);
    const { minTime, maxTime } = this.#clip(request.minTime, request.maxTime);
    const asked: { block: BucketBlock; matchers: Matcher[]; id: string; whole: boolean }[] = [];
    for (const block of this.#blocks.values()) {
      if (!block.overlaps(minTime, maxTime)) continue;
      if (!block.matchesBlock(request.blockMatchers ?? [])) continue;
      const matchers = block.seriesMatchers(request.matchers);
      if (matchers === null) continue;
      const { id, meta } = block;
      context.queriedBlock?.(id);
      asked.push({
        block,
        matchers,
        id,
        whole: minTime <= meta.minTime && meta.maxTime <= maxTime + 1,
      });
    }
    const key = answerKey(name, request, asked);
    const known = this.#answers.get(key);
    if (known !== undefined) return known as string[];
    let complete = true;
    const warn = (message: string): void => {
      complete = false;
      context.warn(message);
    };
    const blocks = this.#blocks;
    const sets = await overBlocks(asked, labelBlocksAtOnce, async ({ block, matchers }) => {
      const damage = new Damage(block.id, request.partialResponse === "abort");
      block.acquire();
      try {
        const header = await this.#header(block, context.signal);
        return await ask(block, header, matchers, this.#call(share, damage, context));
      } catch (error) {
        damage.fail(error, context.signal);
        return undefined;
      } finally {
        block.release();
        damage.report(warn);
      }
    });
    const answer = sortedUnion(sets, request.limit ?? 0);
    if (complete && blocks === this.#blocks) this.#answers.put(key, answer);
    return answer;
  }
}

interface ChosenBlock {
  readonly block: BucketBlock;
  /** Those left for the series. */
  readonly matchers: Matcher[];
  readonly anyOf: Matcher[][] | undefined;
}

/** The alternatives that external labels leave, each with the matchers left for the series; undefined where one has none. */
function leftOf(
  block: BucketBlock,
  alternatives: readonly (readonly Matcher[])[],
  common: readonly Matcher[],
): Matcher[][] | undefined {
  const left: Matcher[][] = [];
  for (const alternative of alternatives) {
    const matchers = block.seriesMatchers(alternative);
    if (matchers === null) continue;
    if (matchers.length > 0) left.push(matchers);
    // Nobody gets all series of a block.
    else if (common.length > 0) return undefined;
  }
  return left;
}

/** What is wrong with one block during one call: an error at once, or one warning at the end. */
class Damage {
  readonly #block: string;
  readonly #abort: boolean;
  #first = "";
  #count = 0;
  #failure = "";

  constructor(block: string, abort: boolean) {
    this.#block = block;
    this.#abort = abort;
  }

  /** A chunk or a series is left out. */
  add(message: string): void {
    if (this.#abort) throw blockError(this.#block, message);
    if (this.#count++ === 0) this.#first = message;
  }

  /** The rest of the block is left out. Limits and an aborted call are not the block's fault. */
  fail(error: unknown, signal: AbortSignal): void {
    signal.throwIfAborted();
    if (isLimit(error)) throw error;
    if (this.#abort) {
      const named = messageOf(error).startsWith(`block ${this.#block}: `);
      throw named ? error : blockError(this.#block, messageOf(error), error);
    }
    this.#failure = messageOf(error);
  }

  report(warn: (message: string) => void): void {
    if (this.#failure !== "") warn(`block ${this.#block}: ${this.#failure}`);
    if (this.#count === 0) return;
    const rest = this.#count === 1 ? "" : ` (and ${this.#count - 1} more in this block)`;
    warn(`block ${this.#block}: data left out: ${this.#first}${rest}`);
  }
}
