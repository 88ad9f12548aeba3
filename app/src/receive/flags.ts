// Flags of `receive`.
import {
  bool,
  bytes,
  choice,
  duration,
  int,
  pathOrContent,
  promDuration,
  string,
  strings,
  uint,
} from "../flags/flag-types.ts";
import {
  globalFlags,
  grpcServerFlags,
  httpFlags,
  matcherCacheFlags,
  objstoreFlags,
  requestLoggingFlags,
  seriesLimitFlags,
} from "../flags/groups.ts";

const versions = ["1.0", "1.1", "1.2", "1.3"] as const;

export const capnprotoAddressDefault = "0.0.0.0:19391";

export const receiveFlags = {
  ...globalFlags,
  ...httpFlags,
  ...grpcServerFlags,
  "remote-write.address": string("0.0.0.0:19291", "Address to take remote write and OTLP on."),
  "remote-write.server-tls-cert": string("", "Certificate of that server; empty for no TLS."),
  "remote-write.server-tls-key": string("", "Key of that server; empty for no TLS."),
  "remote-write.server-tls-client-ca": string(
    "",
    "CA that clients' certificates must come from; empty takes every client.",
  ),
  "remote-write.server-tls-min-version": choice(
    versions,
    "1.3",
    "Lowest TLS version of that server.",
  ),
  "remote-write.server-tls-ciphers": strings("TLS cipher suites of that server. Repeatable."),
  "remote-write.server-tls-curves": strings("TLS curves of that server. Repeatable."),
  "remote-write.client-tls-cert": string("", "Certificate shown to other receivers."),
  "remote-write.client-tls-key": string("", "Key of that certificate."),
  "remote-write.client-tls-secure": bool(false, "Use TLS towards other receivers."),
  "remote-write.client-tls-skip-verify": bool(
    false,
    "Do not verify other receivers' certificates.",
  ),
  "remote-write.client-tls-ca": string("", "CA of other receivers' certificates."),
  "remote-write.client-server-name": string("", "Host name that their certificates must carry."),
  "remote-write.client-tls-min-version": choice(
    versions,
    "1.3",
    "Lowest TLS version towards other receivers.",
  ),
  "tsdb.path": string("./data", "Data folder."),
  label: strings('External label: name="value". Repeatable.', { placeholder: 'key="value"' }),
  ...objstoreFlags,
  "tsdb.retention": promDuration("15d", "Keep samples so long; 0d is for ever."),
  "receive.hashrings-file": string("", "File that describes the hashrings; watched.", {
    placeholder: "<path>",
  }),
  "receive.hashrings": string("", "The hashrings themselves.", { placeholder: "<content>" }),
  "receive.hashrings-algorithm": choice(
    ["hashmod", "ketama"],
    "hashmod",
    "How series are spread over endpoints.",
  ),
  "receive.hashrings-file-refresh-interval": promDuration(
    "5m",
    "Read that file again after so long.",
  ),
  "receive.local-endpoint": string("", "This receiver's own address in the hashrings."),
  "receive.tenant-header": string("THANOS-TENANT", "Header that names the tenant."),
  "receive.artificial-max-delay": promDuration(
    "0s",
    "For tests: hold requests for a random time up to this.",
    { hidden: true },
  ),
  "receive.tenant-certificate-field": choice(
    ["", "organization", "organizationalUnit", "commonName"],
    "",
    "Field of the client's certificate that names the tenant; wins over the header.",
  ),
  "receive.default-tenant-id": string("default-tenant", "Tenant of requests without that header."),
  "receive.split-tenant-label-name": string(
    "",
    "Label whose value is the tenant, taken off the series.",
  ),
  "receive.tenant-label-name": string("tenant_id", "External label that names the tenant."),
  "receive.replica-header": string("THANOS-REPLICA", "Header with the number of the replica."),
  "receive.forward.async-workers": uint(5, "Requests to one other receiver at once."),
  "receive.grpc-compression": choice(
    ["snappy", "none"],
    "snappy",
    "Compression of requests to other receivers.",
  ),
  "receive.replication-factor": uint(1, "Copies of each sample."),
  "receive.replication-protocol": choice(
    ["protobuf", "capnproto"],
    "protobuf",
    "Encoding between receivers.",
  ),
  "receive.capnproto-address": string(capnprotoAddressDefault, "Address for Cap'n Proto."),
  "receive.grpc-service-config": string(
    "",
    "gRPC service configuration towards other receivers, JSON.",
    { placeholder: "<content>" },
  ),
  "receive-forward-timeout": promDuration("5s", "Longest time of a forwarded request.", {
    hidden: true,
  }),
  "receive-forward-max-backoff": promDuration(
    "5s",
    "Longest pause before an unreachable receiver is tried again.",
    { hidden: true },
  ),
  "receive.handoff-max-bytes": bytes(
    "1GB",
    "Keep so many bytes on disk for receivers that cannot be reached, and give them when they return; 0 keeps nothing.",
  ),
  "receive.relabel-config": pathOrContent("YAML with relabelling rules for incoming series.", {
    env: true,
  }),
  "tsdb.min-block-duration": promDuration("2h", "Shortest block.", { hidden: true }),
  "tsdb.max-block-duration": promDuration("2h", "Longest block.", { hidden: true }),
  "tsdb.too-far-in-future.time-window": promDuration(
    "0s",
    "Refuse samples so far in the future; 0 takes all.",
  ),
  "tsdb.out-of-order.time-window": promDuration(
    "0s",
    "Take samples that are so late; 0 takes none.",
  ),
  "tsdb.out-of-order.cap-max": int(0, "Samples in one out-of-order chunk; 0 is 32."),
  "tsdb.allow-overlapping-blocks": bool(false, "Accepted, without effect: overlaps are allowed."),
  "tsdb.max-retention-bytes": bytes("0", "Keep so many bytes of blocks; 0 for no limit."),
  "tsdb.wal-compression": bool(true, "Compress the write-ahead log."),
  "tsdb.no-lockfile": bool(false, "Make no lock file in the data folder."),
  "tsdb.head.expanded-postings-cache-size": uint(
    0,
    "Bytes for cached posting lists of the head; 0 for none.",
  ),
  "tsdb.block.expanded-postings-cache-size": uint(
    0,
    "Bytes for cached posting lists of blocks; 0 for none.",
  ),
  "tsdb.max-exemplars": int(0, "Exemplars kept per tenant; 0 for none."),
  "tsdb.write-queue-size": int(0, "Chunks waiting to be written.", { hidden: true }),
  "tsdb.memory-snapshot-on-shutdown": bool(false, "Write a snapshot of the head when stopping.", {
    hidden: true,
  }),
  "tsdb.enable-native-histograms": bool(true, "Deprecated: native histograms are always on."),
  "hash-func": choice(
    ["SHA256", ""],
    "",
    "Hash function for the files listed in meta.json; empty for none.",
    { quoted: true },
  ),
  "shipper.allow-out-of-order-uploads": bool(
    false,
    "Go on with later blocks when one fails to upload.",
    { hidden: true },
  ),
  "shipper.skip-corrupted-blocks": bool(false, "Leave out blocks that cannot be read.", {
    hidden: true,
  }),
  "shipper.upload-concurrency": int(0, "Files of one block to upload at once; 0 is one by one."),
  ...matcherCacheFlags,
  "receive.limits-config": pathOrContent("YAML with limits of writing.", {
    env: true,
    hidden: true,
  }),
  "receive.limits-config-reload-timer": duration(
    "1s",
    "Shortest pause between two reloads of the limits.",
    { hidden: true },
  ),
  "receive.otlp-enable-target-info": bool(true, "Make target_info from OTLP resource attributes."),
  "receive.otlp-promote-resource-attributes": strings(
    "OTLP resource attribute that becomes a label. Repeatable.",
  ),
  "enable-feature": strings(
    "Features to turn on: metric-names-filter, st-storage (keep start timestamps; Thanos cannot read such blocks). Repeatable.",
  ),
  "receive.lazy-retrieval-max-buffered-responses": int(20, "Frames of one tenant to read ahead."),
  ...requestLoggingFlags,
  ...seriesLimitFlags,
};
