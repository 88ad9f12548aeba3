// Compares two answers of the query API.

export interface Answer {
  readonly status: number;
  readonly body: AnswerBody;
}

export interface AnswerBody {
  readonly status: string;
  readonly errorType?: string;
  readonly error?: string;
  /** The value of a query, or without a type whatever other routes give. */
  readonly data?: { readonly resultType?: string; readonly result?: unknown };
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

export interface CompareOptions {
  /** Texts of errors, and annotations, have to be equal as well. */
  readonly texts: boolean;
  /** Instant vectors are in an order that matters. */
  readonly ordered: boolean;
  /** Floats may differ by this share of themselves. */
  readonly relative: number;
  /** Floats may differ by so much, however small they are. */
  readonly absolute: number;
}

function near(got: string, want: string, options: CompareOptions): boolean {
  if (got === want) return true;
  const a = Number(got.replace("Inf", "Infinity"));
  const b = Number(want.replace("Inf", "Infinity"));
  const size = Math.max(Math.abs(a), Math.abs(b));
  return Math.abs(a - b) <= Math.max(options.absolute, options.relative * size);
}

/** The first difference of two values, or null. */
function difference(
  got: unknown,
  want: unknown,
  at: string,
  options: CompareOptions,
): string | null {
  if (typeof got === "string" && typeof want === "string") {
    return near(got, want, options) ? null : `${at}: ours ${got}, peer ${want}`;
  }
  if (Array.isArray(got) && Array.isArray(want)) {
    for (let i = 0; i < Math.min(got.length, want.length); i++) {
      const found = difference(got[i], want[i], `${at}[${i}]`, options);
      if (found !== null) return found;
    }
    return got.length === want.length ? null : `${at}: ours has ${got.length}, peer ${want.length}`;
  }
  if (typeof got === "object" && got !== null && typeof want === "object" && want !== null) {
    const names = new Set([...Object.keys(got), ...Object.keys(want)]);
    for (const name of names) {
      const [a, b] = [got, want].map((side) => (side as Record<string, unknown>)[name]);
      const found = difference(a, b, `${at}.${name}`, options);
      if (found !== null) return found;
    }
    return null;
  }
  return got === want ? null : `${at}: ours ${JSON.stringify(got)}, peer ${JSON.stringify(want)}`;
}

interface Element {
  readonly metric: Readonly<Record<string, string>>;
}

function labelsKey(element: Element): string {
  return JSON.stringify(Object.entries(element.metric).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Elements by their labels: rows are looked up rather than counted on to stand in one order. */
function inOrder(result: unknown, options: CompareOptions, resultType: string): unknown {
  if (!Array.isArray(result) || (resultType === "vector" && options.ordered)) return result;
  if (resultType !== "vector" && resultType !== "matrix") return result;
  const rows = (result as Element[]).map((row) => [labelsKey(row), row] as const);
  return rows.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)).map(([, row]) => row);
}

function labelSets(result: unknown): string {
  return Array.isArray(result)
    ? (result as Element[])
        .map((row) => (row.metric === undefined ? "" : labelsKey(row)))
        .join("\n")
    : "";
}

/** Warnings and infos in one order. Prometheus doubles the count of repaired samples at every step of a range query; we do not. */
function annotations(body: AnswerBody): string {
  const counted = body.data?.resultType === "matrix" ? /over -?\d+ samples/ : /$^/;
  const texts = [...(body.warnings ?? []), ...(body.infos ?? [])];
  return texts
    .map((text) => text.replace(counted, "over some samples"))
    .sort()
    .join("\n");
}

/** What differs between our answer and the peer's, or null. */
export function compareAnswers(got: Answer, want: Answer, options: CompareOptions): string | null {
  if (got.status !== want.status) {
    return `status: ours ${got.status} ${got.body.error ?? ""}, peer ${want.status} ${want.body.error ?? ""}`;
  }
  if (got.body.errorType !== want.body.errorType) {
    return `error type: ours ${got.body.errorType}, peer ${want.body.errorType}`;
  }
  if (options.texts && got.body.error !== want.body.error) {
    return `error: ours ${got.body.error}, peer ${want.body.error}`;
  }
  const [ours, theirs] = [got.body.data, want.body.data];
  if (ours?.resultType !== theirs?.resultType) {
    return `type: ours ${ours?.resultType}, peer ${theirs?.resultType}`;
  }
  if (ours !== undefined && theirs !== undefined && theirs.resultType === undefined) {
    const found = difference(ours, theirs, "data", options);
    if (found !== null) return found;
  } else if (ours !== undefined && theirs !== undefined) {
    const [a, b] = [ours, theirs].map((data) =>
      inOrder(data.result, options, data.resultType ?? ""),
    );
    if (labelSets(a) !== labelSets(b))
      return `series: ours\n${labelSets(a)}\npeer\n${labelSets(b)}`;
    const found = difference(a, b, "result", options);
    if (found !== null) return found;
  }
  if (options.texts && annotations(got.body) !== annotations(want.body)) {
    return `annotations: ours\n${annotations(got.body)}\npeer\n${annotations(want.body)}`;
  }
  return null;
}
