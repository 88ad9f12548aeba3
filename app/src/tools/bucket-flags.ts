// Flags of `tools bucket` and of the commands below it.

import { compactFlags } from "../compact/flags.ts";
import type { FlagValues } from "../flags/flag-spec.ts";
import {
  bool,
  choice,
  choices,
  duration,
  durations,
  int,
  ints,
  pathOrContent,
  promDuration,
  string,
  strings,
  timeOrDuration,
} from "../flags/flag-types.ts";
import {
  externalPrefixFlags,
  globalFlags,
  httpFlags,
  requiredObjstoreFlags,
  selectorRelabelFlags,
} from "../flags/groups.ts";
import { blockColumns } from "./bucket-inspect/block-columns.ts";

/** Flags of `tools bucket` itself; its commands have them too. */
export const bucketFlags = { ...globalFlags, ...requiredObjstoreFlags };

const minTime = {
  "min-time": timeOrDuration(
    "0000-01-01T00:00:00Z",
    "Leave older blocks out: a time, or a duration relative to now.",
  ),
};
const maxTime = {
  "max-time": timeOrDuration(
    "9999-12-31T23:59:59Z",
    "Leave younger blocks out: a time, or a duration relative to now.",
  ),
};
const hashFunc = {
  "hash-func": choice(
    ["SHA256", ""],
    "",
    "Hash function for the files listed in meta.json; empty for none.",
    { quoted: true },
  ),
};
const cleaning = {
  "delete-delay": duration("48h", "Delete a marked block after so long; 0 deletes at once."),
  "consistency-delay": duration("30m", "Leave blocks alone that are younger than this."),
  "block-sync-concurrency": int(20, "meta.json files fetched at once."),
};

export const bucketVerifyFlags = {
  ...bucketFlags,
  "objstore-backup.config": pathOrContent("YAML that describes the bucket to back up to.", {
    env: true,
  }),
  repair: bool(false, "Repair what can be repaired.", { short: "r" }),
  issues: strings(
    "Issue to look for: index_known_issues, overlapped_blocks, duplicated_compaction. Repeatable.",
    { short: "i" },
    ["index_known_issues", "overlapped_blocks"],
  ),
  id: strings("Only this block. Repeatable."),
  "delete-delay": promDuration("0s", "Mark instead of delete when not 0."),
};

export const bucketLsFlags = {
  ...bucketFlags,
  ...selectorRelabelFlags,
  output: string("", "How to print each block: json, wide, or a template.", { short: "o" }),
  "exclude-delete": bool(false, "Leave out blocks that are marked for deletion."),
  ...minTime,
  ...maxTime,
  timeout: duration("5m", "Longest time to read the bucket."),
};

export const bucketInspectFlags = {
  ...bucketFlags,
  selector: strings('Only blocks with this label: name="value". Repeatable.', {
    short: "l",
    placeholder: '<name>="<value>"',
  }),
  "sort-by": choices(blockColumns, ["FROM", "UNTIL"], "Column to sort by. Repeatable."),
  timeout: duration("5m", "Longest time to read the bucket."),
  output: choice(["table", "tsv", "csv"], "table", "Form of the output."),
};

export const bucketWebFlags = {
  ...bucketFlags,
  ...httpFlags,
  "web.route-prefix": string(
    "",
    "Prefix under which API and UI are served; default is --web.external-prefix.",
  ),
  ...externalPrefixFlags,
  refresh: duration("30m", "Read the bucket again after so long."),
  timeout: duration("5m", "Longest time to read the bucket."),
  label: string("", "External label that names the groups."),
  "disable-admin-operations": bool(false, "Refuse to mark blocks over HTTP."),
  ...minTime,
  ...maxTime,
  ...selectorRelabelFlags,
};

export const bucketReplicateFlags = {
  ...bucketFlags,
  ...httpFlags,
  "objstore-to.config": pathOrContent("YAML that describes the bucket to copy to.", { env: true }),
  resolution: durations(["0s", "5m", "1h"], "Only blocks of this resolution. Repeatable."),
  "compaction-min": int(1, "Only blocks of at least this level."),
  "compaction-max": int(4, "Only blocks of at most this level."),
  compaction: ints("Only blocks of this level; wins over the two above. Repeatable."),
  matcher: string("", "Only blocks whose external labels match; comma separated matchers."),
  "single-run": bool(false, "End after one round."),
  ...minTime,
  ...maxTime,
  id: strings("Only this block. Repeatable."),
  "ignore-marked-for-deletion": bool(false, "Leave out blocks that are marked for deletion."),
};

