// Compares two answers of the query API: values within a tolerance, series by their labels, order left out of account.
const tolerance = 1e-9;

type Json = unknown;

function closeNumbers(a: string, b: string): boolean {
  if (a === b) return true;
  const x = Number(a);
  const y = Number(b);
  if (Number.isNaN(x) || Number.isNaN(y)) return false;
  return x === y || Math.abs(x - y) <= tolerance * Math.max(Math.abs(x), Math.abs(y));
}

function labelKey(series: Json): string {
  const metric = (series as { metric?: Record<string, string> }).metric ?? {};
  return JSON.stringify(Object.entries(metric).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Warnings of PromQL without the position at their end, which Thanos leaves out. */
export function withoutPositions(body: unknown): unknown {
  const answer = body as { warnings?: readonly string[] };
  if (answer.warnings === undefined) return body;
  return { ...answer, warnings: answer.warnings.map((text) => text.replace(/ \(\d+:\d+\)$/, "")) };
}

/** The two series of this error come in an order of their own in older engines. */
const duplicates = /^(found duplicate series .*: \[)(\{.*\}), (\{.*\})(\];.*)$/;

function sameText(a: string, b: string): boolean {
  if (closeNumbers(a, b)) return true;
  const x = duplicates.exec(a);
  const y = duplicates.exec(b);
  return (
    x !== null && y !== null && x[1] === y[1] && x[2] === y[3] && x[3] === y[2] && x[4] === y[4]
  );
}

/** Every place where the answers differ, as a path with both sides. */
export function differences(got: Json, want: Json, path = "$", into: string[] = []): string[] {
  if (typeof got === "string" && typeof want === "string") {
    if (!sameText(got, want)) into.push(`${path}: got ${got}, want ${want}`);
  } else if (Array.isArray(got) && Array.isArray(want)) {
    arrayDifferences(got, want, path, into);
  } else if (typeof got === "object" && typeof want === "object" && got !== null && want !== null) {
    for (const name of new Set([...Object.keys(got), ...Object.keys(want)])) {
      differences(
        (got as Record<string, Json>)[name],
        (want as Record<string, Json>)[name],
        `${path}.${name}`,
        into,
      );
    }
  } else if (got !== want) {
    into.push(`${path}: got ${JSON.stringify(got)}, want ${JSON.stringify(want)}`);
  }
  return into;
}

function arrayDifferences(
  got: readonly Json[],
  want: readonly Json[],
  path: string,
  into: string[],
): void {
  if (got.length !== want.length) {
    into.push(`${path}: got ${got.length} items, want ${want.length}`);
    return;
  }
  const keyed =
    want.length > 0 && typeof want[0] === "object" && want[0] !== null && "metric" in want[0];
  const order = (list: readonly Json[]): readonly Json[] =>
    keyed ? [...list].sort((a, b) => (labelKey(a) < labelKey(b) ? -1 : 1)) : list;
  const a = order(got);
  order(want).forEach((one, i) => {
    differences(a[i], one, keyed ? `${path}[${labelKey(one)}]` : `${path}[${i}]`, into);
  });
}
