// google.protobuf.Any, Timestamp and Duration.
import { defineMessage, type ProtoFile, scalarField } from "@deucalion/rpc";

export interface Any {
  typeUrl: string;
  value: Uint8Array;
}

export const AnyMessage = defineMessage<Any>("google.protobuf.Any", [
  scalarField(1, "type_url", "string"),
  scalarField(2, "value", "bytes", { json: "value_b64" }),
]);

/** Seconds since the epoch, may be negative, and nanoseconds within the second. */
export interface Timestamp {
  seconds: number;
  nanos: number;
}

/** Go's zero time, 1 January of the year 1. */
export const zeroTimestamp: Timestamp = { seconds: -62_135_596_800, nanos: 0 };

/** RFC 3339 with as many digits of the second as needed, in UTC. */
export function formatTimestamp({ seconds, nanos }: Timestamp): string {
  const whole = new Date(seconds * 1000).toISOString().slice(0, 19);
  const fraction = nanos === 0 ? "" : `.${String(nanos).padStart(9, "0").replace(/0+$/, "")}`;
  return `${whole}${fraction}Z`;
}

/** Reverses `formatTimestamp`; any RFC 3339 zone. Malformed text is the zero time. */
export function parseTimestamp(text: string): Timestamp {
  const found = /^(.*?\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|[+-]\d\d:\d\d)$/i.exec(text);
  const ms = found === null ? Number.NaN : Date.parse(`${found[1]}${found[3]}`);
  if (found === null || Number.isNaN(ms)) return zeroTimestamp;
  return { seconds: Math.floor(ms / 1000), nanos: Number((found[2] ?? "").padEnd(9, "0")) };
}

/** Negative if `a` is earlier. */
export function compareTimestamps(a: Timestamp, b: Timestamp): number {
  return a.seconds - b.seconds || a.nanos - b.nanos;
}

export const TimestampMessage = defineMessage<Timestamp>(
  "google.protobuf.Timestamp",
  [scalarField(1, "seconds", "int64"), scalarField(2, "nanos", "int32")],
  { toJson: formatTimestamp },
);

export const DurationMessage = defineMessage<Timestamp>("google.protobuf.Duration", [
  scalarField(1, "seconds", "int64"),
  scalarField(2, "nanos", "int32"),
]);

export const wellKnownFiles: readonly ProtoFile[] = [
  {
    path: "google/protobuf/any.proto",
    package: "google.protobuf",
    imports: [],
    enums: [],
    messages: [AnyMessage],
    services: [],
  },
  {
    path: "google/protobuf/timestamp.proto",
    package: "google.protobuf",
    imports: [],
    enums: [],
    messages: [TimestampMessage],
    services: [],
  },
  {
    path: "google/protobuf/duration.proto",
    package: "google.protobuf",
    imports: [],
    enums: [],
    messages: [DurationMessage],
    services: [],
  },
];