export const bucketDownsampleFlags = {
  ...bucketFlags,
  ...httpFlags,
  "wait-interval": duration("5m", "Time between two rounds."),
  "downsample.concurrency": int(1, "Blocks downsampled at once."),
  "block-files-concurrency": int(1, "Files of a block moved at once."),
  "data-dir": string("./data", "Folder for blocks being worked on."),
  ...hashFunc,
};

export const bucketCleanupFlags = { ...bucketFlags, ...cleaning, ...selectorRelabelFlags };

export const bucketMarkFlags = {
  ...bucketFlags,
  id: strings("Block to mark. Repeatable.", { required: true }),
  marker: choice(
    ["deletion-mark.json", "no-compact-mark.json", "no-downsample-mark.json"],
    undefined,
    "The mark.",
    { required: true },
  ),
  details: string(undefined, "Why, for people."),
  remove: bool(false, "Take the mark away."),
};

export const bucketRewriteFlags = {
  ...bucketFlags,
  id: strings("Block to rewrite. Repeatable.", { required: true }),
  "tmp.dir": string("/tmp/thanos-rewrite", "Folder for blocks being worked on."),
  ...hashFunc,
  "dry-run": bool(true, "Only print what would change."),
  "prom-blocks": bool(false, "Accept blocks without Thanos' part of meta.json."),
  "delete-blocks": bool(false, "Mark the originals for deletion."),
  "rewrite.to-delete-config": pathOrContent("YAML that says which series to delete.", {
    env: true,
  }),
  "rewrite.to-relabel-config": pathOrContent("YAML with relabelling rules.", { env: true }),
  "rewrite.add-change-log": bool(true, "Keep a log of all changes."),
};

export const bucketRetentionFlags = {
  ...bucketFlags,
  ...cleaning,
  ...selectorRelabelFlags,
  "retention.resolution-raw": promDuration("0d", "Keep raw samples so long; 0 is for ever."),
  "retention.resolution-5m": promDuration(
    "0d",
    "Keep samples of 5 minutes so long; 0 is for ever.",
  ),
  "retention.resolution-1h": promDuration("0d", "Keep samples of 1 hour so long; 0 is for ever."),
};

export const bucketUploadBlocksFlags = {
  ...bucketFlags,
  path: string("./data", "Folder with blocks to upload."),
  label: strings('External label: name="value". Repeatable.', { placeholder: 'key="value"' }),
  "shipper.upload-compacted": bool(false, "Upload blocks that are compacted already, too."),
  "shipper.upload-concurrency": int(5, "Files of one block to upload at once."),
};

/** Ours: what a compactor with these flags would do. */
export const bucketPlanFlags = {
  ...compactFlags,
  output: choice(["text", "json"], "text", "Form of the output.", { short: "o" }),
};

export type BucketPlanFlagValues = FlagValues<typeof bucketPlanFlags>;
export type BucketLsFlagValues = FlagValues<typeof bucketLsFlags>;
export type BucketInspectFlagValues = FlagValues<typeof bucketInspectFlags>;
export type BucketWebFlagValues = FlagValues<typeof bucketWebFlags>;
export type BucketVerifyFlagValues = FlagValues<typeof bucketVerifyFlags>;
export type BucketDownsampleFlagValues = FlagValues<typeof bucketDownsampleFlags>;
export type BucketCleanupFlagValues = FlagValues<typeof bucketCleanupFlags>;
export type BucketMarkFlagValues = FlagValues<typeof bucketMarkFlags>;
export type BucketRewriteFlagValues = FlagValues<typeof bucketRewriteFlags>;
export type BucketRetentionFlagValues = FlagValues<typeof bucketRetentionFlags>;
export type BucketReplicateFlagValues = FlagValues<typeof bucketReplicateFlags>;
