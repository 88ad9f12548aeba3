// Where the heavy work runs: in this thread, or in a worker thread so that HTTP stays quick.

import { dirname } from "node:path";
import { Worker } from "node:worker_threads";
import type { Bucket, BucketConfig } from "@deucalion/objstore";
import { FilesystemBucket } from "@deucalion/objstore";
import { type DownsampleResult, downsampleBlock } from "../downsample/downsample-block.ts";
import { BlocksError } from "../errors.ts";
import type { BlockMeta } from "../meta/block-meta.ts";
import { type MergeOptions, type MergeResult, mergeBlocks } from "./merge-blocks.ts";
import { type BlockContent, verifyWritten } from "./read-back.ts";
import { type SetAsideReason, SourceBlockError } from "./source-error.ts";

/** Work on blocks; `dir` is a folder on this machine. */
export type BlockTask =
  | {
      readonly kind: "merge";
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
      readonly digest: string;
    };

export interface TaskResults {
  readonly merge: MergeResult;
  readonly downsample: DownsampleResult;
  readonly verify: BlockContent;
}

/** Runs tasks. */
export interface BlockExecutor {
  run<Task extends BlockTask>(task: Task, signal: AbortSignal): Promise<TaskResults[Task["kind"]]>;
}

/** Runs a task in this thread. */
export async function runTask(
  bucket: Bucket,
  task: BlockTask,
  signal: AbortSignal,
): Promise<TaskResults[BlockTask["kind"]]> {
  switch (task.kind) {
    case "merge":
      return mergeBlocks(bucket, task.sources, task.dir, task.options, signal);
    case "downsample":
      return downsampleBlock(bucket, task.source, task.resolutionMs, task.dir, task, signal);
    case "verify": {
      const local = new FilesystemBucket(dirname(task.dir));
      try {
        return await verifyWritten(local, task.meta, task.digest, signal);
      } finally {
        await local.close();
      }
    }
  }
}

/** Runs everything in this thread, over the bucket given. */
export function inlineExecutor(bucket: Bucket): BlockExecutor {
  return {
    run: <Task extends BlockTask>(task: Task, signal: AbortSignal) =>
      runTask(bucket, task, signal) as Promise<TaskResults[Task["kind"]]>,
  };
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

/** Runs each task in a worker thread of its own, which opens the bucket itself. */
export function workerExecutor(config: BucketConfig): BlockExecutor {
  return {
    run: <Task extends BlockTask>(task: Task, signal: AbortSignal) =>
      new Promise<TaskResults[Task["kind"]]>((resolve, reject) => {
        signal.throwIfAborted();
        const worker = new Worker(new URL("./block-worker.js", import.meta.url), {
          workerData: { config, task },
          resourceLimits: { maxOldGenerationSizeMb: workerHeapMb },
        });
        let answered = false;
        const stop = (): void => {
          worker.terminate().then(
            () => reject(signal.reason as Error),
            () => reject(signal.reason as Error),
          );
        };
        signal.addEventListener("abort", stop, { once: true });
        worker.once("message", (answer: WorkerAnswer) => {
          answered = true;
          if (answer.ok) resolve(answer.result as TaskResults[Task["kind"]]);
          else reject(errorOf(answer));
        });
        worker.once("error", reject);
        worker.once("exit", (code) => {
          signal.removeEventListener("abort", stop);
          if (answered) return;
          reject(new BlocksError("BLOCKS_RESULT", `worker ended with code ${code}`, { code }));
        });
      }),
  };
}

function errorOf(answer: Exclude<WorkerAnswer, { ok: true }>): Error {
  const { source, message } = answer;
  if (source !== undefined) {
    const plain = message.replace(`block ${source.block}: `, "");
    return new SourceBlockError(source.block, source.reason, plain);
  }
  return answer.result === true ? new BlocksError("BLOCKS_RESULT", message) : new Error(message);
}
