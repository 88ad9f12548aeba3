// Flags of `compact`.
import type { FlagValues } from "../flags/flag-spec.ts";
import {
  bool,
  bytes,
  choice,
  commaList,
  duration,
  int,
  promDuration,
  string,
  timeOrDuration,
} from "../flags/flag-types.ts";
import {
  blockViewerFlags,
  globalFlags,
  httpFlags,
  objstoreFlags,
  selectorRelabelFlags,
  webFlags,
} from "../flags/groups.ts";

const retention = (what: string) => promDuration("0d", `Keep ${what} so long; 0 is for ever.`);

export const compactFlags = {
  ...globalFlags,
  ...httpFlags,
  "debug.halt-on-error": bool(false, "Stop for good at an error that needs a person.", {
    hidden: true,
  }),
  "debug.accept-malformed-index": bool(false, "Compact blocks whose index is malformed.", {
    hidden: true,
  }),
  "debug.max-compaction-level": int(4, "Highest level that is made.", { hidden: true }),
  "data-dir": string("./data", "Folder for blocks being worked on."),
  ...objstoreFlags,
  "consistency-delay": duration("30m", "Leave blocks alone that are younger than this."),
  "retention.resolution-raw": retention("raw samples"),
  "retention.resolution-5m": retention("samples of 5 minutes"),
  "retention.resolution-1h": retention("samples of 1 hour"),
  wait: bool(false, "Go on for ever instead of ending when all is done.", { short: "w" }),
  "wait-interval": duration("5m", "Time between two rounds."),
  "downsampling.disable": bool(false, "Do not downsample."),
  "block-discovery-strategy": string(
    "concurrent",
    "How blocks are listed: concurrent or recursive.",
  ),
  "block-meta-fetch-concurrency": int(32, "meta.json files fetched at once."),
  "block-files-concurrency": int(1, "Files of a block moved at once."),
  "block-viewer.global.sync-block-interval": duration(
    "1m",
    "Refresh the viewer's list of blocks this often.",
  ),
  "block-viewer.global.sync-block-timeout": duration("5m", "Longest time of such a refresh."),
  "compact.cleanup-interval": duration("5m", "Clean up this often; 0 only at the end of a round."),
  "compact.progress-interval": duration("5m", "Count what is left to do this often; 0 never."),
  "compact.concurrency": int(1, "Groups compacted at once."),
  "compact.blocks-fetch-concurrency": int(1, "Blocks of a group fetched at once."),
  "downsample.concurrency": int(1, "Blocks downsampled at once."),
  "delete-delay": promDuration("48h", "Delete a marked block after so long; 0 deletes at once."),
  "compact.enable-vertical-compaction": bool(false, "Compact overlapping blocks.", {
    hidden: true,
  }),
  "deduplication.func": choice(
    ["penalty", "fill", ""],
    "",
    "How replicas become one series: penalty, fill, or empty for one-to-one.",
    { quoted: true },
  ),
  "deduplication.replica-label": commaList(
    "Labels that tell replicas apart. Repeatable or comma separated.",
  ),
  "compact.block-max-index-size": bytes("64GB", "Largest index of a block that is made.", {
    hidden: true,
  }),
  "compact.skip-block-with-out-of-order-chunks": bool(
    false,
    "Mark such blocks instead of failing.",
    { hidden: true },
  ),
  "hash-func": choice(
    ["SHA256", ""],
    "",
    "Hash function for the files listed in meta.json; empty for none.",
    { quoted: true },
  ),
  "min-time": timeOrDuration(
    "0000-01-01T00:00:00Z",
    "Leave older blocks alone: a time, or a duration relative to now.",
  ),
  "max-time": timeOrDuration(
    "9999-12-31T23:59:59Z",
    "Leave younger blocks alone: a time, or a duration relative to now.",
  ),
  "dry-run": bool(false, "Only print what would be done, and end."),
  ...webFlags,
  ...blockViewerFlags,
  ...selectorRelabelFlags,
};

export type CompactFlagValues = FlagValues<typeof compactFlags>;
