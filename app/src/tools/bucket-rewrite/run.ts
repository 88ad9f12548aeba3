// `tools bucket rewrite`: deletes series or relabels them in blocks of a bucket.
import { createWriteStream } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { finished } from "node:stream/promises";
import { markForDeletion, parseBlockMeta, uploadBlock } from "@deucalion/blocks";
import { type Bucket, FilesystemBucket } from "@deucalion/objstore";
import { Block, type BlockMeta } from "@deucalion/tsdb";
import { ulid } from "ulid";
import { parse } from "yaml";
import { AppError } from "../../errors.ts";
import type { AppProcess } from "../../process/app-process.ts";
import { openConfiguredBucket } from "../../store/open-bucket.ts";
import type { BucketRewriteFlagValues } from "../bucket-flags.ts";
import { checkedIds } from "../bucket-mark/run.ts";
import { type Deletion, deletionJson, parseDeletions } from "./deletions.ts";
import { compileRelabel, parseRelabel, type RelabelRule, relabelJson } from "./relabel.ts";
import { planRewrite, writeRewritten } from "./rewrite-block.ts";

interface Rewrite {
  readonly values: BucketRewriteFlagValues;
  readonly app: AppProcess;
  readonly bucket: Bucket;
  readonly deletions: readonly Deletion[];
  readonly rules: readonly RelabelRule[];
  readonly signal: AbortSignal;
}

async function download(
  bucket: Bucket,
  id: string,
  dir: string,
  signal: AbortSignal,
): Promise<void> {
  const local = new FilesystemBucket(dirname(dir));
  for await (const { name } of bucket.iter(`${id}/`, { recursive: true }, signal)) {
    await mkdir(dirname(join(dirname(dir), name)), { recursive: true });
    await local.upload(name, bucket.stream(name, signal), {}, signal);
  }
  await mkdir(join(dir, "chunks"), { recursive: true });
  await local.close();
}

/** Rewrites the blocks named. Throws APP_CONFIG for wrong configuration. */
export async function runBucketRewrite(
  values: BucketRewriteFlagValues,
  app: AppProcess,
): Promise<void> {
  const rules = parseRelabel(parse(values["rewrite.to-relabel-config"].read() || "[]"));
  const deletions = parseDeletions(parse(values["rewrite.to-delete-config"].read() || "[]"));
  if (rules.length === 0 && deletions.length === 0) {
    throw new AppError("APP_CONFIG", "rewrite configuration should be provided");
  }
  const ids = checkedIds(values.id, "id is not a valid block ULID");
  const bucket = openConfiguredBucket(values["objstore.config"].read(), app.registry);
  const signal = app.signals.stopping;
  const dir = values["tmp.dir"];
  await rm(dir, { recursive: true, force: true });
  await mkdir(dir, { recursive: true });
  try {
    for (const id of ids) {
      await rewriteOne({ values, app, bucket, deletions, rules, signal }, id);
    }
    app.log.info("rewrite done", { IDs: ids.join(",") });
  } finally {
    await bucket.close();
  }
}

function rewrittenMeta({ deletions, rules }: Rewrite, source: BlockMeta, id: string): BlockMeta {
  const entry = {
    sources: source.compaction.sources,
    ...(deletions.length === 0 ? {} : { deletions_applied: deletions.map(deletionJson) }),
    ...(rules.length === 0 ? {} : { relabels_applied: rules.map(relabelJson) }),
  };
  const { thanos } = source;
  return {
    ...source,
    ulid: id,
    compaction: { ...source.compaction, sources: [id] },
    thanos: {
      ...(thanos ?? { labels: {}, downsample: { resolution: 0 }, index_stats: {} }),
      source: "bucket.rewrite",
      rewrites: [...(thanos?.rewrites ?? []), entry],
    },
  };
}

async function rewriteOne(rewrite: Rewrite, id: string): Promise<void> {
  const { values, app, bucket, signal } = rewrite;
  const { log, now } = app;
  const parent = values["tmp.dir"];
  log.info("downloading block", { source: id });
  await download(bucket, id, join(parent, id), signal);
  const block = await Block.open(join(parent, id));
  try {
    if ((block.meta.thanos?.downsample.resolution ?? 0) > 0) {
      throw new AppError("APP_RUN", `block ${id} is downsampled: only raw blocks can be rewritten`);
    }
    if (block.meta.thanos === undefined && !values["prom-blocks"]) {
      throw new AppError("APP_RUN", `block ${id} has no Thanos section in meta.json`);
    }
    const newId = ulid(now());
    await mkdir(join(parent, `${newId}.log`), { recursive: true });
    const logFile = join(parent, `${newId}.log`, "change.log");
    const file = values["rewrite.add-change-log"] ? createWriteStream(logFile) : null;
    let changes = 0;
    const changed = (line: string): void => {
      changes++;
      file?.write(`${line}\n`);
      if (values["dry-run"]) log.info("would change", { change: line });
    };
    const options = {
      relabel: compileRelabel(rewrite.rules),
      deletions: rewrite.deletions,
      changed,
    };
    const targets = await planRewrite(block, options);
    file?.end();
    if (file !== null) await finished(file);
    if (values["dry-run"]) {
      log.info("dry run finished", { "Block ID": id, changes });
      return;
    }
    const meta = await writeRewritten(
      block,
      targets,
      parent,
      rewrittenMeta(rewrite, block.meta, newId),
    );
    log.info("wrote new block after modifications", { source: id, new: newId, changes });
    const upload = { hash: values["hash-func"] === "SHA256", filesAtOnce: 1 };
    const dir = join(parent, newId);
    const complete = parseBlockMeta(JSON.stringify(meta));
    await uploadBlock(bucket, dir, complete, upload, now(), async () => undefined, signal);
    log.info("uploaded", { source: id, new: newId, changelog: logFile });
    if (values["delete-blocks"])
      await markForDeletion(bucket, id, "block rewritten", now(), signal);
  } finally {
    await block.close();
  }
}
