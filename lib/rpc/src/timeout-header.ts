// The `grpc-timeout` header: up to eight digits and a unit.

const unitMs: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1000,
  m: 1,
  u: 0.001,
  n: 0.000001,
};

/** Milliseconds of a `grpc-timeout` value; undefined if it is not one. */
export function parseTimeout(text: string): number | undefined {
  const found = /^(\d{1,8})([HMSmun])$/.exec(text);
  return found === null ? undefined : Number(found[1]) * unitMs[found[2]!]!;
}

/** Writes milliseconds in the finest unit that eight digits hold. */
export function formatTimeout(ms: number): string {
  const left = Math.max(ms, 0.001);
  for (const unit of ["u", "m", "S", "M"]) {
    const count = Math.ceil(left / unitMs[unit]!);
    if (count < 100_000_000) return `${count}${unit}`;
  }
  return `${Math.min(Math.ceil(left / 3_600_000), 99_999_999)}H`;
}
