// The metric thanos_store_nodes_grpc_connections: healthy stores by external labels, type and address.
import { labelSetsText } from "../fanout/external-labels.ts";
import type { EndpointStatus } from "./endpoint-set.ts";

export type ConnectionLabel = "external_labels" | "store_type" | "ip_port";

export interface ConnectionCount {
  readonly labels: Readonly<Record<string, string>>;
  readonly count: number;
}

const externalLabelBytesMax = 1000;

/** Cuts text to a number of bytes without splitting a character, and closes the brace. */
function truncated(text: string): string {
  const bytes = Buffer.from(text);
  if (bytes.length <= externalLabelBytesMax) return text;
  let end = externalLabelBytesMax - 1;
  while (end > 0 && (bytes[end]! & 0xc0) === 0x80) end--;
  return `${bytes.subarray(0, end).toString()}}`;
}

/** Counts connections by the chosen labels. */
export function connectionCounts(
  statuses: readonly EndpointStatus[],
  chosen: readonly ConnectionLabel[],
): ConnectionCount[] {
  const counts = new Map<string, { labels: Record<string, string>; count: number }>();
  for (const status of statuses) {
    if (status.state !== "healthy") continue;
    const external = truncated(labelSetsText(status.labelSets));
    const values: Record<ConnectionLabel, string> = {
      external_labels: external === "" ? "no_external_labels" : external,
      store_type: status.kind,
      ip_port: status.name,
    };
    const labels = Object.fromEntries(chosen.map((name) => [name, values[name]]));
    const key = JSON.stringify(labels);
    const known = counts.get(key);
    if (known === undefined) counts.set(key, { labels, count: 1 });
    else known.count++;
  }
  return [...counts.values()];
}
