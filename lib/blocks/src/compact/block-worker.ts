// A worker thread of `WorkerExecutor`: takes tasks, one at a time, and answers each.
import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "@deucalion/base";
import { type Bucket, type BucketConfig, openBucket } from "@deucalion/objstore";
import { BlocksError } from "../errors.ts";
import { type BlockTask, runTask, threadsOf, type WorkerAnswer } from "./block-executor.ts";
import { SourceBlockError } from "./merge/source-error.ts";

const helpers = threadsOf(workerData as BucketConfig);

async function answer(bucket: Bucket, task: BlockTask): Promise<WorkerAnswer> {
  try {
    const never = new AbortController().signal;
    return { ok: true, result: await runTask(bucket, task, never, helpers) };
  } catch (thrown) {
    const message = messageOf(thrown);
    if (thrown instanceof SourceBlockError) {
      return { ok: false, message, source: { block: thrown.block, reason: thrown.reason } };
    }
    const result = thrown instanceof BlocksError && thrown.code === "BLOCKS_RESULT";
    return { ok: false, message, result };
  }
}

const bucket = openBucket(workerData as BucketConfig);
parentPort?.on("message", (task: BlockTask) => {
  void answer(bucket, task).then((result) => parentPort?.postMessage(result));
});
