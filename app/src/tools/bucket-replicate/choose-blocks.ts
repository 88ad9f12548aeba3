// Which blocks `tools bucket replicate` copies, and in which order.
import type { Log } from "@deucalion/base";
import { type BlockMeta, externalLabels } from "@deucalion/blocks";
import type { Matcher } from "@deucalion/model";

export interface BlockChoice {
  /** On external labels; all must match. */
  readonly matchers: readonly Matcher[];
  /** Resolutions in ms, raw is 0. */
  readonly resolutionsMs: ReadonlySet<number>;
  /** Levels of compaction. */
  readonly levels: ReadonlySet<number>;
  /** ULIDs; not empty: only these, whatever the rest says. */
  readonly ids: ReadonlySet<string>;
}

/** Why a block is left out; undefined for one that is copied. */
function reasonAgainst(meta: BlockMeta, choice: BlockChoice): string | undefined {
  const labels = externalLabels(meta);
  if (labels.size === 0) return "labels should not be empty";
  if (choice.ids.size > 0) return choice.ids.has(meta.ulid) ? undefined : "not asked for by --id";
  if (!choice.matchers.every((matcher) => matcher.matches(labels.get(matcher.name))))
    return "labels don't match";
  if (!choice.resolutionsMs.has(meta.thanos.downsample.resolution))
    return "resolution doesn't match allowed resolutions";
  if (!choice.levels.has(meta.compaction.level))
    return "compaction level doesn't match allowed levels";
  return undefined;
}

/** The chosen blocks, oldest first: a compactor at the target must not see a hole that is filled later. */
export function chooseBlocks(
  metas: Iterable<BlockMeta>,
  choice: BlockChoice,
  log: Log,
): BlockMeta[] {
  const chosen: BlockMeta[] = [];
  for (const meta of metas) {
    const reason = reasonAgainst(meta, choice);
    if (reason === undefined) chosen.push(meta);
    else log.debug("filtering block", { block_uuid: meta.ulid, reason });
  }
  return chosen.sort((a, b) => a.minTime - b.minTime || (a.ulid < b.ulid ? -1 : 1));
}
