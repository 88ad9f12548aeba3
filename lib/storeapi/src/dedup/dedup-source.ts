// A source whose series are free of replicas: what PromQL reads. Also turns downsampled chunks into samples.
import {
  type Aggregate,
  type ChunkDecoder,
  giveColumns,
  type LabelBytes,
  type LabelRequest,
  mergeChain,
  mergeFill,
  mergePenalty,
  SampleColumns,
  type SeriesBatch,
  type SeriesRequest,
  type SeriesSource,
  type ShardSelector,
  type SourceContext,
  type SourceInfo,
  splitOverlaps,
  takeColumns,
} from "@deucalion/model";
import { aggregatesFor, isPenaltyCounter, readsCounter, resolutionFor } from "./aggregates.ts";
import { addUnits, type ChunkUnit, sortUnits, UnitReader } from "./chunk-units.ts";
import {
  type LoneSeries,
  type Member,
  type ReplicaGroup,
  replicaGroups,
} from "./replica-groups.ts";
import { type StrippedBatch, strippedOf } from "./strip-batch.ts";

/** How replicas are merged: ours, Thanos' two, or not at all. */
export type DedupFunc = "fill" | "penalty" | "chain" | "none";

export interface DedupOptions {
  readonly func: DedupFunc;
  /** Labels that tell replicas apart. None: nothing is merged. */
  readonly replicaLabels: readonly string[];
  /** Coarsest resolution that the query accepts, in ms. */
  readonly maxResolutionMs: number;
}

export interface DedupDeps {
  readonly decode: ChunkDecoder;
}

/** Data read around the window, in ms, so that `fill` decides at its edges as it would within. */
export const fillMarginMs = 1_800_000;

interface ReadPlan {
  readonly func: DedupFunc;
  readonly counter: boolean;
  readonly reader: UnitReader;
  readonly minTime: number;
  readonly maxTime: number;
}

/** A batch of groups; samples are decoded and merged when they are asked for. */
class GroupBatch implements SeriesBatch {
  readonly chunks = null;
  readonly #groups: readonly ReplicaGroup[];
  readonly #plan: ReadPlan;

  constructor(groups: readonly ReplicaGroup[], plan: ReadPlan) {
    this.#groups = groups;
    this.#plan = plan;
  }

  get seriesCount(): number {
    return this.#groups.length;
  }

  labels(series: number): LabelBytes {
    return this.#groups[series]!.labels;
  }

  samplesInto(series: number, out: SampleColumns): void {
    mergeMembers(this.#groups[series]!.members, this.#plan, out);
  }
}

/** Series that have no replicas, in the batch they came in. `from` is null where labels stay as they are. */
class LoneBatch implements SeriesBatch {
  readonly chunks = null;
  readonly seriesCount: number;
  readonly #batch: SeriesBatch;
  readonly #from: StrippedBatch | null;
  readonly #series: Uint32Array | null;
  readonly #plan: ReadPlan;

  constructor(batch: SeriesBatch, plan: ReadPlan, lone: LoneSeries | null, count: number) {
    this.#batch = batch;
    this.#plan = plan;
    this.#from = lone === null ? null : lone.from;
    this.#series = lone === null ? null : lone.series;
    this.seriesCount = count;
  }

