// What the metrics of gRPC servers and clients share: labels, buckets and names of statuses.
import { statusNames } from "@deucalion/rpc";

export const callLabelNames = ["grpc_type", "grpc_service", "grpc_method"] as const;

/** Seconds. */
export const callBuckets: readonly number[] = [
  0.001, 0.01, 0.1, 0.3, 0.6, 1, 3, 6, 9, 20, 30, 60, 90, 120,
];

/** `InvalidArgument` for `INVALID_ARGUMENT`. */
export function codeText(status: number): string {
  const name = statusNames[status] ?? "UNKNOWN";
  if (name === "OK" || /[a-z]/.test(name)) return name;
  return name
    .toLowerCase()
    .split("_")
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join("");
}
