// Checks, before anything is uploaded, that Prometheus leaves its blocks alone until they are in the bucket.
import { join, normalize } from "node:path";
import { formatPromDuration, type Log, parsePromDuration } from "@deucalion/base";
import { AppError } from "../errors.ts";

export interface ShippingSetup {
  readonly tsdbPath: string;
  readonly metaFileName: string;
  readonly ignoreUnequalBlockSize: boolean;
}

const recommendedMs = 2 * 3_600_000;

function durationOf(flags: Readonly<Record<string, string>>, name: string): number | undefined {
  try {
    return parsePromDuration(flags[name] ?? "");
  } catch {
    return undefined;
  }
}

/** Throws APP_CONFIG where blocks could be lost, saying what to change. `flags` are those of Prometheus. */
export function validatePrometheus(
  flags: Readonly<Record<string, string>>,
  setup: ShippingSetup,
  log: Log,
): void {
  const delayFile = flags["storage.tsdb.delay-compact-file.path"] ?? "";
  const ours = join(setup.tsdbPath, setup.metaFileName);
  if (delayFile !== "" && normalize(delayFile) !== normalize(ours)) {
    throw new AppError(
      "APP_CONFIG",
      `Prometheus and the sidecar use different paths for tracking block uploads: Prometheus has --storage.tsdb.delay-compact-file.path=${delayFile} while the sidecar writes ${ours}; both must be the same path`,
    );
  }
  const shortest = durationOf(flags, "storage.tsdb.min-block-duration");
  const longest = durationOf(flags, "storage.tsdb.max-block-duration");
  if (shortest === undefined || longest === undefined) {
    log.warn("Prometheus does not show its block durations. No extra validation is done.");
    return;
  }
  if (shortest !== longest && delayFile === "") {
    if (!setup.ignoreUnequalBlockSize) {
      throw new AppError(
        "APP_CONFIG",
        `Prometheus compacts its blocks (min block duration ${formatPromDuration(shortest)}, max ${formatPromDuration(longest)}), which can take a block away before it is uploaded. Start Prometheus with --storage.tsdb.min-block-duration=2h and --storage.tsdb.max-block-duration=2h, or with --storage.tsdb.delay-compact-file.path=${ours} where it knows that flag`,
      );
    }
    log.warn(
      "Prometheus compacts its blocks and the check for it is off: a block whose upload fails may be compacted away and then be missing in the bucket",
    );
  }
  if (shortest !== recommendedMs) {
    log.warn("found that TSDB block time is not 2h. Only 2h block time is recommended.", {
      "block-time": formatPromDuration(shortest),
    });
  }
}
