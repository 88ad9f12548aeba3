// The threads that evaluate big queries: started when first needed, kept from then on.
import { Worker } from "node:worker_threads";
import { type Log, messageOf } from "@deucalion/base";
import { PromqlError, type QueryResult } from "@deucalion/promql";
import type { FromWorker, RunMessage, ToWorker, WorkerSettings } from "./messages.ts";
import { unpackResult } from "./pack-result.ts";
import { thrownError } from "./plain.ts";

/** What the worker asks of whoever gave it a query. */
export interface RunHandler {
  onSelect(message: Extract<FromWorker, { readonly type: "select" }>): void;
  onNext(select: number): void;
  onClose(select: number): void;
  onProgress(bytes: number, series: number): void;
}

interface Running {
  readonly handler: RunHandler;
  readonly resolve: (result: QueryResult) => void;
  readonly reject: (error: Error) => void;
}

/** One thread with its queries. */
class Thread {
  readonly worker: Worker;
  readonly running = new Map<number, Running>();

  constructor(settings: WorkerSettings, ended: (thread: Thread, error: Error) => void) {
    this.worker = new Worker(new URL("./query-worker.js", import.meta.url), {
      workerData: settings,
    });
    // A thread without work keeps no process alive.
    this.worker.unref();
    this.worker.on("message", (message: FromWorker) => this.#receive(message));
    this.worker.on("error", (error) => ended(this, error));
    this.worker.on("exit", () => ended(this, new Error("the thread ended")));
  }

  #receive(message: FromWorker): void {
    const one = this.running.get(message.id);
    if (one === undefined) return;
    const { handler, resolve, reject } = one;
    switch (message.type) {
      case "select":
        handler.onSelect(message);
        break;
      case "next":
        handler.onNext(message.select);
        break;
      case "close":
        handler.onClose(message.select);
        break;
      case "progress":
        handler.onProgress(message.bytes, message.series);
        break;
      case "done":
        this.running.delete(message.id);
        resolve(unpackResult(message.result));
        break;
      case "failed":
        this.running.delete(message.id);
        reject(thrownError(message.error));
        break;
    }
  }
}

/** A query that was given to a thread. */
export interface Handed {
  readonly result: Promise<QueryResult>;
  readonly post: (message: ToWorker, transfer?: ArrayBuffer[]) => void;
}

export class WorkerPool {
  readonly #size: number;
  readonly #settings: WorkerSettings;
  readonly #log: Log;
  readonly #threads: Thread[] = [];
  #next = 1;

  /** `size` threads at most; 0 for none. */
  constructor(size: number, settings: WorkerSettings, log: Log) {
    this.#size = size;
    this.#settings = settings;
    this.#log = log;
  }

  get size(): number {
    return this.#size;
  }

  /** The thread with the fewest queries; a new one if all have some. */
  #thread(): Thread {
    let best = this.#threads[0];
    for (const thread of this.#threads) {
      if (thread.running.size < best!.running.size) best = thread;
    }
    if (best !== undefined && (best.running.size === 0 || this.#threads.length >= this.#size)) {
      return best;
    }
    const thread = new Thread(this.#settings, (ended, error) => this.#ended(ended, error));
    this.#threads.push(thread);
    return thread;
  }

  /** A thread that ran out of memory takes its queries along, not the process. */
  #ended(thread: Thread, error: Error): void {
    const at = this.#threads.indexOf(thread);
    if (at >= 0) this.#threads.splice(at, 1);
    if (thread.running.size === 0) return;
    const memory = (error as NodeJS.ErrnoException).code === "ERR_WORKER_OUT_OF_MEMORY";
    const text = memory
      ? "query ran out of memory; lower --query.max-bytes-per-query, or give the process more"
      : `the thread that evaluated the query ended: ${messageOf(error)}`;
    this.#log.error("a thread that evaluates queries ended", {
      err: messageOf(error),
      queries: thread.running.size,
    });
    for (const { reject } of thread.running.values()) {
      reject(new PromqlError(memory ? "PROMQL_LIMIT" : "PROMQL_EXECUTION", text));
    }
    thread.running.clear();
  }

  /** Starts a query. `message` without its id, which is of the pool. */
  run(
    message: Omit<RunMessage, "id" | "type">,
    handler: (handed: Handed, id: number) => RunHandler,
  ): Handed {
    const id = this.#next++;
    const thread = this.#thread();
    let running: Omit<Running, "handler"> | null = null;
    const result = new Promise<QueryResult>((resolve, reject) => {
      running = { resolve, reject };
    });
    thread.worker.ref();
    const release = (): void => {
      if (thread.running.size === 0) thread.worker.unref();
    };
    result.then(release, release);
    const handed: Handed = {
      result,
      post: (sent, transfer = []) => thread.worker.postMessage(sent, transfer),
    };
    thread.running.set(id, { ...running!, handler: handler(handed, id) });
    handed.post({ type: "run", id, ...message });
    return handed;
  }

  async close(): Promise<void> {
    await Promise.all(this.#threads.splice(0).map((thread) => thread.worker.terminate()));
  }
}
