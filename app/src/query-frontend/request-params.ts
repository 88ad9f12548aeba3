// The parameters of a request, all of them, known or not: what is not changed on purpose is handed on.
import type { Exchange } from "../http/exchange.ts";

export class RequestParams {
  readonly #pairs: readonly (readonly [string, string])[];

  constructor(pairs: readonly (readonly [string, string])[]) {
    this.#pairs = pairs;
  }

  /** Reads URL and form body. Throws ApiError. */
  static async of(exchange: Exchange): Promise<RequestParams> {
    const form = await exchange.form();
    return new RequestParams([...form.body, ...form.url]);
  }

  /** The first value, or "". */
  get(name: string): string {
    return this.#pairs.find(([key]) => key === name)?.[1] ?? "";
  }

  has(name: string): boolean {
    return this.#pairs.some(([key]) => key === name);
  }

  /** These parameters with others in the place of those that `changes` names; null leaves one out. */
  with(changes: Readonly<Record<string, string | null>>): RequestParams {
    const kept = this.#pairs.filter(([name]) => !(name in changes));
    const added = Object.entries(changes).filter(
      (pair): pair is [string, string] => pair[1] !== null,
    );
    return new RequestParams([...kept, ...added]);
  }

  /** Everything but the named ones as text that is equal for equal parameters in any order of their names. */
  keyWithout(names: ReadonlySet<string>): string {
    const pairs = this.#pairs.filter(([name]) => !names.has(name));
    // The order of values of one name may matter: only names are sorted.
    return JSON.stringify(
      pairs
        .map((pair, index) => ({ pair, index }))
        .sort((a, b) =>
          a.pair[0] === b.pair[0] ? a.index - b.index : a.pair[0] < b.pair[0] ? -1 : 1,
        )
        .map(({ pair }) => pair),
    );
  }

  get entries(): readonly (readonly [string, string])[] {
    return this.#pairs;
  }

  toSearch(): URLSearchParams {
    return new URLSearchParams(this.#pairs.map(([name, value]): [string, string] => [name, value]));
  }
}

/** A time as the API takes it. */
export function timeText(ms: number): string {
  return String(ms / 1000);
}
