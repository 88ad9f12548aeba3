// Everything that a compactor would do from a view of a bucket on, without doing it.
import type { BlockMeta } from "../meta/block-meta.ts";
import { type CompactionGroup, compactionGroups, describeGroup } from "./compaction-group.ts";
import { planDownsampling } from "./plan-downsample.ts";
import { compareByMinTime, overlappingRun, planGroup } from "./plan-group.ts";
import { type Retention, retentionEnd } from "./plan-retention.ts";

export interface PlannedCompaction {
  readonly group: string;
  readonly sources: readonly string[];
  readonly minTime: number;
  readonly maxTime: number;
  readonly level: number;
  /** Sources overlap: samples are merged, not only copied. */
  readonly vertical: boolean;
  /** 0 for what can run now; 1 for what needs a result of that, and so on. */
  readonly wave: number;
}

export interface PlannedDownsampling {
  readonly source: string;
  readonly resolutionMs: number;
}

export interface BlockedBlock {
  readonly block: string;
  readonly what: "compaction" | "downsampling" | "everything";
  readonly reason: string;
}

export interface PlannedDeletion {
  readonly block: string;
  readonly reason: string;
  /** Milliseconds since the epoch. */
  readonly atMs: number;
}

/** What there is to do. */
export interface CompactionPlan {
  readonly compactions: readonly PlannedCompaction[];
  readonly downsamplings: readonly PlannedDownsampling[];
  readonly blocked: readonly BlockedBlock[];
  readonly deletions: readonly PlannedDeletion[];
}

export interface PlanInput {
  readonly metas: Iterable<BlockMeta>;
  /** Blocks with a no-compact mark, and why. */
  readonly noCompact: ReadonlyMap<string, string>;
  readonly noDownsample: ReadonlyMap<string, string>;
  /** Blocks that are marked for deletion: when they were marked, ms. */
  readonly deleted: ReadonlyMap<string, number>;
  /** Blocks whose meta.json cannot be used, and why. */
  readonly unreadable: ReadonlyMap<string, string>;
  readonly rangesMs: readonly number[];
  readonly retention: Retention;
  readonly deleteDelayMs: number;
  readonly downsampling: boolean;
}

/** Steps that simulation of one group may take; far more than any group needs. */
const stepsMax = 10_000;

/** The compactions of a group, one after the other, each assumed to succeed. */
export function planCompactions(
  group: CompactionGroup,
  rangesMs: readonly number[],
  excluded: ReadonlySet<string>,
): PlannedCompaction[] {
  const planned: PlannedCompaction[] = [];
  const waves = new Map<string, number>();
  let blocks = [...group.blocks];
  for (let step = 0; step < stepsMax && blocks.length > 1; step++) {
    const plan = planGroup(blocks, rangesMs, excluded);
    if (plan.length === 0) break;
    const result = simulated(plan, `${group.key}/${step}`);
    const before = plan.map(({ ulid }) => waves.get(ulid) ?? -1);
    waves.set(result.ulid, Math.max(...before) + 1);
    planned.push({
      group: describeGroup(group),
      sources: plan.map(({ ulid }) => ulid),
      minTime: result.minTime,
      maxTime: result.maxTime,
      level: result.compaction.level,
      vertical: overlappingRun(plan).length > 0,
      wave: Math.max(...before) + 1,
    });
    const gone = new Set(plan);
    blocks = [...blocks.filter((block) => !gone.has(block)), result].sort(compareByMinTime);
  }
  return planned;
}

/** The block that a plan would give, as far as planning looks at it. */
export function simulated(plan: readonly BlockMeta[], ulid: string): BlockMeta {
  const first = plan[0]!;
  return {
    ...first,
    ulid,
    minTime: Math.min(...plan.map((block) => block.minTime)),
    maxTime: Math.max(...plan.map((block) => block.maxTime)),
    stats: {},
    compaction: {
      level: Math.max(...plan.map((block) => block.compaction.level)) + 1,
      sources: plan.flatMap((block) => block.compaction.sources),
    },
  };
}

/** The whole plan; groups in order, compactions of a group in the order in which they run. */
export function planAll(input: PlanInput): CompactionPlan {
  const metas = [...input.metas];
  const excluded = new Set(input.noCompact.keys());
  const compactions = compactionGroups(metas).flatMap((group) =>
    planCompactions(group, input.rangesMs, excluded),
  );
  const downsamplings = input.downsampling
    ? planDownsampling(metas, input.noDownsample).map(({ source, resolutionMs }) => ({
        source: source.ulid,
        resolutionMs,
      }))
    : [];
  const blocked: BlockedBlock[] = [];
  const block = (
    list: ReadonlyMap<string, string>,
    what: BlockedBlock["what"],
    only: (id: string) => boolean,
  ): void => {
    for (const [id, reason] of list) if (only(id)) blocked.push({ block: id, what, reason });
  };
  const known = new Set(metas.map(({ ulid }) => ulid));
  block(input.noCompact, "compaction", (id) => known.has(id));
  block(input.noDownsample, "downsampling", (id) => known.has(id));
  block(input.unreadable, "everything", () => true);
  const deletions: PlannedDeletion[] = [];
  for (const [id, markedMs] of input.deleted) {
    deletions.push({ block: id, reason: "marked", atMs: markedMs + input.deleteDelayMs });
  }
  for (const meta of metas) {
    const end = retentionEnd(meta, input.retention);
    if (end === undefined || input.deleted.has(meta.ulid)) continue;
    deletions.push({ block: meta.ulid, reason: "retention", atMs: end });
  }
  deletions.sort((a, b) => a.atMs - b.atMs || (a.block < b.block ? -1 : 1));
  return { compactions, downsamplings, blocked, deletions };
}
