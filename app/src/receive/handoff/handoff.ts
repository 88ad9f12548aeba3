// Hinted hand-off: what a receiver could not be given is kept on disk and given to it when it is back.
import { mkdirSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { type Log, messageOf } from "@deucalion/base";
import { Counter, Gauge, type Registry } from "prom-client";
import { ReceiveError } from "../errors.ts";
import { type HintFile, HintQueue, parseHintFileName } from "./hint-queue.ts";
import { hintBytesMax } from "./hint-segment.ts";

/** Hints for receivers that are in no hashring any more go after so long. */
const orphanMs = 24 * 3600 * 1000;
const retryMs = 500;
/** A request that its receiver fails to store so often (it answers, but with a fault of its own) is given up. */
const faultsMax = 20;
/**
 * A queue that is delivered for so long without coming to its end gets no more: requests come faster than one after the
 * other goes out. What comes now overtakes it then, which receivers take from late requests.
 */
const behindMs = 30_000;

export interface HandoffOptions {
  readonly dir: string;
  /** Bytes on disk for all receivers together. */
  readonly bytesMax: number;
}

export interface HandoffDeps {
  readonly log: Log;
  readonly registry: Registry;
  readonly now: () => number;
  /** Sends a thanos.WriteRequest. Throws ReceiveError. */
  readonly send: (address: string, request: Uint8Array) => Promise<void>;
}

interface Target {
  readonly queue: HintQueue;
  running: Promise<void> | null;
  faults: number;
  /** Since when the receiver takes what was kept, one after the other; 0 while it is away. */
  takingSince: number;
}

/** What a target's next request has come to. */
type Delivery = "delivered" | "refused" | "given_up" | "later";

/** Keeps hints in order by receiver and delivers them in that order. */
export class Handoff {
  readonly #options: HandoffOptions;
  readonly #deps: HandoffDeps;
  readonly #targets = new Map<string, Target>();
  readonly #stop = new AbortController();
  readonly #requests: Counter<"result">;
  #known: ReadonlySet<string> = new Set();
  #full = false;

  /** Takes up what was left in the folder; `keep` begins the delivery. Throws if the folder cannot be used. */
  constructor(options: HandoffOptions, deps: HandoffDeps) {
    this.#options = options;
    this.#deps = deps;
    const registers = [deps.registry];
    this.#requests = new Counter({
      name: "deucalion_receive_handoff_requests_total",
      help: "Requests for receivers that were away: stored, delivered, refused by them, given up, dropped for lack of space, damaged on disk.",
      labelNames: ["result"] as const,
      registers,
    });
    for (const result of ["stored", "delivered", "refused", "given_up", "dropped", "damaged"]) {
      this.#requests.inc({ result }, 0);
    }
    const targets = this.#targets;
    new Gauge({
      name: "deucalion_receive_handoff_bytes",
      help: "Bytes on disk that wait for receivers to come back.",
      labelNames: ["endpoint"] as const,
      registers,
      collect() {
        this.reset();
        for (const [endpoint, { queue }] of targets) this.set({ endpoint }, queue.bytes);
      },
    });
    this.#load();
  }

  #load(): void {
    const { dir } = this.#options;
    mkdirSync(dir, { recursive: true });
    const files = new Map<string, HintFile[]>();
    for (const name of readdirSync(dir)) {
      const parsed = parseHintFileName(name);
      if (parsed === null) continue;
      const of = files.get(parsed.address) ?? [];
      files.set(parsed.address, of);
      of.push({ name, number: parsed.number, bytes: statSync(join(dir, name)).size });
    }
    for (const [address, of] of files) {
      of.sort((a, b) => a.number - b.number);
      this.#targets.set(address, this.#target(address, of));
    }
  }

  #target(address: string, files: readonly HintFile[]): Target {
    const damaged = (): void => this.#requests.inc({ result: "damaged" });
    const queue = new HintQueue(this.#options.dir, address, files, damaged);
    return { queue, running: null, faults: 0, takingSince: 0 };
  }

  /** True while something waits for this receiver: what comes now belongs behind it. */
  isWaiting(address: string): boolean {
    const target = this.#targets.get(address);
    if (target === undefined || target.queue.isEmpty) return false;
    return target.takingSince === 0 || this.#deps.now() - target.takingSince < behindMs;
  }

  /** Bytes on disk for all receivers. */
  get bytes(): number {
    let sum = 0;
    for (const { queue } of this.#targets.values()) sum += queue.bytes;
    return sum;
  }

  /** Keeps an encoded thanos.WriteRequest for a receiver; drops it where there is no room. */
  push(address: string, request: Uint8Array): void {
    if (!this.offer(address, request)) this.#requests.inc({ result: "dropped" });
  }

  /** Keeps an encoded thanos.WriteRequest for a receiver. False where there is no room: it is still the caller's. */
  offer(address: string, request: Uint8Array): boolean {
    const { log } = this.#deps;
    const full = this.bytes + request.length > this.#options.bytesMax;
    if (full && !this.#full) {
      log.warn("the space for hand-off is used up: receivers that are away will lack data");
    }
    this.#full = full;
    if (full || request.length > hintBytesMax) return false;
    let target = this.#targets.get(address);
    if (target === undefined) {
      target = this.#target(address, []);
      this.#targets.set(address, target);
    }
    try {
      target.queue.push(request);
    } catch (error) {
      log.warn("a request cannot be kept for a receiver", { address, err: messageOf(error) });
      return false;
    }
    this.#requests.inc({ result: "stored" });
    this.#start(address, target);
    return true;
  }

  /** The receivers of the hashrings: theirs is delivered; what is for others waits for them to return, for a day. */
  keep(addresses: ReadonlySet<string>): void {
    this.#known = addresses;
    const { dir } = this.#options;
    for (const [address, target] of this.#targets) {
      if (addresses.has(address)) {
        this.#start(address, target);
        continue;
      }
      const newest = target.queue.newestName;
      const changed = newest === null ? 0 : changedAt(join(dir, newest));
      if (this.#deps.now() - changed <= orphanMs || target.running !== null) continue;
      target.queue.clear();
      this.#targets.delete(address);
    }
  }

  #start(address: string, target: Target): void {
    if (target.running !== null || target.queue.isEmpty || this.#stop.signal.aborted) return;
    if (!this.#known.has(address)) return;
    target.running = this.#deliver(address, target).finally(() => {
      target.running = null;
      // Something may have come after the last look.
      this.#start(address, target);
    });
  }

  async #deliver(address: string, target: Target): Promise<void> {
    const { signal } = this.#stop;
    target.takingSince = 0;
    while (!signal.aborted && this.#known.has(address)) {
      const result = await this.#deliverOne(address, target);
      if (result === "empty") return;
      if (result === "later") {
        target.takingSince = 0;
        await pause(retryMs, signal);
        continue;
      }
      if (target.takingSince === 0) target.takingSince = this.#deps.now();
      target.faults = 0;
      target.queue.drop();
      this.#requests.inc({ result });
    }
  }

  async #deliverOne(address: string, target: Target): Promise<Delivery | "empty"> {
    let request: Uint8Array | null;
    try {
      request = await target.queue.peek();
    } catch (error) {
      const err = messageOf(error);
      this.#deps.log.warn("what was kept for a receiver cannot be read now", { address, err });
      return "later";
    }
    return request === null ? "empty" : this.#send(address, request, target);
  }

  async #send(address: string, request: Uint8Array, target: Target): Promise<Delivery> {
    const { log, send } = this.#deps;
    try {
      await send(address, request);
      return "delivered";
    } catch (error) {
      const code = error instanceof ReceiveError ? error.code : "RECEIVE_STORAGE";
      if (code === "RECEIVE_CONFLICT" || code === "RECEIVE_BODY") {
        log.debug("a receiver refuses what was kept for it", { address, err: messageOf(error) });
        return "refused";
      }
      if (code !== "RECEIVE_STORAGE" || ++target.faults < faultsMax) return "later";
      log.warn("a receiver cannot store what was kept for it", { address, err: messageOf(error) });
      return "given_up";
    }
  }

  /** Ends the delivery; what waits stays on disk. */
  async close(): Promise<void> {
    this.#stop.abort();
    await Promise.all([...this.#targets.values()].map(({ running }) => running));
    for (const { queue } of this.#targets.values()) queue.close();
  }
}

function changedAt(path: string): number {
  try {
    return statSync(path).mtimeMs;
  } catch {
    return 0;
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      resolve();
    };
    const timer = setTimeout(end, ms);
    signal.addEventListener("abort", end);
  });
}