  labels(series: number): LabelBytes {
    if (this.#from === null || this.#series === null) return this.#batch.labels(series);
    const { data, start, end } = this.#from;
    const at = this.#series[series]!;
    return { data: data[at]!, start: start[at]!, end: end[at]! };
  }

  samplesInto(series: number, out: SampleColumns): void {
    const plan = this.#plan;
    const at = this.#series === null ? series : this.#series[series]!;
    if (plan.func === "none" || plan.func === "fill") readSeries(this.#batch, at, plan.reader, out);
    else if (this.#from !== null) {
      const member = { batch: this.#batch, series: at, stripped: strippedOf(this.#from, at) };
      mergeMembers([member], plan, out);
    }
  }
}

function readSeries(batch: SeriesBatch, series: number, reader: UnitReader, out: SampleColumns) {
  if (batch.chunks === null) batch.samplesInto(series, out);
  else reader.readSeries(batch, series, out);
}

/** The samples of a series that all its replicas make together. */
function mergeMembers(members: readonly Member[], plan: ReadPlan, out: SampleColumns): void {
  if (plan.func === "none") readMembers(members, plan.reader, out);
  else if (plan.func === "fill") {
    if (isOneReplica(members)) readMembers(members, plan.reader, out);
    else mergeReplicas(members, plan, out);
  } else mergeOverlaps(members, plan, out);
}

/** All samples of the members, merged by time. */
function readMembers(members: readonly Member[], reader: UnitReader, out: SampleColumns): void {
  if (members.length === 1) {
    const { batch, series } = members[0]!;
    readSeries(batch, series, reader, out);
    return;
  }
  const units: ChunkUnit[] = [];
  for (const { batch, series } of members) {
    if (batch.chunks === null) batch.samplesInto(series, out);
    else addUnits(batch, series, units);
  }
  if (units.length > 0) reader.read(sortUnits(units), out);
}

function isOneReplica(members: readonly Member[]): boolean {
  for (let i = 1; i < members.length; i++) {
    if (members[i]!.stripped.replica !== members[0]!.stripped.replica) return false;
  }
  return true;
}

function mergeReplicas(members: readonly Member[], plan: ReadPlan, out: SampleColumns): void {
  const replicas: SampleColumns[] = [];
  try {
    readReplicas(members, plan, replicas);
    mergeFill(replicas, { counter: plan.counter }, out);
  } finally {
    for (const columns of replicas) giveColumns(columns);
  }
}

/** Columns for each replica, in order of the values of their replica labels. */
function readReplicas(members: readonly Member[], plan: ReadPlan, replicas: SampleColumns[]): void {
  for (let from = 0; from < members.length; ) {
    const name = members[from]!.stripped.replica;
    let to = from + 1;
    while (to < members.length && members[to]!.stripped.replica === name) to++;
    const columns = takeColumns();
    replicas.push(columns);
    readMembers(members.slice(from, to), plan.reader, columns);
    from = to;
  }
}

function mergeOverlaps(members: readonly Member[], plan: ReadPlan, out: SampleColumns): void {
  const taken: SampleColumns[] = [];
  try {
    const replicas = byOverlap(members, plan, taken);
    if (plan.func === "penalty") mergePenalty(replicas, plan.counter, out);
    else mergeChain(replicas, out);
  } finally {
    for (const columns of taken) giveColumns(columns);
  }
}

/** Columns for each of Thanos' "fake replicas": chunks of all members dealt so that none overlap. `taken` are to be given back. */
function byOverlap(
  members: readonly Member[],
  plan: ReadPlan,
  taken: SampleColumns[],
): SampleColumns[] {
  const units: ChunkUnit[] = [];
  const replicas: SampleColumns[] = [];
  for (const { batch, series } of members) {
    if (batch.chunks === null) {
      const columns = takeColumns();
      taken.push(columns);
      batch.samplesInto(series, columns);
      replicas.push(bounded(columns, plan));
    } else {
      addUnits(batch, series, units);
    }
  }
  const sorted = sortUnits(units);
  const { replicaOf, replicaCount } = splitOverlaps(
    sorted.map((unit) => unit.minTime),
    sorted.map((unit) => unit.maxTime),
  );
  for (let replica = 0; replica < replicaCount; replica++) {
    const columns = takeColumns();
    taken.push(columns);
    plan.reader.read(
      sorted.filter((_, i) => replicaOf[i] === replica),
      columns,
    );
    replicas.push(bounded(columns, plan));
  }
  return replicas;
}

/** Only the samples within the window: Thanos' merges begin at its start. */
function bounded(columns: SampleColumns, plan: ReadPlan): SampleColumns {
  const { count, times } = columns;
  if (count === 0 || (times[0]! >= plan.minTime && times[count - 1]! <= plan.maxTime))
    return columns;
  const cut = new SampleColumns(count);
  for (let i = 0; i < count; i++) {
    if (times[i]! >= plan.minTime && times[i]! <= plan.maxTime) cut.pushFrom(columns, i);
  }
  return cut;
}

function shardWithout(shard: ShardSelector, replicaLabels: readonly string[]): ShardSelector {
  if (shard.by)
    return { ...shard, labels: shard.labels.filter((name) => !replicaLabels.includes(name)) };
  return { ...shard, labels: [...new Set([...shard.labels, ...replicaLabels])] };
}

/** Merges the replicas that another source holds. */
export class DedupSource implements SeriesSource {
  readonly #source: SeriesSource;
  readonly #options: DedupOptions;
  readonly #deps: DedupDeps;

  constructor(source: SeriesSource, options: DedupOptions, deps: DedupDeps) {
    this.#source = source;
    this.#options = options;
    this.#deps = deps;
  }

  /** The source whose replicas are merged. */
  get inner(): SeriesSource {
    return this.#source;
  }

  get options(): DedupOptions {
    return this.#options;
  }

  get #active(): boolean {
    return this.#options.func !== "none" && this.#options.replicaLabels.length > 0;
  }

  /** False only where every store tells its labels and none has a replica label outside its series. */
  #mayHaveReplicas(): boolean {
    const { labelSets } = this.#source.info();
    const names = this.#options.replicaLabels;
    return (
      labelSets.length === 0 || labelSets.some((labels) => names.some((name) => labels.has(name)))
    );
  }

  #upstream(request: SeriesRequest, func: string): SeriesRequest {
    const active = this.#active;
    const margin =
      active &&
      this.#options.func === "fill" &&
      request.skipChunks !== true &&
      this.#mayHaveReplicas();
    const { shard, limit, ...rest } = request;
    return {
      ...rest,
      minTime: margin ? request.minTime - fillMarginMs : request.minTime,
      maxTime: margin ? request.maxTime + fillMarginMs : request.maxTime,
      aggregates: aggregatesFor(func),
      maxResolutionMs: resolutionFor(
        request.hints,
        request.maxResolutionMs ?? this.#options.maxResolutionMs,
      ),
      ...(limit !== undefined && !active ? { limit } : {}),
      ...(shard === undefined
        ? {}
        : { shard: active ? shardWithout(shard, this.#options.replicaLabels) : shard }),
    };
  }

  async *series(request: SeriesRequest, context: SourceContext): AsyncGenerator<SeriesBatch> {
    const func = request.hints?.func ?? "";
    const upstream = this.#upstream(request, func);
    const aggregates: readonly Aggregate[] = upstream.aggregates!;
    const dedup = this.#active ? this.#options.func : "none";
    const plan: ReadPlan = {
      func: dedup,
      counter: dedup === "penalty" ? isPenaltyCounter(func) : readsCounter(func),
      reader: new UnitReader(this.#deps.decode, aggregates),
      minTime: request.minTime,
      maxTime: request.maxTime,
    };
    const batches = this.#source.series(upstream, context);
    if (dedup === "none") {
      for await (const batch of batches) {
        yield batch.chunks === null ? batch : new LoneBatch(batch, plan, null, batch.seriesCount);
      }
      return;
    }
    let left =
      request.limit !== undefined && request.limit > 0 ? request.limit : Number.POSITIVE_INFINITY;
    for await (const block of replicaGroups(batches, this.#options.replicaLabels)) {
      const count = block.kind === "lone" ? block.count : block.groups.length;
      const kept = Math.min(count, left);
      if (block.kind === "lone") yield new LoneBatch(block.from.batch, plan, block, kept);
      else yield new GroupBatch(block.groups.slice(0, kept), plan);
      left -= kept;
      if (left <= 0) return;
    }
  }

  labelNames(request: LabelRequest, context: SourceContext): Promise<string[]> {
    return this.#source.labelNames(this.#labelRequest(request), context);
  }

  labelValues(name: string, request: LabelRequest, context: SourceContext): Promise<string[]> {
    return this.#source.labelValues(name, this.#labelRequest(request), context);
  }

  #labelRequest(request: LabelRequest): LabelRequest {
    return this.#active
      ? { ...request, withoutReplicaLabels: this.#options.replicaLabels }
      : request;
  }

  info(): SourceInfo {
    const info = this.#source.info();
    if (info.anyOf === undefined || !this.#active) return info;
    return { ...info, anyOf: [...info.anyOf, ...this.#options.replicaLabels] };
  }
}
