// The worker thread of `workerExecutor`: one task, one answer.
import { parentPort, workerData } from "node:worker_threads";
import { messageOf } from "@deucalion/base";
import { type BucketConfig, openBucket } from "@deucalion/objstore";
import { BlocksError } from "../errors.ts";
import { type BlockTask, runTask, type WorkerAnswer } from "./block-executor.ts";
import { SourceBlockError } from "./source-error.ts";

async function answer(): Promise<WorkerAnswer> {
  const { config, task } = workerData as { config: BucketConfig; task: BlockTask };
  const bucket = openBucket(config);
  try {
    return { ok: true, result: await runTask(bucket, task, new AbortController().signal) };
  } catch (thrown) {
    const message = messageOf(thrown);
    if (thrown instanceof SourceBlockError) {
      return { ok: false, message, source: { block: thrown.block, reason: thrown.reason } };
    }
    const result = thrown instanceof BlocksError && thrown.code === "BLOCKS_RESULT";
    return { ok: false, message, result };
  } finally {
    await bucket.close();
  }
}

parentPort?.postMessage(await answer());
