// A process that stores, cuts, uploads and deletes for two tenants until it is killed; for tests of crashes. Prints each
// step once it is stored.
import { writeSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { silentLog } from "@deucalion/base";
import { decodeSnappyBlock } from "@deucalion/kernels";
import { Labels } from "@deucalion/model";
import { FilesystemBucket } from "@deucalion/objstore";
import { liveDatabaseDefaults } from "@deucalion/tsdb";
import { untilDone } from "@deucalion/tsdb/testing";
import { encodeWrite } from "../testing.ts";
import { decodeWriteV1 } from "../write/decode-write.ts";
import { LocalWriter } from "../write/local-writer.ts";
import { TenantStores } from "./tenant-stores.ts";

const chunkRangeMs = 60_000;
export const crashTenants: readonly string[] = ["a", "b"];
export const crashSeries = 10;
export const crashStepMs = 1000;
/** How late the sample out of order of a step is. */
export const crashLateMs = 30_500;

/** Stores whose maintenance the caller runs; `step` is their clock. */
export function crashStores(dir: string, bucketDir: string, step: () => number): TenantStores {
  return new TenantStores(
    {
      dir,
      labels: Labels.from({ replica: "0" }),
      tenantLabel: "tenant_id",
      defaultTenant: crashTenants[0]!,
      database: {
        ...liveDatabaseDefaults,
        chunkRangeMs,
        outOfOrderWindowMs: 2 * chunkRangeMs,
        segmentBytes: 32 * 1024,
        retentionMs: 3 * chunkRangeMs,
      },
      shipper: {
        allowOutOfOrderUploads: false,
        skipCorruptedBlocks: false,
        hash: false,
        filesAtOnce: 2,
      },
    },
    {
      log: silentLog,
      now: () => step() * crashStepMs,
      bucket: new FilesystemBucket(bucketDir),
      shipperEvents: {
        synced: () => undefined,
        uploaded: () => undefined,
        uploadFailed: () => undefined,
        corrupted: () => undefined,
        compactedDone: () => undefined,
        waiting: () => undefined,
      },
      ringLabels: () => ({}),
      damaged: () => undefined,
    },
  );
}

/** Labels of series `i`; the one behind the last takes samples that come late, too. */
export function crashLabels(tenant: string, i: number): Labels {
  return Labels.from({ __name__: "crash", i: String(i), t: tenant });
}

function bodyOf(tenant: string, step: number): Uint8Array {
  const time = step * crashStepMs;
  const series = Array.from({ length: crashSeries }, (_, i) => ({
    labels: Object.fromEntries(crashLabels(tenant, i)),
    samples: [[time, step]] as [number, number][],
  }));
  series.push({
    labels: Object.fromEntries(crashLabels(tenant, crashSeries)),
    samples: [
      [time, step],
      [time - crashLateMs, step],
    ],
  });
  return decodeSnappyBlock(encodeWrite(series), 1 << 20);
}

async function run(dir: string, bucketDir: string, first: number): Promise<void> {
  let step = first;
  const stores = crashStores(dir, bucketDir, () => step);
  await untilDone("RECEIVE_STORAGE", () => stores.open());
  const local = new LocalWriter({ stores, now: () => step * crashStepMs, futureWindowMs: 0 });
  const never = new AbortController().signal;
  const again = async (work: () => Promise<void>): Promise<void> => {
    for (;;) {
      await work();
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  };
  void again(() => stores.compact());
  void again(() => stores.upload(never));
  /** Cutting has not kept up with the steps. */
  const isBehind = (): boolean =>
    [...stores.all].some(({ db }) => db.head.maxTime - db.head.minTime > 3 * chunkRangeMs);
  for (; ; step++) {
    while (isBehind()) await new Promise((resolve) => setTimeout(resolve, 1));
    for (const tenant of crashTenants) {
      const { series } = decodeWriteV1(bodyOf(tenant, step));
      await untilDone("RECEIVE_STORAGE", () => local.write({ tenant, series }));
    }
    writeSync(1, `${step}\n`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await run(process.argv[2]!, process.argv[3]!, Number(process.argv[4]));
}
