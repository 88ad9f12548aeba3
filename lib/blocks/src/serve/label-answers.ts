// Answers to questions for label names and values, kept as long as the blocks they were made from: dashboards ask the same
// again and again, and blocks do not change.
import type { LabelRequest, Matcher } from "@deucalion/model";

/** No single answer takes more of what all may take. */
const answerShare = 4;
/** What a string and its place in a list take beside its characters. */
const stringBytes = 24;

/** What an answer depends on, beside the request. */
export interface AskedBlock {
  readonly id: string;
  /** True if the whole block lies in the time range asked for. */
  readonly whole: boolean;
}

/** At most `bytesMax` of answers; the one asked for longest ago goes first. */
export class LabelAnswers {
  readonly #bytesMax: number;
  readonly #answers = new Map<string, { list: readonly string[]; bytes: number }>();
  #bytes = 0;

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The list for a key of `answerKey`, frozen. */
  get(key: string): readonly string[] | undefined {
    const known = this.#answers.get(key);
    if (known === undefined) return undefined;
    this.#answers.delete(key);
    this.#answers.set(key, known);
    return known.list;
  }

  /** Keeps `list`, and freezes it: others will be given the same. */
  put(key: string, list: readonly string[]): void {
    let bytes = 2 * key.length;
    for (const text of list) bytes += stringBytes + text.length;
    if (bytes * answerShare > this.#bytesMax) return;
    Object.freeze(list);
    this.#forget(key);
    this.#answers.set(key, { list, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#answers.keys()) {
      if (this.#bytes <= this.#bytesMax) break;
      this.#forget(oldest);
    }
  }

  #forget(key: string): void {
    const known = this.#answers.get(key);
    if (known === undefined) return;
    this.#bytes -= known.bytes;
    this.#answers.delete(key);
  }

  clear(): void {
    this.#answers.clear();
    this.#bytes = 0;
  }
}

/** Tells apart all questions whose answers may differ. `name` is null where names are asked for. */
export function answerKey(
  name: string | null,
  request: LabelRequest,
  blocks: readonly AskedBlock[],
): string {
  const { minTime, maxTime, matchers, withoutReplicaLabels, limit } = request;
  // Without matchers all of a block answers, whenever its series have samples.
  const timed = matchers.length > 0 && blocks.some(({ whole }) => !whole);
  return JSON.stringify([
    name,
    matchers.map(({ type, name: label, value }: Matcher) => [type, label, value]),
    withoutReplicaLabels ?? [],
    limit ?? 0,
    timed ? [minTime, maxTime] : [],
    blocks.map(({ id }) => id).join(),
  ]);
}
