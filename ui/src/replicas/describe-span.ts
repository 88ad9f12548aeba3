// Says in a sentence from where and when samples were taken, and why the replica before was left.
import { elapsed, formatDurationMs } from "../format/duration.ts";
import { formatClock, type Zone } from "../format/time.ts";
import { t } from "../text/t.ts";
import { gapsOf, type ReplicaLane, type Span } from "./trace.ts";

/** The sentence for `span`, one of `spans`. */
export function describeSpan(
  span: Span,
  spans: readonly Span[],
  lanes: readonly ReplicaLane[],
  zone: Zone,
): string {
  const name = (lane: number): string => lanes[lane]?.name || t("replicas.unnamed");
  const text = t("replicas.taken", {
    from: formatClock(span.fromMs, zone),
    to: formatClock(span.toMs, zone),
    n: span.samples,
    replica: name(span.lane),
  });
  const before = spans[spans.indexOf(span) - 1];
  if (before === undefined) return text;
  const left = lanes[before.lane];
  if (left === undefined) return text;
  const gap = gapsOf(left.times, left.spacingMs, before.toMs, Infinity).find(
    (g) => g.fromMs <= span.fromMs && g.toMs >= span.fromMs && g.fromMs >= before.toMs,
  );
  if (gap === undefined)
    return `${text} ${t("replicas.hadSamples", { replica: name(before.lane) })}`;
  const usual = formatDurationMs(left.spacingMs);
  const why = Number.isFinite(gap.toMs)
    ? t("replicas.hadNone", {
        replica: name(before.lane),
        time: elapsed(gap.toMs - gap.fromMs),
        usual,
      })
    : t("replicas.ended", { replica: name(before.lane) });
  const stayed =
    Number.isFinite(gap.toMs) && span.toMs > gap.toMs + left.spacingMs
      ? ` ${t("replicas.stayed", { replica: name(span.lane), other: name(before.lane), time: formatClock(gap.toMs, zone) })}`
      : "";
  return `${text} ${why}${stayed}`;
}
