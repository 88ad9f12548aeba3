// The queries of this process that have not been answered yet: listed, and canceled by id.
import { PromqlError } from "@deucalion/promql";
import type { ActiveQueryFile } from "./active-query-file.ts";

/** One query under way. Counts grow while it runs. */
export class ActiveQuery {
  readonly id: string;
  readonly query: string;
  readonly kind: "instant" | "range";
  readonly tenant: string;
  readonly startMs: number;
  state: "queued" | "running" = "queued";
  series = 0;
  bytes = 0;
  readonly #stop = new AbortController();

  constructor(
    id: string,
    query: string,
    kind: "instant" | "range",
    tenant: string,
    startMs: number,
  ) {
    this.id = id;
    this.query = query;
    this.kind = kind;
    this.tenant = tenant;
    this.startMs = startMs;
  }

  get signal(): AbortSignal {
    return this.#stop.signal;
  }

  cancel(why: string): void {
    this.#stop.abort(new PromqlError("PROMQL_CANCELED", why));
  }
}

export class ActiveQueries {
  readonly #queries = new Map<string, ActiveQuery>();
  readonly #places = new Map<string, number>();
  readonly #file: ActiveQueryFile | null;
  readonly #now: () => number;
  #next = 1;

  constructor(file: ActiveQueryFile | null, now: () => number) {
    this.#file = file;
    this.#now = now;
  }

  /** Takes a query in. Call `remove` when it ends, however it does. */
  add(query: string, kind: "instant" | "range", tenant: string): ActiveQuery {
    const active = new ActiveQuery(String(this.#next++), query, kind, tenant, this.#now());
    this.#queries.set(active.id, active);
    return active;
  }

  /** Marks a query as running and writes it to the file. */
  begin(active: ActiveQuery): void {
    active.state = "running";
    if (this.#file !== null)
      this.#places.set(active.id, this.#file.insert(active.query, active.startMs));
  }

  remove(active: ActiveQuery): void {
    this.#queries.delete(active.id);
    this.#file?.delete(this.#places.get(active.id) ?? -1);
    this.#places.delete(active.id);
  }

  /** True if a query that began after this one is under way. */
  hasYounger(than: ActiveQuery): boolean {
    let last = "";
    for (const id of this.#queries.keys()) last = id;
    return last !== "" && last !== than.id;
  }

  /** False if there is no such query (any more). */
  cancel(id: string): boolean {
    const active = this.#queries.get(id);
    active?.cancel("query was canceled by a user");
    return active !== undefined;
  }

  /** As the API shows them, oldest first. */
  list(): readonly Readonly<Record<string, unknown>>[] {
    const now = this.#now();
    return [...this.#queries.values()].map((active) => ({
      id: active.id,
      query: active.query,
      kind: active.kind,
      state: active.state,
      tenant: active.tenant,
      startTime: new Date(active.startMs).toISOString(),
      ageSeconds: (now - active.startMs) / 1000,
      series: active.series,
      bytes: active.bytes,
    }));
  }
}
