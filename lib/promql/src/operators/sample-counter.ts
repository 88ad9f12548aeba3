// Counts the samples a query looked at, as Prometheus' query statistics do.
import type { Steps } from "../row.ts";

/** Totals, and per step of the query where that was asked for. */
export class SampleCounter {
  total = 0;
  readonly perStep: Float64Array | null;

  constructor(steps: number) {
    this.perStep = steps > 0 ? new Float64Array(steps) : null;
  }

  add(step: number, count: number): void {
    this.total += count;
    if (this.perStep !== null) this.perStep[step]! += count;
  }

  /** Adds the counts of a part that was evaluated once but stands for every step. */
  addForEachStep(part: SampleCounter, steps: Steps): void {
    for (let i = 0; i < steps.count; i++) this.add(i, part.total);
  }
}
