// Where the heavy work runs: in this thread, or in a worker thread so that HTTP stays quick.

import { dirname } from "node:path";
import { Worker } from "node:worker_threads";
import type { Bucket, BucketConfig } from "@deucalion/objstore";
import { FilesystemBucket } from "@deucalion/objstore";
import { downsampleBlock } from "../downsample/downsample-block.ts";
import { BlocksError } from "../errors.ts";
import type { BlockMeta } from "../meta/block-meta.ts";
import {
  type MergedPart,
  type MergeHelpers,
  type MergeOptions,
  type MergeResult,
  mergeBlocks,
  mergePart,
} from "./merge/merge-blocks.ts";
import type { WrittenBlock } from "./merge/output-block.ts";
import { type BlockContent, verifyWritten } from "./merge/read-back.ts";
import { type SetAsideReason, SourceBlockError } from "./merge/source-error.ts";
import { TaskPlaces } from "./task-places.ts";

/** Work on blocks; `dir` is a folder on this machine. */
export type BlockTask =
  | {
      readonly kind: "merge";
      readonly sources: readonly BlockMeta[];
      readonly dir: string;
      readonly options: MergeOptions;
    }
  | {
      /** One part of a merge, for the merge that was split. */
      readonly kind: "merge-part";
      readonly part: number;
      readonly sources: readonly BlockMeta[];
      readonly dir: string;
      readonly options: MergeOptions;
    }
  | {
      readonly kind: "downsample";
      readonly source: BlockMeta;
      readonly resolutionMs: number;
      readonly dir: string;
      readonly acceptMalformedIndex: boolean;
    }
  | {
      /** Reads the block in `dir` back; the folder's name is its id. */
      readonly kind: "verify";
      readonly meta: BlockMeta;
      readonly dir: string;
      readonly written: Pick<WrittenBlock, "digest" | "segments">;
    };

export interface TaskResults {
  readonly merge: MergeResult;
  readonly "merge-part": MergedPart;
  readonly downsample: WrittenBlock;
  readonly verify: BlockContent;
}

/** Runs tasks. */
export interface BlockExecutor {
  run<Task extends BlockTask>(task: Task, signal: AbortSignal): Promise<TaskResults[Task["kind"]]>;
  /** Ends what runs. */
  close(): Promise<void>;
}

/** A merge that may be split. */
export type MergeTask = Extract<BlockTask, { kind: "merge" }>;

/** Has an executor merge the parts of `task`; it is closed with the merge. */
function helpersOf(executor: BlockExecutor, task: MergeTask): MergeHelpers {
  const { sources, options } = task;
  return {
    run: (part, dir, signal) =>
      executor.run({ kind: "merge-part", part, sources, dir, options }, signal),
    close: () => executor.close(),
  };
}

/** Runs a task in this thread; parts of a merge that is split are run by `helpers`. */
export async function runTask(
  bucket: Bucket,
  task: BlockTask,
  signal: AbortSignal,
  helpers: (task: MergeTask) => MergeHelpers,
): Promise<TaskResults[BlockTask["kind"]]> {
  switch (task.kind) {
    case "merge": {
      const { sources, dir, options } = task;
      const split = (options.parts ?? 1) > 1 ? helpers(task) : null;
      return mergeBlocks(bucket, sources, dir, options, signal, split);
    }
    case "merge-part":
      return mergePart(bucket, task.sources, task.dir, task.options, task.part, signal);
    case "downsample":
      return downsampleBlock(bucket, task.source, task.resolutionMs, task.dir, task, signal);
    case "verify": {
      const local = new FilesystemBucket(dirname(task.dir));
      try {
        return await verifyWritten(local, task.meta, task.written, signal);
      } finally {
        await local.close();
      }
    }
  }
}

/** Runs everything in this thread, over the bucket given. */
export function inlineExecutor(bucket: Bucket): BlockExecutor {
  const executor: BlockExecutor = {
    run: async <Task extends BlockTask>(task: Task, signal: AbortSignal) => {
      signal.throwIfAborted();
      const helpers = (merge: MergeTask): MergeHelpers => helpersOf(executor, merge);
      return (await runTask(bucket, task, signal, helpers)) as TaskResults[Task["kind"]];
    },
    close: () => Promise.resolve(),
  };
  return executor;
}

/** What a worker answers. Errors keep what decides how they are treated. */
export type WorkerAnswer =
  | { readonly ok: true; readonly result: unknown }
  | {
      readonly ok: false;
      readonly message: string;
      readonly source?: { readonly block: string; readonly reason: SetAsideReason };
      readonly result?: boolean;
    };

/** Memory of the JavaScript heap of a worker, in MB; bytes of blocks lie outside of it. */
const workerHeapMb = 512;
/** New objects of a worker are few and short-lived; a small place for them saves 15 MB a worker and costs nothing. */
const workerYoungMb = 12;

