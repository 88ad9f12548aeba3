// What a measured workload is, and how figures are printed.

/** One figure of a workload. */
export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
}

/** A workload: `run` sets up, measures and cleans up. */
export interface Workload {
  readonly name: string;
  /** What it measures, in one line. */
  readonly about: string;
  readonly run: (rounds: number) => Promise<readonly Figure[]>;
}

/** The middle of a list of numbers. */
export function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Runs `work` so many times and returns wall and CPU milliseconds, medians over the rounds after the first. */
export async function timed(
  rounds: number,
  work: () => Promise<void>,
): Promise<{ readonly wallMs: number; readonly cpuMs: number }> {
  const wall: number[] = [];
  const cpu: number[] = [];
  for (let round = 0; round <= rounds; round++) {
    const before = process.cpuUsage();
    const start = performance.now();
    await work();
    const { user, system } = process.cpuUsage(before);
    if (round === 0) continue;
    wall.push(performance.now() - start);
    cpu.push((user + system) / 1000);
  }
  return { wallMs: median(wall), cpuMs: median(cpu) };
}
