// Cuts ranges of time into parts.

/** Unix ms, both inclusive. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

/** How long parts are: by a fixed length, or by the number of parts. */
export interface SplitOptions {
  /** 0 splits never, or dynamically where the other three are set. */
  readonly intervalMs: number;
  readonly minIntervalMs: number;
  readonly maxIntervalMs: number;
  readonly shards: number;
}

export function isDynamic(options: SplitOptions): boolean {
  return options.minIntervalMs > 0 && options.maxIntervalMs > 0 && options.shards > 0;
}

/** Length of the parts of a range; 0 for one part. */
export function splitInterval(options: SplitOptions, span: Span): number {
  if (options.intervalMs > 0) return options.intervalMs;
  if (!isDynamic(options)) return 0;
  const length = span.endMs - span.startMs;
  if (Math.floor(length / options.maxIntervalMs) >= 2) return options.maxIntervalMs;
  if (length > options.minIntervalMs) {
    return Math.max(1, Math.floor(length / options.shards));
  }
  return options.minIntervalMs;
}

/** The steps of a range by the multiples of `intervalMs` between which they lie; a last step alone stays with those before it. */
export function splitSteps(span: Span, stepMs: number, intervalMs: number): Span[] {
  if (intervalMs <= 0) return [span];
  const parts: Span[] = [];
  let startMs = span.startMs;
  while (startMs <= span.endMs) {
    const border = (Math.floor(startMs / intervalMs) + 1) * intervalMs;
    const last = startMs + Math.floor((border - 1 - startMs) / stepMs) * stepMs;
    // One step more is not worth a request of its own.
    const isLast = last + stepMs >= span.endMs;
    parts.push({ startMs, endMs: isLast ? span.endMs : last });
    if (isLast) break;
    startMs = last + stepMs;
  }
  return parts;
}

/** A range of time between the multiples of `intervalMs`; parts share no millisecond. */
export function splitTime(span: Span, intervalMs: number): Span[] {
  return splitSteps(span, 1, intervalMs);
}
