// Which steps of a query are in the cache: an answer for a multiple of a step is part of the answer for the step.

/** Queries that are remembered; those looked for longest ago are forgotten. */
const queriesMax = 5000;
/** Steps of one query that are remembered. */
const stepsMax = 8;

/** Steps of one part of a range, on a grid. */
export interface Grid {
  readonly stepMs: number;
  /** Any time on it, unix ms. */
  readonly startMs: number;
}

/** How far behind multiples of the step the times of a grid are, ms. */
export function phaseOf({ stepMs, startMs }: Grid): number {
  return startMs - Math.floor(startMs / stepMs) * stepMs;
}

export class FinerSteps {
  readonly #known = new Map<string, Grid[]>();

  /** Notes that the cache has something of a query, known by all but its steps. */
  remember(query: string, grid: Grid): void {
    const { stepMs } = grid;
    const phase = phaseOf(grid);
    const known = this.#known.get(query) ?? [];
    this.#known.delete(query);
    const others = known.filter((one) => one.stepMs !== stepMs || one.startMs !== phase);
    this.#known.set(query, [{ stepMs, startMs: phase }, ...others].slice(0, stepsMax));
    if (this.#known.size <= queriesMax) return;
    for (const oldest of this.#known.keys()) {
      this.#known.delete(oldest);
      break;
    }
  }

  /** Grids that have all times of a coarser one, the coarsest first. */
  finer(query: string, { stepMs, startMs }: Grid): Grid[] {
    return (this.#known.get(query) ?? [])
      .filter(
        (one) =>
          one.stepMs < stepMs &&
          stepMs % one.stepMs === 0 &&
          (startMs - one.startMs) % one.stepMs === 0,
      )
      .sort((a, b) => b.stepMs - a.stepMs);
  }
}
