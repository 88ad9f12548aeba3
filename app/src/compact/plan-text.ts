// A compaction plan as text for people.
import { formatPromDuration } from "@deucalion/base";
import type { CompactionPlan } from "@deucalion/blocks";

function time(ms: number): string {
  return new Date(ms).toISOString().replace(".000Z", "Z");
}

/** Lines of a plan, each ended. */
export function planText(plan: CompactionPlan, nowMs: number): string {
  const lines: string[] = [];
  for (const wave of [0, 1]) {
    const title = wave === 0 ? "Compactions now" : "Compactions after that";
    const list = plan.compactions.filter((one) => (wave === 0) === (one.wave === 0));
    lines.push(`${title}: ${list.length}`);
    for (const { group, sources, minTime, maxTime, level, vertical } of list) {
      const kind = vertical ? ", overlapping" : "";
      lines.push(`  ${group} ${time(minTime)} - ${time(maxTime)}, level ${level}${kind}`);
      // Sources that do not exist yet are results of the steps above.
      lines.push(`    ${sources.map((id) => (id.includes("/") ? "(result)" : id)).join(" ")}`);
    }
  }
  lines.push(`Downsamplings now: ${plan.downsamplings.length}`);
  for (const { source, resolutionMs } of plan.downsamplings) {
    lines.push(`  ${source} to ${formatPromDuration(resolutionMs)}`);
  }
  lines.push(`Blocked: ${plan.blocked.length}`);
  for (const { block, what, reason } of plan.blocked) lines.push(`  ${block} ${what}: ${reason}`);
  lines.push(`Deletions: ${plan.deletions.length}`);
  for (const { block, reason, atMs } of plan.deletions) {
    lines.push(`  ${block} ${atMs <= nowMs ? "now" : time(atMs)} (${reason})`);
  }
  return `${lines.join("\n")}\n`;
}
