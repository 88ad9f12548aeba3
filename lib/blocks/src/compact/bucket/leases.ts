// Leases: which instance may work on a group of blocks.
//
// A lease is a chain of objects `deucalion/leases/<group>/<number>`, each created only if it is absent. The highest
// number holds. Its owner writes it again and again to say that it lives; who finds it silent for longer than `ttlMs`
// creates the next number, which only one can. Before it commits, an owner looks for a higher number and at its own
// clock, so one that was paused steps back. A lease that is given back leaves nothing behind.
import { createHash } from "node:crypto";
import { hostname } from "node:os";
import { type Log, messageOf } from "@deucalion/base";
import { type Bucket, isNotFound, ObjstoreError } from "@deucalion/objstore";
import { BlocksError } from "../../errors.ts";

export const leaseFolder = "deucalion/leases";

export interface LeaseOptions {
  /** Names this instance; unique among all that run. */
  readonly owner: string;
  /** A lease that was not renewed for so long is free. */
  readonly ttlMs: number;
}

export interface LeaseDeps {
  readonly bucket: Bucket;
  readonly now: () => number;
  readonly log: Log;
}

interface LeaseRecord {
  readonly owner: string;
  readonly host: string;
  readonly pid: number;
  /** When it was last renewed, ms, by the owner's clock. */
  readonly renewed: number;
}

/** True if the owner ran on this machine and is gone: then nobody has to wait for its lease to end. */
function isGone(record: LeaseRecord): boolean {
  if (record.host !== hostname() || record.pid === process.pid) return false;
  try {
    process.kill(record.pid, 0);
    return false;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === "ESRCH";
  }
}

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** A lease that is held. */
export interface Lease {
  readonly group: string;
  /** Throws BLOCKS_LEASE if the lease was lost. To be called before anything is made visible. */
  check(signal: AbortSignal): Promise<void>;
  /** Gives the lease back. */
  release(): Promise<void>;
}

function groupFolder(group: string): string {
  const hash = createHash("sha256").update(group).digest("hex").slice(0, 32);
  return `${leaseFolder}/${hash}`;
}

function objectName(folder: string, number: number): string {
  return `${folder}/${String(number).padStart(12, "0")}.json`;
}

/** Takes leases in a bucket that can create objects conditionally. */
export class Leases {
  readonly #options: LeaseOptions;
  readonly #deps: LeaseDeps;

  constructor(options: LeaseOptions, deps: LeaseDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  async #numbers(folder: string, signal: AbortSignal): Promise<number[]> {
    const numbers: number[] = [];
    for await (const { name } of this.#deps.bucket.iter(`${folder}/`, {}, signal)) {
      const found = /\/(\d{12})\.json$/.exec(name);
      if (found !== null) numbers.push(Number(found[1]));
    }
    return numbers.sort((a, b) => a - b);
  }

  async #read(name: string, signal: AbortSignal): Promise<LeaseRecord | undefined> {
    const { bucket } = this.#deps;
    try {
      const record = JSON.parse(decoder.decode(await bucket.get(name, signal))) as LeaseRecord;
      if (typeof record.owner === "string" && typeof record.renewed === "number") return record;
      return undefined;
    } catch (thrown) {
      if (isNotFound(thrown) || thrown instanceof SyntaxError) return undefined;
      throw thrown;
    }
  }

  #record(): Uint8Array {
    const { owner } = this.#options;
    const record: LeaseRecord = {
      owner,
      host: hostname(),
      pid: process.pid,
      renewed: this.#deps.now(),
    };
    return encoder.encode(JSON.stringify(record));
  }

  #isLive(record: LeaseRecord): boolean {
    return this.#deps.now() - record.renewed < this.#options.ttlMs && !isGone(record);
  }

  /** Removes leases whose owners are gone, whatever their groups. Failures are logged. */
  async sweep(signal: AbortSignal): Promise<void> {
    const { bucket, log } = this.#deps;
    try {
      const names: string[] = [];
      for await (const { name } of bucket.iter(`${leaseFolder}/`, { recursive: true }, signal)) {
        names.push(name);
      }
      for (const name of names) {
        const record = await this.#read(name, signal);
        if (record === undefined || this.#isLive(record)) continue;
        await bucket.delete(name, signal);
      }
    } catch (thrown) {
      if (!isNotFound(thrown)) log.warn("sweeping leases failed", { err: messageOf(thrown) });
    }
  }

  /** The lease of a group, or undefined while another instance holds it. */
  async tryAcquire(group: string, signal: AbortSignal): Promise<Lease | undefined> {
    const { bucket } = this.#deps;
    const folder = groupFolder(group);
    const numbers = await this.#numbers(folder, signal);
    const highest = numbers.at(-1) ?? 0;
    if (highest > 0) {
      const record = await this.#read(objectName(folder, highest), signal);
      if (record !== undefined && this.#isLive(record)) return undefined;
    }
    const name = objectName(folder, highest + 1);
    try {
      await bucket.upload(name, this.#record(), { ifAbsent: true }, signal);
    } catch (thrown) {
      if (thrown instanceof ObjstoreError && thrown.code === "OBJSTORE_EXISTS") return undefined;
      throw thrown;
    }
    // Numbers below are spent; the one right below stays until the next round.
    for (const number of numbers.slice(0, -1)) {
      await bucket.delete(objectName(folder, number), signal).catch(() => undefined);
    }
    return this.#hold(group, folder, highest + 1);
  }

  #hold(group: string, folder: string, number: number): Lease {
    const { bucket, log } = this.#deps;
    const { ttlMs } = this.#options;
    const name = objectName(folder, number);
    const never = new AbortController().signal;
    const lost = (why: string): BlocksError =>
      new BlocksError("BLOCKS_LEASE", `lease of ${group} is lost: ${why}`, { group });
    let renewedAt = performance.now();
    let released = false;
    // After a pause longer than the lease others may hold it: it is never written again then.
    const renew = async (): Promise<void> => {
      const begun = performance.now();
      if (released || begun - renewedAt > ttlMs) throw lost("it was not renewed in time");
      await bucket.upload(name, this.#record(), {}, never);
      renewedAt = begun;
    };
    let renewing: Promise<void> = Promise.resolve();
    const timer = setInterval(() => {
      renewing = renew().catch((thrown: unknown) => {
        log.warn("renewing a lease failed", { group, err: messageOf(thrown) });
      });
    }, ttlMs / 4);
    timer.unref();
    return {
      group,
      check: async (signal) => {
        const idleMs = performance.now() - renewedAt;
        if (idleMs > ttlMs) throw lost("it was not renewed in time");
        if (idleMs > ttlMs / 2) await renew();
        const numbers = await this.#numbers(folder, signal);
        if (numbers.at(-1) !== number) throw lost("another instance has taken it");
      },
      release: async () => {
        clearInterval(timer);
        const late = performance.now() - renewedAt > ttlMs;
        released = true;
        // A renewal on its way would write the lease again after it is deleted.
        await renewing;
        if (late) return;
        try {
          for (const spent of await this.#numbers(folder, never)) {
            if (spent <= number) await bucket.delete(objectName(folder, spent), never);
          }
        } catch (thrown) {
          if (!isNotFound(thrown)) {
            log.warn("releasing a lease failed", { group, err: messageOf(thrown) });
          }
        }
      },
    };
  }
}
