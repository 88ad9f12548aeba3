// De-duplication by `penalty`, exactly as Thanos does it: replicas are folded pairwise from the left; the one that was
// not picked is only looked at again after twice the last step, and counters are lifted at a switch.
import { SampleColumns } from "../sample-columns.ts";
import { mergePenaltyPair } from "./penalty-pair.ts";

/** Milliseconds of penalty before the first step is known. */
const initialPenaltyMs = 5000;

interface Replica {
  /** Moves to the first sample at or after `time`; false at the end. */
  seek(time: number): boolean;
  next(): boolean;
  readonly time: number;
  /** Value with the adjustment of counters; only meaningful if `isFloat`. */
  readonly value: number;
  readonly isFloat: boolean;
  /** Lifts this replica so that it does not fall below `last`. */
  adjust(last: number): void;
  emit(out: SampleColumns): void;
}

class Leaf implements Replica {
  readonly #samples: SampleColumns;
  readonly #counter: boolean;
  #at = -1;
  #lift = 0;

  constructor(samples: SampleColumns, counter: boolean) {
    this.#samples = samples;
    this.#counter = counter;
  }
  next(): boolean {
    if (this.#at < this.#samples.count) this.#at++;
    return this.#at < this.#samples.count;
  }
  seek(time: number): boolean {
    const { times, count } = this.#samples;
    if (this.#at < 0) this.#at = 0;
    while (this.#at < count && times[this.#at]! < time) this.#at++;
    return this.#at < count;
  }
  get time(): number {
    return this.#samples.times[this.#at]!;
  }
  get value(): number {
    return this.#samples.values[this.#at]! + this.#lift;
  }
  get isFloat(): boolean {
    return this.#samples.histograms?.[this.#at] === undefined;
  }
  adjust(last: number): void {
    if (this.#counter && last > this.value) this.#lift += last - this.value;
  }
  emit(out: SampleColumns): void {
    out.pushFrom(this.#samples, this.#at);
    if (this.#lift !== 0 && this.isFloat && !this.#samples.isStale(this.#at)) {
      out.values[out.count - 1] = this.value;
    }
  }
}

class Pair implements Replica {
  readonly #a: Replica;
  readonly #b: Replica;
  #hasA: boolean;
  #hasB: boolean;
  #useA = true;
  #last: Replica;
  #lastTime = Number.NEGATIVE_INFINITY;
  #penaltyA = 0;
  #penaltyB = 0;

  constructor(a: Replica, b: Replica) {
    this.#a = a;
    this.#b = b;
    this.#last = a;
    this.#hasA = a.next();
    this.#hasB = b.next();
  }

  next(): boolean {
    const wasFloat = this.#useA ? this.#hasA && this.#a.isFloat : this.#hasB && this.#b.isFloat;
    const lastValue = wasFloat ? this.#last.value : 0;
    const usedA = this.#useA;
    const more = this.#advance();
    if (this.#useA !== usedA && wasFloat) this.adjust(lastValue);
    return more;
  }

  #advance(): boolean {
    const last = this.#lastTime;
    if (this.#hasA) this.#hasA = this.#a.seek(last + 1 + this.#penaltyA);
    if (this.#hasB) this.#hasB = this.#b.seek(last + 1 + this.#penaltyB);
    if (!this.#hasA) {
      this.#useA = false;
      if (this.#hasB) this.#pick(this.#b);
      this.#penaltyB = this.#hasB ? 0 : this.#penaltyB;
      return this.#hasB;
    }
    if (!this.#hasB) {
      this.#useA = true;
      this.#pick(this.#a);
      this.#penaltyA = 0;
      return true;
    }
    this.#useA = this.#a.time <= this.#b.time;
    const picked = this.#useA ? this.#a : this.#b;
    const penalty = last === Number.NEGATIVE_INFINITY ? initialPenaltyMs : 2 * (picked.time - last);
    this.#penaltyA = this.#useA ? 0 : penalty;
    this.#penaltyB = this.#useA ? penalty : 0;
    this.#pick(picked);
    return true;
  }

  #pick(replica: Replica): void {
    this.#last = replica;
    this.#lastTime = replica.time;
  }

  seek(time: number): boolean {
    while (this.time < time) if (!this.next()) return false;
    return this.#useA ? this.#hasA : this.#hasB;
  }
  get time(): number {
    return this.#useA ? this.#a.time : this.#b.time;
  }
  get value(): number {
    return this.#last.value;
  }
  get isFloat(): boolean {
    return this.#last.isFloat;
  }
  adjust(last: number): void {
    if (this.#hasA && this.#a.isFloat) this.#a.adjust(last);
    if (this.#hasB && this.#b.isFloat) this.#b.adjust(last);
  }
  emit(out: SampleColumns): void {
    this.#last.emit(out);
  }
}

/**
 * Appends the de-duplicated samples to `out`. `counter` is true for the functions that Thanos treats so
 * (increase, rate, irate, resets). With one replica its samples are passed as they are. `scratch` gives empty columns for
 * what is between.
 */
export function mergePenalty(
  replicas: readonly SampleColumns[],
  counter: boolean,
  out: SampleColumns,
  scratch: () => SampleColumns = () => new SampleColumns(),
): void {
  const [first, ...others] = replicas.filter((replica) => replica.count > 0);
  if (first === undefined) return;
  if (!counter && others.length > 0) {
    // Nothing is lifted, so that the fold of the first ones can be written out.
    let folded = first;
    for (const [i, other] of others.entries()) {
      const into: SampleColumns = i === others.length - 1 ? out : scratch();
      mergePenaltyPair(folded, other, initialPenaltyMs, into);
      folded = into;
    }
    return;
  }
  let merged: Replica = new Leaf(first, counter);
  for (const other of others) merged = new Pair(merged, new Leaf(other, counter));
  while (merged.next()) merged.emit(out);
}
