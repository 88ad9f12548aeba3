// Metrics of HTTP requests, by Thanos' names.
import { Counter, exponentialBuckets, Gauge, Histogram, type Registry } from "prom-client";

const labelNames = ["code", "handler", "method"] as const;
const durationBuckets = [
  0.001, 0.01, 0.1, 0.3, 0.6, 1, 3, 6, 9, 20, 30, 60, 90, 120, 240, 360, 720,
];

export class RequestMetrics {
  readonly #total: Counter<(typeof labelNames)[number]>;
  readonly #duration: Histogram<(typeof labelNames)[number]>;
  readonly #requestBytes: Histogram<(typeof labelNames)[number]>;
  readonly #responseBytes: Histogram<(typeof labelNames)[number]>;
  readonly #inflight: Gauge<"handler" | "method">;

  constructor(registry: Registry) {
    const registers = [registry];
    const bytes = exponentialBuckets(64, 2, 10);
    this.#total = new Counter({
      name: "http_requests_total",
      help: "HTTP requests answered.",
      labelNames,
      registers,
    });
    this.#duration = new Histogram({
      name: "http_request_duration_seconds",
      help: "Time to answer HTTP requests.",
      buckets: durationBuckets,
      labelNames,
      registers,
    });
    this.#requestBytes = new Histogram({
      name: "http_request_size_bytes",
      help: "Size of HTTP requests.",
      buckets: bytes,
      labelNames,
      registers,
    });
    this.#responseBytes = new Histogram({
      name: "http_response_size_bytes",
      help: "Size of HTTP responses.",
      buckets: bytes,
      labelNames,
      registers,
    });
    this.#inflight = new Gauge({
      name: "http_inflight_requests",
      help: "HTTP requests being answered.",
      labelNames: ["handler", "method"],
      registers,
    });
  }

  begin(handler: string, method: string): void {
    this.#inflight.inc({ handler, method: method.toLowerCase() });
  }

  end(
    handler: string,
    method: string,
    done: {
      readonly code: number;
      readonly seconds: number;
      readonly requestBytes: number;
      readonly responseBytes: number;
    },
  ): void {
    const labels = { code: String(done.code), handler, method: method.toLowerCase() };
    this.#inflight.dec({ handler, method: labels.method });
    this.#total.inc(labels);
    this.#duration.observe(labels, done.seconds);
    this.#requestBytes.observe(labels, done.requestBytes);
    this.#responseBytes.observe(labels, done.responseBytes);
  }
}