/** A worker thread and what it is doing. */
interface Hand {
  readonly worker: Worker;
  settle: ((answer: WorkerAnswer | Error) => void) | null;
}

/**
 * Worker threads that open the bucket themselves. A thread is kept for the next task; `close` ends all. Tasks beyond
 * `threadsMax` wait for a thread, in order. With a bucket for `here`, this thread is one of them: for a process that has
 * nothing else to do.
 */
export class WorkerExecutor implements BlockExecutor {
  readonly #config: BucketConfig;
  readonly #places: TaskPlaces;
  readonly #idle: Hand[] = [];
  readonly #all = new Set<Hand>();
  /** Null while this thread works, or if it is not to. */
  #here: Bucket | null;

  constructor(
    config: BucketConfig,
    threadsMax = Number.POSITIVE_INFINITY,
    here: Bucket | null = null,
  ) {
    this.#config = config;
    this.#places = new TaskPlaces(threadsMax);
    this.#here = here;
  }

  #start(): Hand {
    const worker = new Worker(new URL("./block-worker.js", import.meta.url), {
      workerData: this.#config,
      resourceLimits: {
        maxOldGenerationSizeMb: workerHeapMb,
        maxYoungGenerationSizeMb: workerYoungMb,
      },
    });
    // The work itself keeps the process alive, not a thread that waits for more.
    worker.unref();
    const hand: Hand = { worker, settle: null };
    this.#all.add(hand);
    worker.on("message", (answer: WorkerAnswer) => hand.settle?.(answer));
    worker.on("error", (error) => this.#ended(hand, error));
    worker.on("exit", (code) => {
      this.#ended(
        hand,
        new BlocksError("BLOCKS_RESULT", `worker ended with code ${code}`, { code }),
      );
    });
    return hand;
  }

  #ended(hand: Hand, error: Error): void {
    this.#all.delete(hand);
    const at = this.#idle.indexOf(hand);
    if (at >= 0) this.#idle.splice(at, 1);
    hand.settle?.(error);
  }

  async run<Task extends BlockTask>(
    task: Task,
    signal: AbortSignal,
  ): Promise<TaskResults[Task["kind"]]> {
    await this.#places.take();
    const wanted = task.kind === "merge" ? (task.options.parts ?? 1) - 1 : 0;
    // A merge brings threads of its own for its parts.
    const more = this.#places.takeIdle(wanted);
    try {
      const here = this.#here;
      const split = withParts(task, 1 + more);
      return await (here === null
        ? this.#runThere(split, signal)
        : this.#runHere(here, split, signal));
    } finally {
      for (let i = 0; i <= more; i++) this.#places.give();
    }
  }

  async #runHere<Task extends BlockTask>(
    bucket: Bucket,
    task: Task,
    signal: AbortSignal,
  ): Promise<TaskResults[Task["kind"]]> {
    this.#here = null;
    try {
      signal.throwIfAborted();
      const result = await runTask(bucket, task, signal, threadsOf(this.#config));
      return result as TaskResults[Task["kind"]];
    } finally {
      this.#here = bucket;
    }
  }

  #runThere<Task extends BlockTask>(
    task: Task,
    signal: AbortSignal,
  ): Promise<TaskResults[Task["kind"]]> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const hand = this.#idle.pop() ?? this.#start();
      const stop = (): void => {
        // A task cannot be asked to end early: its thread is.
        void hand.worker.terminate();
        hand.settle?.(signal.reason as Error);
      };
      hand.settle = (answer) => {
        hand.settle = null;
        hand.worker.unref();
        signal.removeEventListener("abort", stop);
        if (answer instanceof Error) reject(answer);
        else {
          this.#idle.push(hand);
          if (answer.ok) resolve(answer.result as TaskResults[Task["kind"]]);
          else reject(errorOf(answer));
        }
      };
      signal.addEventListener("abort", stop, { once: true });
      hand.worker.ref();
      hand.worker.postMessage(task);
    });
  }

  /** Ends the threads. */
  async close(): Promise<void> {
    await Promise.all([...this.#all].map(({ worker }) => worker.terminate()));
  }
}

/** Has threads of the thread that asks merge the parts of a task: they end with it, and with the merge. */
export function threadsOf(config: BucketConfig): (task: MergeTask) => MergeHelpers {
  return (task) => helpersOf(new WorkerExecutor(config), task);
}

function withParts<Task extends BlockTask>(task: Task, parts: number): Task {
  return task.kind === "merge" ? { ...task, options: { ...task.options, parts } } : task;
}

function errorOf(answer: Exclude<WorkerAnswer, { ok: true }>): Error {
  const { source, message } = answer;
  if (source !== undefined) {
    const plain = message.replace(`block ${source.block}: `, "");
    return new SourceBlockError(source.block, source.reason, plain);
  }
  return answer.result === true ? new BlocksError("BLOCKS_RESULT", message) : new Error(message);
}
