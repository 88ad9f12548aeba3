// What the quickstart prints: what it found, where to look, and three queries worth trying.
import type { EndpointStatus } from "@deucalion/storeapi";
import { lastOutage } from "./demo/demo-scrapes.ts";
import type { DemoWritten } from "./demo/write-demo.ts";

export interface GreetingFacts {
  /** host:port of the HTTP server. */
  readonly address: string;
  readonly bucketDir: string;
  readonly blocks: number;
  /** Null where no demo was wanted. */
  readonly demo: DemoWritten | null;
  readonly prometheus: readonly EndpointStatus[];
  /** host:port that takes remote write, or null. */
  readonly remoteWrite: string | null;
  readonly now: number;
}

/** Margin of the graph on each side of the two outages, in ms. */
const marginMs = 20 * 60_000;

/** A link to a graph that shows the last outage of each replica of the demo's cluster eu. */
export function outageLink(base: string, query: string, now: number, dedup: boolean): string {
  const a = lastOutage("eu", "a", now);
  const b = lastOutage("eu", "b", now);
  const from = Math.min(a.from, b.from) - marginMs;
  const to = Math.min(now, Math.max(a.to, b.to) + marginMs);
  const params = new URLSearchParams({
    "g0.expr": query,
    "g0.tab": "0",
    "g0.range_input": `${Math.ceil((to - from) / 60_000)}m`,
    "g0.end_input": new Date(to).toISOString().slice(0, 19).replace("T", " "),
    "g0.deduplicate": dedup ? "1" : "0",
  });
  return `${base}/graph?${params}`;
}

/** The text, for a terminal. */
export function greeting(facts: GreetingFacts): string {
  const base = `http://${facts.address.replace(/^(0\.0\.0\.0|\[::\])/, "localhost")}`;
  const lines = ["", `Deucalion is ready: ${base}`, "", "It queries"];
  lines.push(`  the bucket ${facts.bucketDir} with ${facts.blocks} blocks${demoText(facts.demo)}`);
  for (const one of facts.prometheus) {
    const labels = one.labelSets.map((set) => set.toString()).join(" ");
    lines.push(
      one.lastError === null
        ? `  Prometheus at ${one.name} ${labels === "" ? "(no external labels)" : labels}`
        : `  Prometheus at ${one.name}, which does not answer: ${one.lastError}`,
    );
  }
  if (facts.remoteWrite !== null) {
    lines.push(
      "",
      `It takes remote write at http://${facts.remoteWrite}/api/v1/receive and OTLP at http://${facts.remoteWrite}/api/v1/otlp`,
    );
  }
  if (facts.demo !== null) {
    const holes = 'sum by (replica) (rate(http_requests_total{cluster="eu"}[2m]))';
    lines.push(
      "",
      "Three queries worth trying",
      "  1. Each replica of cluster eu alone: a hole in a, a hole in b",
      `     ${holes}`,
      `     ${outageLink(base, holes, facts.now, false)}`,
      "  2. The same de-duplicated: no hole",
      `     sum(rate(http_requests_total{cluster="eu"}[2m]))`,
      `     ${outageLink(base, 'sum(rate(http_requests_total{cluster="eu"}[2m]))', facts.now, true)}`,
      "  3. The 99th percentile of response sizes, from native histograms of both clusters",
      "     histogram_quantile(0.99, sum by (cluster) (rate(http_response_size_bytes[5m])))",
    );
  }
  lines.push("", "Ctrl-C stops it.", "");
  return lines.join("\n");
}

function demoText(demo: DemoWritten | null): string {
  if (demo === null) return "";
  if (demo.blocks === 0) return ", the demo among them";
  return `; the demo was brought up to date with ${demo.samples.toLocaleString("en")} samples`;
}
