// The ruler's own database: a head and blocks in the data folder, cut, retired and uploaded as they fall due.
import { join } from "node:path";
import { type Log, messageOf } from "@deucalion/base";
import { Shipper, type ShipperEvents, shipperDefaults } from "@deucalion/blocks";
import type { Xxhash64 } from "@deucalion/kernels";
import {
  decodeLabels,
  encodeLabels,
  type Labels,
  type Matcher,
  SampleColumns,
} from "@deucalion/model";
import type { Bucket } from "@deucalion/objstore";
import {
  type AppendRejection,
  type AppendSample,
  type ForStateSeries,
  RulesError,
} from "@deucalion/rules";
import { Fanout, type StoreEndpoint } from "@deucalion/storeapi";
import {
  decodeChunkInto,
  LiveDatabase,
  type LiveDatabaseOptions,
  type LiveHead,
  Verdict,
} from "@deucalion/tsdb";
import type { Actor } from "../../process/run-group.ts";
import { pause } from "../../prometheus/prometheus-watch.ts";
import { ExternalSource } from "../../receive/tenants/external-source.ts";
import type { RuleStorage } from "./rule-storage.ts";
import type { TsdbEvents } from "./tsdb-metrics.ts";

const compactLookMs = 15_000;
const uploadMs = 30_000;
/** At the end of the process an upload under way gets so long. */
const lastUploadMs = 10_000;

export interface TsdbStorageOptions {
  readonly dir: string;
  readonly externalLabels: Labels;
  readonly database: LiveDatabaseOptions;
  readonly shipper: {
    readonly allowOutOfOrderUploads: boolean;
    readonly skipCorruptedBlocks: boolean;
    readonly hash: boolean;
    readonly metaFileName: string;
    readonly filesAtOnce: number;
  };
}

export interface TsdbStorageDeps {
  readonly log: Log;
  readonly now: () => number;
  /** Asks queriers for the state of alerts: a ruler that has stored nothing yet may have taken over from another. */
  readonly askForState: RuleStorage["readForState"];
  readonly hash: Xxhash64;
  /** Null uploads nothing. */
  readonly bucket: Bucket | null;
  readonly shipperEvents: ShipperEvents | null;
  /** Told of everything on disk that could not be read. */
  readonly damaged: () => void;
  readonly events: TsdbEvents;
}

const reasons: Readonly<Record<number, Pick<AppendRejection, "reason" | "message">>> = {
  [Verdict.duplicate]: {
    reason: "duplicate",
    message: "duplicate sample for timestamp",
  },
  [Verdict.outOfOrder]: { reason: "out-of-order", message: "out of order sample" },
  [Verdict.outOfBounds]: { reason: "too-old", message: "out of bounds" },
  [Verdict.tooOld]: { reason: "too-old", message: "too old sample" },
};

const pair = new Float64Array(1);
const words = new Uint32Array(pair.buffer);

export class TsdbStorage implements RuleStorage {
  readonly db: LiveDatabase;
  readonly externalLabels: Labels;
  /** Nothing was stored when it was opened. */
  readonly wasEmpty: boolean;
  /** Series with external labels. */
  readonly source: Fanout;
  readonly #deps: TsdbStorageDeps;
  readonly #shipper: Shipper | null;
  readonly #uploaded: { ids: ReadonlySet<string> };

  private constructor(
    db: LiveDatabase,
    options: TsdbStorageOptions,
    deps: TsdbStorageDeps,
    uploaded: { ids: ReadonlySet<string> },
  ) {
    this.db = db;
    this.wasEmpty = db.head.seriesCount === 0 && db.blocks.length === 0;
    this.externalLabels = options.externalLabels;
    this.#deps = deps;
    this.#uploaded = uploaded;
    const { bucket, shipperEvents, log, now, hash } = deps;
    const labels = (): Labels => options.externalLabels;
    this.#shipper =
      bucket === null || shipperEvents === null
        ? null
        : new Shipper(
            { ...shipperDefaults, ...options.shipper, dir: options.dir, source: "ruler" },
            { bucket, labels, log, now, events: shipperEvents },
          );
    const stores = (): StoreEndpoint[] =>
      db.sources().map((source, i) => ({
        address: `rule#${i}`,
        kind: "rule",
        local: true,
        source: new ExternalSource(source, labels, hash),
        supportsSharding: true,
        supportsWithoutReplicaLabels: true,
        unreachable: null,
      }));
    this.source = new Fanout(
      { storeTimeoutMs: 0, strategy: "lazy", bufferBatchesMax: 20 },
      { stores, decode: decodeChunkInto, hash },
    );
  }

