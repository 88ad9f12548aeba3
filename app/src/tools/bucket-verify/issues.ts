// The issues that `tools bucket verify` looks for.
import { type Log, messageOf } from "@deucalion/base";
import {
  type BlockMeta,
  compactionGroups,
  describeGroup,
  healthIssues,
  overlappingRun,
  readBlockHealth,
} from "@deucalion/blocks";
import type { Bucket } from "@deucalion/objstore";

/** What every check is given. */
export interface VerifyContext {
  readonly bucket: Bucket;
  readonly log: Log;
  readonly metas: ReadonlyMap<string, BlockMeta>;
  /** True for the blocks to look at. */
  readonly wanted: (id: string) => boolean;
  readonly signal: AbortSignal;
}

/** Blocks that overlap, by group. */
function overlaps(metas: Iterable<BlockMeta>): { group: string; blocks: readonly BlockMeta[] }[] {
  const found: { group: string; blocks: readonly BlockMeta[] }[] = [];
  for (const group of compactionGroups(metas)) {
    let rest = group.blocks;
    for (;;) {
      const run = overlappingRun(rest);
      if (run.length === 0) break;
      found.push({ group: describeGroup(group), blocks: run });
      rest = rest.slice(rest.indexOf(run.at(-1)!) + 1);
    }
  }
  return found;
}

/** Reports overlaps. Returns how many. */
export function verifyOverlaps({ log, metas }: VerifyContext): number {
  const found = overlaps(metas.values());
  for (const { group, blocks } of found) {
    log.warn("found overlapped blocks", {
      group,
      overlap: blocks.map(({ ulid, minTime, maxTime }) => `${ulid} [${minTime}, ${maxTime})`),
    });
  }
  return found.length;
}

/** Blocks whose index has issues, and which. */
export async function verifyIndexes(context: VerifyContext): Promise<Map<string, string>> {
  const { bucket, log, metas, wanted, signal } = context;
  const found = new Map<string, string>();
  for (const [id, meta] of metas) {
    if (!wanted(id)) continue;
    try {
      const issues = healthIssues(await readBlockHealth(bucket, meta, signal));
      if (issues.length > 0) found.set(id, issues.join(", "));
      else log.debug("no issue", { id });
    } catch (thrown) {
      signal.throwIfAborted();
      found.set(id, messageOf(thrown));
    }
    if (found.has(id)) log.warn("detected issue", { id, err: found.get(id) });
  }
  return found;
}

/** Of blocks with the same times, level, sources and content: all but the first. */
export function findDuplicates({ log, metas }: VerifyContext): string[] {
  const doomed: string[] = [];
  for (const { group, blocks } of overlaps(metas.values())) {
    const seen = new Map<string, string>();
    let duplicates = 0;
    for (const { ulid, minTime, maxTime, compaction, stats } of blocks) {
      const same = [minTime, maxTime, compaction.level, compaction.sources, stats];
      const key = JSON.stringify(same);
      const first = seen.get(key);
      if (first === undefined) {
        seen.set(key, ulid);
        continue;
      }
      duplicates++;
      doomed.push(ulid);
      log.warn("found duplicated blocks", { group, keep: first, kill: ulid });
    }
    if (duplicates > 0) continue;
    const text =
      "found overlapped blocks, but all of the blocks are unique. Seems like unrelated issue. Ignoring overlap";
    log.warn(text, { group, overlap: blocks.map(({ ulid }) => ulid) });
  }
  log.warn("Found duplicated blocks that are ok to be removed", {
    ULIDs: doomed.join(","),
    num: doomed.length,
  });
  return doomed;
}
