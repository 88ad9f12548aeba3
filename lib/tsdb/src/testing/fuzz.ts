// Feeds mutated real bytes to decoders: they may refuse them with a coded error and must do nothing else.
import { CodedError } from "@deucalion/base";

/** A decoder under test. */
export interface FuzzTarget {
  readonly name: string;
  /** Real inputs; they are not changed. */
  readonly corpus: readonly Uint8Array[];
  /** Makes checksums right again after a mutation, in place, so that what lies behind them is reached. */
  readonly seal?: (data: Uint8Array) => void;
  readonly run: (data: Uint8Array) => unknown;
}

export interface FuzzOptions {
  readonly mutations: number;
  readonly seed: number;
  /** A run that takes longer is a failure. */
  readonly timeoutMs: number;
  /** Growth of the process' memory outside the heap that is a failure. */
  readonly bytesMax: number;
}

export const fuzzDefaults: FuzzOptions = {
  mutations: 10_000,
  seed: 1,
  timeoutMs: 2000,
  bytesMax: 1024 * 1024 * 1024,
};

/** What is measured; `now` in milliseconds of processor time, so that a busy machine fails nobody. */
export interface FuzzDeps {
  readonly now: () => number;
  readonly externalBytes: () => number;
}

export const processFuzzDeps: FuzzDeps = {
  now: () => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1000;
  },
  externalBytes: () => process.memoryUsage().arrayBuffers,
};

/** How a target did: how many inputs it took, refused, and the first that it failed on. */
export interface FuzzResult {
  readonly name: string;
  readonly accepted: number;
  readonly refused: number;
  readonly failure: { readonly reason: string; readonly input: Uint8Array } | null;
  readonly slowestMs: number;
}

/** Runs one target. Stops at its first failure. */
export async function fuzz(
  target: FuzzTarget,
  options: FuzzOptions = fuzzDefaults,
  deps: FuzzDeps = processFuzzDeps,
): Promise<FuzzResult> {
  const random = xorshift(options.seed);
  const before = deps.externalBytes();
  let accepted = 0;
  let refused = 0;
  let slowestMs = 0;
  const fail = (reason: string, input: Uint8Array): FuzzResult => {
    return { name: target.name, accepted, refused, failure: { reason, input }, slowestMs };
  };
  for (let i = 0; i < options.mutations; i++) {
    const input = mutate(target.corpus[random(target.corpus.length)]!, target.corpus, random);
    target.seal?.(input);
    const start = deps.now();
    try {
      const result = target.run(input);
      if (result instanceof Promise) await result;
      accepted++;
    } catch (thrown) {
      if (!(thrown instanceof CodedError)) return fail(describe(thrown), input);
      refused++;
    }
    const took = deps.now() - start;
    slowestMs = Math.max(slowestMs, took);
    if (took > options.timeoutMs) return fail(`took ${Math.round(took)} ms`, input);
    if (i % 64 === 0 && deps.externalBytes() - before > options.bytesMax) {
      return fail("memory grew past the limit", input);
    }
  }
  return { name: target.name, accepted, refused, failure: null, slowestMs };
}

function describe(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
}

/** Numbers in [0, n) from a seed. */
function xorshift(seed: number): (n: number) => number {
  let state = Math.imul(seed + 1, 0x9e3779b1) | 1;
  return (n) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % Math.max(1, n);
  };
}

/** One to four changes of a copy: bits, bytes, ends, pieces moved or taken from another input. */
function mutate(
  original: Uint8Array,
  corpus: readonly Uint8Array[],
  random: (n: number) => number,
): Uint8Array {
  let data = original.slice();
  for (let left = 1 + random(4); left > 0; left--) {
    const at = random(data.length);
    switch (random(7)) {
      case 0:
        if (data.length > 0) data[at] = data[at]! ^ (1 << random(8));
        break;
      case 1:
        if (data.length > 0) data[at] = random(256);
        break;
      case 2:
        data = data.slice(0, at);
        break;
      case 3:
        data.fill(random(2) === 0 ? 0xff : 0, at, at + 1 + random(8));
        break;
      case 4: {
        const piece = data.slice(at, at + 1 + random(16));
        data.set(piece, random(data.length - piece.length + 1));
        break;
      }
      case 5: {
        const other = corpus[random(corpus.length)]!;
        const piece = other.subarray(random(other.length)).subarray(0, 1 + random(64));
        data.set(piece.subarray(0, data.length - at), at);
        break;
      }
      default: {
        const longer = new Uint8Array(data.length + 1 + random(8));
        longer.set(data.subarray(0, at));
        longer.set(data.subarray(at), longer.length - (data.length - at));
        data = longer;
      }
    }
  }
  return data;
}