  /** Opens the folder, made if needed. */
  static async open(options: TsdbStorageOptions, deps: TsdbStorageDeps): Promise<TsdbStorage> {
    const { log, now } = deps;
    const begun = now();
    const uploaded: { ids: ReadonlySet<string> } = { ids: new Set() };
    const db = await LiveDatabase.open(options.dir, options.database, {
      now,
      report: (damage) => {
        deps.damaged();
        log.warn("part of the data cannot be read; the rest is used", { ...damage });
      },
      // A block that is not in the bucket yet may not go.
      mustKeep: (ulid) => deps.bucket !== null && !uploaded.ids.has(ulid),
    });
    const storage = new TsdbStorage(db, options, deps, uploaded);
    if (storage.#shipper !== null) uploaded.ids = await storage.#shipper.uploadedBlocks();
    log.info("TSDB started", {
      dir: join(options.dir),
      series: db.head.seriesCount,
      duration_ms: now() - begun,
    });
    return storage;
  }

  append(samples: readonly AppendSample[]): Promise<readonly AppendRejection[]> {
    const { head } = this.db;
    const rejected: AppendRejection[] = [];
    try {
      // What waits is written first; as long as that fails nothing more is taken.
      if (!head.writable) head.commit();
      for (const [index, sample] of samples.entries()) {
        const reason = reasons[appendOne(head, sample)];
        if (reason === undefined) continue;
        rejected.push({ index, ...reason });
        this.#deps.events.rejected(reason.reason);
      }
      head.commit();
    } catch (cause) {
      const text = `rule sample appending: ${messageOf(cause)}`;
      return Promise.reject(new RulesError("RULES_APPEND", text, {}, { cause }));
    }
    this.#deps.events.appended(samples.length - rejected.length);
    return Promise.resolve(rejected);
  }

  async readForState(
    matchers: readonly Matcher[],
    minTimeMs: number,
    maxTimeMs: number,
    signal: AbortSignal,
  ): Promise<readonly ForStateSeries[]> {
    if (this.wasEmpty) return this.#askForState(matchers, minTimeMs, maxTimeMs, signal);
    const found = new Map<string, ForStateSeries>();
    const columns = new SampleColumns(256);
    const request = { minTime: minTimeMs, maxTime: maxTimeMs, matchers };
    for (const source of this.db.sources()) {
      for await (const batch of source.series(request, { signal, warn: () => undefined })) {
        for (let i = 0; i < batch.seriesCount; i++) {
          columns.reset();
          batch.samplesInto(i, columns);
          let last = columns.count - 1;
          while (last >= 0 && columns.times[last]! > maxTimeMs) last--;
          if (last < 0 || columns.times[last]! < minTimeMs) continue;
          const labels = decodeLabels(batch.labels(i));
          const lastTimeMs = columns.times[last]!;
          if ((found.get(labels.key)?.lastTimeMs ?? Number.NEGATIVE_INFINITY) >= lastTimeMs)
            continue;
          const stale = columns.isStale(last);
          found.set(labels.key, { labels, lastTimeMs, lastValue: columns.values[last]!, stale });
        }
      }
    }
    return [...found.values()];
  }

  async #askForState(
    ...asked: Parameters<RuleStorage["readForState"]>
  ): Promise<readonly ForStateSeries[]> {
    try {
      return await this.#deps.askForState(...asked);
    } catch (error) {
      const err = messageOf(error);
      this.#deps.log.warn("queriers cannot tell the state of alerts; they begin anew", { err });
      return [];
    }
  }

  /** Cuts blocks that are due, and retires old ones. */
  async compact(): Promise<void> {
    try {
      this.#deps.events.cut((await this.db.compact()).length);
    } catch (error) {
      this.#deps.events.cutFailed();
      throw error;
    }
  }

  /** Uploads blocks that are not in the bucket yet; without a bucket nothing. */
  async upload(signal: AbortSignal): Promise<void> {
    if (this.#shipper === null) return;
    await this.#shipper.sync(signal);
    this.#uploaded.ids = await this.#shipper.uploadedBlocks();
  }

  get actor(): Actor {
    const { log, bucket } = this.#deps;
    const stop = new AbortController();
    const hard = new AbortController();
    let timer: NodeJS.Timeout | undefined;
    const again = async (ms: number, what: string, work: () => Promise<unknown>): Promise<void> => {
      while (!stop.signal.aborted) {
        try {
          await work();
        } catch (error) {
          if (!hard.signal.aborted) log.warn(`${what} failed`, { err: messageOf(error) });
        }
        await pause(ms, stop.signal);
      }
    };
    return {
      name: "tsdb",
      execute: async () => {
        try {
          const shipper = this.#shipper;
          await Promise.all([
            again(compactLookMs, "compacting the head", () => this.compact()),
            shipper === null
              ? undefined
              : again(uploadMs, "uploading blocks", () => this.upload(hard.signal)),
          ]);
        } finally {
          clearTimeout(timer);
          await this.db.close();
          await bucket?.close();
        }
      },
      interrupt: () => {
        timer = setTimeout(() => hard.abort(new Error("stopping")), lastUploadMs);
        stop.abort(new Error("stopping"));
      },
    };
  }
}

function appendOne(head: LiveHead, sample: AppendSample): Verdict {
  const { data, start, end } = encodeLabels(sample.labels);
  let series = head.find(data, start, end);
  if (series < 0) {
    if (sample.stale === true) return Verdict.same;
    if (sample.timeMs < head.appendFrom) return Verdict.outOfBounds;
    series = head.create(data, start, end);
  }
  if (sample.stale === true) return head.append(series, sample.timeMs, 0x7ff00000, 2);
  if (sample.histogram !== undefined) {
    return head.appendHistogram(series, sample.timeMs, sample.histogram);
  }
  pair[0] = sample.value;
  return head.append(series, sample.timeMs, words[1]!, words[0]!);
}
