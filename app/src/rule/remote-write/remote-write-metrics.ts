// Metrics of sending samples, under Prometheus' names.
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { RemoteWriteTarget } from "./remote-write-config.ts";

const labelNames = ["remote_name", "url"] as const;
type Names = (typeof labelNames)[number];

/** What one target tells. */
export interface TargetMetrics {
  sent(samples: number, histograms: number, bytes: number, seconds: number): void;
  failed(samples: number): void;
  retried(samples: number): void;
  dropped(reason: string, samples: number): void;
  pending(samples: number): void;
  shards(count: number): void;
  /** Unix ms of the newest sample that was sent. */
  highestSent(timeMs: number): void;
}

/** Metrics of all targets. `pendingBytes` is what waits in files. */
export class RemoteWriteMetrics {
  readonly #registers: Registry[];
  readonly #samples: Counter<Names>;
  readonly #histograms: Counter<Names>;
  readonly #bytes: Counter<Names>;
  readonly #failed: Counter<Names>;
  readonly #retried: Counter<Names>;
  readonly #dropped: Counter<Names | "reason">;
  readonly #pending: Gauge<Names>;
  readonly #shards: Gauge<Names>;
  readonly #highestSent: Gauge<Names>;
  readonly #seconds: Histogram<Names>;
  readonly #appended: Counter;
  readonly #highest: Gauge;

  constructor(registry: Registry, targets: readonly RemoteWriteTarget[]) {
    this.#registers = [registry];
    const counter = (name: string, help: string) =>
      new Counter({
        name: `prometheus_remote_storage_${name}`,
        help,
        labelNames,
        registers: this.#registers,
      });
    this.#samples = counter("samples_total", "Samples sent to remote storage.");
    this.#histograms = counter("histograms_total", "Histograms sent to remote storage.");
    this.#bytes = counter("bytes_total", "Bytes of samples sent, compressed.");
    this.#failed = counter("samples_failed_total", "Samples that remote storage does not take.");
    this.#retried = counter("samples_retried_total", "Samples that were sent again.");
    this.#dropped = new Counter({
      name: "prometheus_remote_storage_samples_dropped_total",
      help: "Samples that were left out before sending.",
      labelNames: [...labelNames, "reason"],
      registers: this.#registers,
    });
    this.#pending = this.#gauge("samples_pending", "Samples read and not sent yet.");
    this.#shards = this.#gauge("shards", "Requests sent side by side.");
    this.#highestSent = this.#gauge(
      "queue_highest_sent_timestamp_seconds",
      "Time of the newest sample sent.",
    );
    this.#seconds = new Histogram({
      name: "prometheus_remote_storage_sent_batch_duration_seconds",
      help: "Time to send a batch.",
      labelNames,
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60, 120, 300],
      registers: this.#registers,
    });
    this.#appended = new Counter({
      name: "prometheus_remote_storage_samples_in_total",
      help: "Samples to be sent.",
      registers: this.#registers,
    });
    this.#highest = new Gauge({
      name: "prometheus_remote_storage_highest_timestamp_in_seconds",
      help: "Time of the newest sample to be sent.",
      registers: this.#registers,
    });
    this.#settings(targets);
  }

  #gauge(name: string, help: string): Gauge<Names> {
    return new Gauge({
      name: `prometheus_remote_storage_${name}`,
      help,
      labelNames,
      registers: this.#registers,
    });
  }

  #settings(targets: readonly RemoteWriteTarget[]): void {
    const most = this.#gauge("shards_max", "Most requests sent side by side.");
    const least = this.#gauge("shards_min", "Fewest requests sent side by side.");
    const batch = this.#gauge("max_samples_per_send", "Most samples of one request.");
    for (const { name, url, queue } of targets) {
      const labels = { remote_name: name, url: url.href };
      most.set(labels, queue.shardsMax);
      least.set(labels, queue.shardsMin);
      batch.set(labels, queue.samplesPerSendMax);
    }
  }

  /** What waits in files, as bytes. */
  spool(bytes: () => number): void {
    new Gauge({
      name: "deucalion_remote_write_spool_bytes",
      help: "Bytes of the files with samples to be sent.",
      registers: this.#registers,
      collect() {
        this.set(bytes());
      },
    });
  }

  appended(samples: number, newestMs: number): void {
    this.#appended.inc(samples);
    this.#highest.set(newestMs / 1000);
  }

  target({ name, url }: RemoteWriteTarget): TargetMetrics {
    const labels = { remote_name: name, url: url.href };
    for (const one of [this.#samples, this.#failed, this.#retried, this.#bytes]) {
      one.inc(labels, 0);
    }
    return {
      sent: (samples, histograms, bytes, seconds) => {
        this.#samples.inc(labels, samples);
        if (histograms > 0) this.#histograms.inc(labels, histograms);
        this.#bytes.inc(labels, bytes);
        this.#seconds.observe(labels, seconds);
      },
      failed: (samples) => this.#failed.inc(labels, samples),
      retried: (samples) => this.#retried.inc(labels, samples),
      dropped: (reason, samples) => this.#dropped.inc({ ...labels, reason }, samples),
      pending: (samples) => this.#pending.set(labels, samples),
      shards: (count) => this.#shards.set(labels, count),
      highestSent: (timeMs) => this.#highestSent.set(labels, timeMs / 1000),
    };
  }
}
