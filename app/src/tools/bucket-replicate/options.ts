// Options of `tools bucket replicate`, from its flags.
import { messageOf } from "@deucalion/base";
import { blockIdOf } from "@deucalion/blocks";
import { AppError } from "../../errors.ts";
import type { TimeOrDuration } from "../../flags/time-or-duration.ts";
import { type HttpOptions, httpOptions } from "../../process/service-options.ts";
import type { BucketReplicateFlagValues } from "../bucket-flags.ts";
import type { BlockChoice } from "./choose-blocks.ts";
import { parseMatchers } from "./parse-matchers.ts";

export interface BucketReplicateOptions {
  readonly http: HttpOptions;
  readonly choice: BlockChoice;
  /** Texts of the buckets' configurations. */
  readonly fromConfig: string;
  readonly toConfig: string;
  /** End after one round. */
  readonly once: boolean;
  readonly minTime: TimeOrDuration;
  readonly maxTime: TimeOrDuration;
  readonly ignoreMarked: boolean;
}

/** Reads the files that flags name. Throws APP_CONFIG. */
export function bucketReplicateOptions(values: BucketReplicateFlagValues): BucketReplicateOptions {
  const matchers = checked("parse block label matchers", () => parseMatchers(values.matcher));
  const ids = new Set<string>();
  for (const id of values.id) {
    const ulid = id.toUpperCase();
    if (blockIdOf(ulid) === undefined)
      throw new AppError("APP_CONFIG", `invalid ULID found in --id flag: ${id}`);
    ids.add(ulid);
  }
  const toConfig = values["objstore-to.config"].read();
  if (toConfig.trim() === "")
    throw new AppError("APP_CONFIG", "No supported bucket was configured to replicate to");
  return {
    http: httpOptions(values),
    choice: { matchers, ids, resolutionsMs: new Set(values.resolution), levels: levels(values) },
    fromConfig: values["objstore.config"].read(),
    toConfig,
    once: values["single-run"] || ids.size > 0,
    minTime: values["min-time"],
    maxTime: values["max-time"],
    ignoreMarked: values["ignore-marked-for-deletion"],
  };
}

function levels(values: BucketReplicateFlagValues): ReadonlySet<number> {
  if (values.compaction.length > 0) return new Set(values.compaction);
  const from = values["compaction-min"];
  const to = values["compaction-max"];
  if (from > to)
    throw new AppError("APP_CONFIG", "compaction-min must be less than or equal to compaction-max");
  return new Set(Array.from({ length: to - from + 1 }, (_, i) => from + i));
}

function checked<T>(what: string, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new AppError("APP_CONFIG", `${what}: ${messageOf(cause)}`, {}, { cause });
  }
}
