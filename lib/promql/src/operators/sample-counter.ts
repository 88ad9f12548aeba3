// Counts the samples a query looked at, as Prometheus' query statistics do.
import type { Steps } from "../row.ts";

/** Totals, and per step where that was asked for. */
export class SampleCounter {
  /** Samples that steps were computed from; one that several windows share counts for each of them. */
  total = 0;
  /** Samples that were read, each once. */
  read = 0;
  readonly perStep: Float64Array | null;
  readonly readPerStep: Float64Array | null;

  /** Numbers of steps to count apart; 0 for none. */
  constructor(steps: number, readSteps = steps) {
    this.perStep = steps > 0 ? new Float64Array(steps) : null;
    this.readPerStep = readSteps > 0 ? new Float64Array(readSteps) : null;
  }

  /** Counts samples that a step looks at for the first and only time. */
  add(step: number, count: number): void {
    this.addTotal(step, count);
    this.addRead(step, count);
  }

  addTotal(step: number, count: number): void {
    this.total += count;
    if (this.perStep !== null) this.perStep[step]! += count;
  }

  addRead(step: number, count: number): void {
    this.read += count;
    if (this.readPerStep !== null) this.readPerStep[step]! += count;
  }

  /** Adds the counts of a part that was evaluated once but stands for every step. */
  addForEachStep(part: SampleCounter, steps: Steps): void {
    for (let i = 0; i < steps.count; i++) this.addTotal(i, part.total);
    this.addRead(0, part.read);
  }

  /**
   * Adds what a subquery read to the steps that its samples are for; samples between the windows (`rangeMs` wide,
   * 0 for one that holds all) do not count.
   */
  addSubquery(
    inner: SampleCounter,
    innerSteps: Steps,
    steps: Steps,
    offsetMs: number,
    rangeMs: number,
  ): void {
    if (steps.count <= 1 || inner.readPerStep === null) {
      this.addRead(0, inner.read);
      return;
    }
    for (let k = 0; k < inner.readPerStep.length; k++) {
      const count = inner.readPerStep[k]!;
      if (count === 0) continue;
      const time = innerSteps.startMs + k * innerSteps.stepMs + offsetMs;
      const later = Math.max(0, time - steps.startMs);
      const step = Math.min(steps.count - 1, Math.ceil(later / steps.stepMs));
      if (rangeMs > 0 && time <= steps.startMs + step * steps.stepMs - rangeMs) continue;
      this.addRead(step, count);
    }
  }
}
