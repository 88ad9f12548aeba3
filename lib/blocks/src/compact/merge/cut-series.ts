// Where the series of several blocks are cut, so that each range of labels can be merged on its own.
import { compareNumbers } from "./compare-numbers.ts";
import type { SourceBlock } from "./source-block.ts";

/**
 * Places at which cut `cut` of `parts` goes through each block: what lies before is less than what comes after, in all of
 * them. The block with the most series says where. Symbols must be numbered. The same blocks give the same cuts.
 */
export async function cutSeries(
  blocks: readonly SourceBlock[],
  cut: number,
  parts: number,
): Promise<number[]> {
  if (cut <= 0) return blocks.map(() => 0);
  if (cut >= parts) return blocks.map((block) => block.seriesCount);
  let largest = blocks[0]!;
  for (const block of blocks) if (block.seriesCount > largest.seriesCount) largest = block;
  if (largest.seriesCount === 0) return blocks.map(() => 0);
  const labels = await largest.labelsAt(Math.floor((largest.seriesCount * cut) / parts));
  return Promise.all(blocks.map((block) => placeOf(block, labels)));
}

/** Place of the first series that is not less than `labels`. Both sides of it were looked at, whatever the order. */
async function placeOf(block: SourceBlock, labels: Uint32Array): Promise<number> {
  let from = 0;
  let to = block.seriesCount;
  while (from < to) {
    const middle = (from + to) >>> 1;
    const there = await block.labelsAt(middle);
    const order = compareNumbers(there, there.length / 2, labels, labels.length / 2);
    if (order < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}
