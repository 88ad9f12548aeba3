// Metrics of HTTP requests to other programs, under Thanos' names.
import type { IncomingMessage } from "node:http";
import { Counter, Gauge, Histogram, type Registry } from "prom-client";
import type { HttpCall, HttpClient } from "../../prometheus/http-client.ts";

export class HttpClientMetrics {
  readonly #inFlight: Gauge<"client">;
  readonly #total: Counter<"client" | "code" | "method">;
  readonly #seconds: Histogram<"client" | "code" | "method">;

  constructor(registry: Registry) {
    const registers = [registry];
    const labelNames = ["client", "code", "method"] as const;
    this.#inFlight = new Gauge({
      name: "http_client_in_flight_requests",
      help: "Requests that are being answered.",
      labelNames: ["client"],
      registers,
    });
    this.#total = new Counter({
      name: "http_client_request_total",
      help: "Requests that were answered.",
      labelNames,
      registers,
    });
    this.#seconds = new Histogram({
      name: "http_client_request_duration_seconds",
      help: "Time until the head of an answer came.",
      labelNames,
      buckets: [0.025, 0.05, 0.1, 0.5, 1, 5, 10],
      registers,
    });
  }

  /** Sends and counts; `client` says who asks. Throws what `send` throws. */
  async send(client: string, http: HttpClient, call: HttpCall): Promise<IncomingMessage> {
    const begun = performance.now();
    this.#inFlight.inc({ client });
    try {
      const response = await http.send(call);
      const labels = {
        client,
        code: String(response.statusCode ?? 0),
        method: call.method.toLowerCase(),
      };
      this.#total.inc(labels);
      this.#seconds.observe(labels, (performance.now() - begun) / 1000);
      return response;
    } finally {
      this.#inFlight.dec({ client });
    }
  }
}
