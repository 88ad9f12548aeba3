// Which stores the querier has: an answer is only as complete as the set of stores that was asked for it.

/** Stores that have the same component and external labels, whatever their addresses are. */
export interface StoreGroup {
  readonly count: number;
  /** The earliest time that they claim to have, unix ms. */
  readonly minTime: number;
}

export type StoreSet = ReadonlyMap<string, StoreGroup>;

interface Listed {
  readonly labelSets?: readonly Readonly<Record<string, string>>[] | null;
  readonly minTime?: number;
}

function labelText(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Reads the data of `/api/v1/stores`. */
export function storeSet(data: Readonly<Record<string, readonly Listed[] | null>>): StoreSet {
  const out = new Map<string, StoreGroup>();
  for (const [component, list] of Object.entries(data)) {
    for (const { labelSets, minTime = 0 } of list ?? []) {
      const id = `${component} ${(labelSets ?? []).map(labelText).sort().join(" ")}`;
      const group = out.get(id);
      out.set(id, {
        count: (group?.count ?? 0) + 1,
        minTime: Math.min(group?.minTime ?? Number.POSITIVE_INFINITY, minTime),
      });
    }
  }
  return out;
}

/** What was there before and after an answer, and so while it was made. */
export function commonStores(before: StoreSet, after: StoreSet): StoreSet {
  const out = new Map<string, StoreGroup>();
  for (const [id, a] of before) {
    const b = after.get(id);
    if (b === undefined) continue;
    out.set(id, { count: Math.min(a.count, b.count), minTime: Math.max(a.minTime, b.minTime) });
  }
  return out;
}

/** True if no store of now could add something to what was asked of `then`, up to `endMs`. */
export function isCovered(then: StoreSet | null, now: StoreSet | null, endMs: number): boolean {
  if (now === null) return true;
  if (then === null) return false;
  for (const [id, group] of now) {
    if (group.minTime > endMs) continue;
    const had = then.get(id);
    if (had === undefined || had.count < group.count || had.minTime > group.minTime) return false;
  }
  return true;
}

/** "unknown": the querier does not tell at all. "unsure": it did not tell this time. */
export type StoreAnswer = StoreSet | "unknown" | "unsure";

/** Questions that come so close together share one answer, which begins after the last of them. */
const gatherMs = 5;

/** Asks for stores, and remembers the answer for a while. */
export class StoresWatch {
  readonly #ask: (path: string) => Promise<StoreAnswer>;
  readonly #now: () => number;
  readonly #known = new Map<string, { readonly answer: StoreAnswer; readonly askedMs: number }>();
  readonly #asking = new Map<string, Promise<StoreAnswer>>();
  readonly #gathering = new Map<string, Promise<StoreAnswer>>();

  constructor(ask: (path: string) => Promise<StoreAnswer>, now: () => number) {
    this.#ask = ask;
    this.#now = now;
  }

  /** The stores as they were at most `ageMs` ago; with 0 they are asked for after this call. */
  stores(path: string, ageMs: number): Promise<StoreAnswer> {
    if (ageMs === 0) return this.#fresh(path);
    const known = this.#known.get(path);
    if (known !== undefined && this.#now() - known.askedMs <= ageMs) {
      return Promise.resolve(known.answer);
    }
    return this.#asking.get(path) ?? this.#begin(path);
  }

  #fresh(path: string): Promise<StoreAnswer> {
    const gathering = this.#gathering.get(path);
    if (gathering !== undefined) return gathering;
    const answer = new Promise<void>((resolve) => setTimeout(resolve, gatherMs)).then(() => {
      this.#gathering.delete(path);
      return this.#begin(path);
    });
    this.#gathering.set(path, answer);
    return answer;
  }

  #begin(path: string): Promise<StoreAnswer> {
    const askedMs = this.#now();
    const asked = this.#ask(path)
      .catch((): StoreAnswer => "unsure")
      .then((answer) => {
        if (answer !== "unsure") this.#known.set(path, { answer, askedMs });
        if (this.#asking.get(path) === asked) this.#asking.delete(path);
        return answer;
      });
    this.#asking.set(path, asked);
    return asked;
  }
}
