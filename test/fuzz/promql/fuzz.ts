// Asks both sides the same random queries and collects the differences.
import { type Answer, type AnswerBody, type CompareOptions, compareAnswers } from "./compare.ts";
import { dataLengthMs, dataStartMs } from "./dataset.ts";
import { Generator } from "./generator.ts";
import type { Level } from "./language.ts";
import { Random } from "./random.ts";

export interface FuzzOptions {
  readonly level: Level;
  /** Query number `i` is made from `seed + i` alone. */
  readonly seed: number;
  readonly count: number;
  /** Queries in flight. */
  readonly parallel: number;
}

/** A query of the fuzzer. Times in seconds, as they are sent. */
export interface FuzzQuery {
  readonly seed: number;
  readonly query: string;
  readonly path: "/api/v1/query" | "/api/v1/query_range";
  readonly params: Readonly<Record<string, string>>;
}

export interface Difference {
  readonly query: FuzzQuery;
  readonly text: string;
}

export interface FuzzReport {
  readonly asked: number;
  /** Answers of the peer that were successes with at least one series. */
  readonly full: number;
  readonly errors: number;
  /** Queries that the peer answers in several ways. */
  readonly undecided: number;
  readonly differences: Difference[];
}

/** The query that a seed makes: an instant or a range, aligned to the step or not. */
export function makeQuery(seed: number, level: Level): FuzzQuery {
  const random = new Random(seed);
  const instant = random.chance(0.35);
  const query = new Generator(random, level).query(instant);
  const gridMs = level === "2.42" || random.chance(0.7) ? 10 : 1;
  const on = (ms: number): number => Math.round(ms / gridMs) * gridMs;
  const at = dataStartMs + on(random.between(-300_000, dataLengthMs + 400_000));
  if (instant) {
    const time = (random.chance(0.5) ? at - (at % 60_000) : at) / 1000;
    return { seed, query, path: "/api/v1/query", params: { query, time: String(time) } };
  }
  const stepMs = random.pick([15_000, 60_000, 60_000, 120_000, 300_000, 37_770, 1010]);
  const steps = random.pick([1, 2, 5, 11, 30, 61]);
  const start = random.chance(0.5) ? at - (at % stepMs) : at;
  const end = start + stepMs * (steps - 1) + (random.chance(0.3) ? on(random.below(stepMs)) : 0);
  const params = {
    query,
    start: String(start / 1000),
    end: String(end / 1000),
    step: String(stepMs / 1000),
  };
  return { seed, query, path: "/api/v1/query_range", params };
}

/** Sends a query. */
export async function ask(url: string, query: FuzzQuery): Promise<Answer> {
  const response = await fetch(url + query.path, {
    method: "POST",
    body: new URLSearchParams(query.params),
    signal: AbortSignal.timeout(150_000),
  });
  const body = (await response.json()) as AnswerBody;
  if (body.error === undefined) return { status: response.status, body };
  // Prometheus names the parameter of a request, Thanos and we do not.
  const error = body.error.replace(/^invalid parameter "query": /, "");
  return { status: response.status, body: { ...body, error } };
}

/** How answers to a query are compared. */
export function compareOptions(query: FuzzQuery, level: Level): CompareOptions {
  return {
    texts: level !== "2.42",
    // Equal values come in no order that would be settled; level 2.42 was built with another sort.
    ordered: level !== "2.42" && /^sort/.test(query.query),
    relative: 1e-9,
    absolute: 1e-9,
  };
}

/** How one query went. */
export interface Verdict {
  readonly want: Answer;
  /** "undecided": the peer's own answers differ, or one of them is ours. */
  readonly verdict: "equal" | "undecided" | "different";
  readonly difference: string | null;
}

/** Asks one query on both sides. */
export async function tryQuery(
  ours: string,
  peer: string,
  query: FuzzQuery,
  level: Level,
): Promise<Verdict> {
  const [got, want] = await Promise.all([ask(ours, query), ask(peer, query)]);
  const options = compareOptions(query, level);
  const difference = compareAnswers(got, want, options);
  if (difference === null) return { want, verdict: "equal", difference };
  // A crash of the peer's evaluation is no answer.
  if (/runtime error/.test(want.body.error ?? ""))
    return { want, verdict: "undecided", difference };
  // Prometheus walks maps in random order: which duplicate it names, which of several ties it takes.
  for (let tries = 0; tries < 6; tries++) {
    const again = await ask(peer, query);
    if (compareAnswers(got, again, options) === null)
      return { want, verdict: "undecided", difference };
    if (compareAnswers(want, again, options) !== null)
      return { want, verdict: "undecided", difference };
  }
  return { want, verdict: "different", difference };
}

/** Asks `count` queries. Stops asking at `signal`. */
export async function fuzz(
  ours: string,
  peer: string,
  options: FuzzOptions,
  onDifference: (difference: Difference) => void = () => undefined,
): Promise<FuzzReport> {
  const report = { asked: 0, full: 0, errors: 0, undecided: 0, differences: [] as Difference[] };
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < options.count) {
      const query = makeQuery(options.seed + next++, options.level);
      const { want, verdict, difference } = await tryQuery(ours, peer, query, options.level);
      report.asked++;
      if (want.status !== 200) report.errors++;
      else if (Array.isArray(want.body.data?.result) && want.body.data.result.length > 0)
        report.full++;
      if (verdict === "undecided") report.undecided++;
      if (difference === null || verdict !== "different") continue;
      const found = { query, text: difference };
      report.differences.push(found);
      onDifference(found);
    }
  };
  await Promise.all(Array.from({ length: options.parallel }, worker));
  return report;
}

/** A difference as it is printed. */
export function differenceText({ query, text }: Difference): string {
  return `seed ${query.seed}: ${query.path.slice(8)} ${JSON.stringify(query.params)}\n${text.slice(0, 1500)}`;
}
