// Flags of `query`.
import type { FlagValues } from "../flags/flag-spec.ts";
import {
  addresses,
  bool,
  bytes,
  choice,
  choices,
  commaList,
  duration,
  floats,
  int,
  pathOrContent,
  promDuration,
  string,
  strings,
} from "../flags/flag-types.ts";
import {
  externalPrefixFlags,
  globalFlags,
  grpcClientFlags,
  grpcServerFlags,
  httpFlags,
  requestLoggingFlags,
  selectorRelabelFlags,
  seriesLimitFlags,
} from "../flags/groups.ts";

const partial = (what: string) =>
  bool(true, `Answer ${what} from the stores that are there when others are not.`, {
    hidden: true,
  });

export const queryFlags = {
  ...globalFlags,
  ...httpFlags,
  ...grpcServerFlags,
  ...grpcClientFlags,
  "web.route-prefix": string(
    "",
    "Prefix under which API and UI are served; default is --web.external-prefix.",
  ),
  ...externalPrefixFlags,
  "query.timeout": promDuration("2m", "Longest time that a query may take."),
  "query.promql-engine": choice(
    ["prometheus", "thanos"],
    "prometheus",
    "Engine named by default. Both names run Deucalion's one engine.",
  ),
  "query.disable-fallback": bool(false, "Accepted, without effect: there is one engine.", {
    hidden: true,
  }),
  "query.enable-x-functions": bool(false, "Allow xrate, xincrease and xdelta."),
  "query.mode": choice(
    ["local", "distributed"],
    "local",
    "Where queries are evaluated: local, or distributed over the queriers among the endpoints.",
  ),
  "query.max-concurrent": int(20, "Queries that are evaluated at once; others wait."),
  "query.lookback-delta": duration(
    undefined,
    "How far an instant selector looks back for a sample; default 5m.",
  ),
  "query.dynamic-lookback-delta": bool(
    true,
    "Look back further when downsampled data is asked for.",
    { hidden: true },
  ),
  "query.max-concurrent-select": int(4, "Selects of one query that run at once."),
  "query.conn-metric.label": choices(
    ["external_labels", "store_type", "ip_port"],
    ["external_labels", "store_type"],
    "Labels of the metric that counts connections to stores. Repeatable.",
  ),
  "deduplication.func": choice(
    ["fill", "penalty", "chain"],
    "fill",
    "How replicas become one series. fill: stay on one replica, take from others what it lacks; penalty and chain: as Thanos.",
  ),
  "query.replica-label": commaList(
    "Labels that tell replicas apart, without which data is de-duplicated. Repeatable or comma separated.",
  ),
  "query.partition-label": strings(
    "Labels that split data between remote engines in distributed mode. Repeatable.",
  ),
  "query.distributed-with-overlapping-interval": bool(
    false,
    "Use the lowest instead of the highest start of remote engines.",
    { hidden: true },
  ),
  "query.instant.default.max_source_resolution": promDuration(
    "0s",
    "Coarsest resolution of instant queries that ask for auto.",
    { hidden: true },
  ),
  "query.metadata.default-time-range": duration(
    "0s",
    "How far back labels and series are searched when no start is given; 0 is all time.",
  ),
  "selector-label": strings(
    'External labels that this querier announces: name="value". Repeatable.',
    { placeholder: '<name>="<value>"' },
  ),
  "query.auto-downsampling": bool(
    false,
    "Take data of up to a fifth of the step's resolution when a query does not say.",
  ),
  "query.partial-response": bool(
    true,
    "Answer from the stores that are there when others are not, with a warning.",
  ),
  "rule.partial-response": partial("rules"),
  "target.partial-response": partial("targets"),
  "metric-metadata.partial-response": partial("metadata"),
  "exemplar.partial-response": partial("exemplars"),
  "status.partial-response": partial("status"),
  "query.active-query-path": string(
    "",
    "Folder of the file queries.active, which tells after a crash what was running.",
  ),
  "enable-feature": strings("Features to turn on: promql-experimental-functions. Repeatable."),
  "query.default-evaluation-interval": promDuration("1m", "Step of subqueries that give none."),
  "query.default-step": promDuration("1s", "Shortest step of range queries that give none."),
  "store.response-timeout": promDuration(
    "30s",
    "Give up on a store that sends nothing for so long; 0 waits for ever.",
  ),
  "alert.query-url": string(
    "",
    "Address of this querier as its UI's links have it; default is http://localhost:<port of HTTP>.",
  ),
  "grpc.proxy-strategy": choice(["eager", "lazy"], "eager", "Read stores ahead or on demand.", {
    hidden: true,
  }),
  "query.telemetry.request-duration-seconds-quantiles": floats(
    ["0.1", "0.25", "0.75", "1.25", "1.75", "2.5", "3", "5", "10"],
    "Buckets of the query duration metric.",
  ),
  "query.telemetry.request-samples-quantiles": floats(
    ["100", "1000", "10000", "100000", "1000000"],
    "Buckets of the samples of a query.",
  ),
  "query.telemetry.request-series-seconds-quantiles": floats(
    ["10", "100", "1000", "10000", "100000"],
    "Buckets of the series of a query.",
  ),
  "query.tenant-header": string("THANOS-TENANT", "Header that names the tenant."),
  "query.default-tenant-id": string("default-tenant", "Tenant of requests without that header."),
  "query.tenant-certificate-field": choice(
    ["", "organization", "organizationalUnit", "commonName"],
    "",
    "Field of the client's certificate that names the tenant; wins over the header.",
    { quoted: true },
  ),
  "query.enforce-tenancy": bool(false, "Select only series that carry the tenant's label."),
  "query.tenant-label-name": string("tenant_id", "That label's name."),
  "store.sd-dns-interval": promDuration("30s", "Time between two DNS lookups of endpoints."),
  "store.sd-dns-resolver": string(
    "miekgdns",
    "Accepted, without effect: lookups use the system's servers.",
    { hidden: true },
  ),
  "store.unhealthy-timeout": promDuration("5m", "Show a store that is gone for so long."),
  "endpoint.info-timeout": promDuration(
    "5s",
    "Time between two looks at an endpoint, and the longest one may take.",
    { hidden: true },
  ),
  "endpoint.sd-config": pathOrContent("YAML with endpoints and how to connect to them."),
  "endpoint.sd-config-reload-interval": promDuration("5m", "Read that file again after so long."),
  "store.sd-files": strings(
    "Deprecated: files with addresses in Prometheus' file_sd format; globs. Repeatable.",
  ),
  "store.sd-interval": promDuration("5m", "Deprecated: read those files again after so long."),
  endpoint: addresses(
    "Address of a StoreAPI, with an optional DNS scheme in front (dns+, dnssrv+, dnssrvnoa+). Repeatable.",
  ),
  "endpoint-group": addresses("Address of a group of equal endpoints that take turns. Repeatable."),
  "endpoint-strict": addresses("Address that stays listed whether it answers or not. Repeatable.", {
    placeholder: "<endpoint-strict>",
  }),
  "endpoint-group-strict": addresses("Address of a group that stays listed. Repeatable.", {
    placeholder: "<endpoint-group-strict>",
  }),
  "inject-test-addresses": addresses("For tests: addresses beside those that DNS gives.", {
    hidden: true,
  }),
  "query.lazy-retrieval-max-buffered-responses": int(
    20,
    "Frames of one store to read ahead when lazy.",
    { hidden: true },
  ),
  "query.log-queries-longer-than": duration(
    "0",
    "Log queries that take longer; 0 none, negative all.",
  ),
  "query.max-bytes-per-query": bytes(
    "1GB",
    "Most bytes that one query may hold; past it the query fails and says so. 0 for no limit.",
  ),
  "query.max-bytes": bytes(
    "0",
    "Most bytes that all queries may hold together; 0 is half of the machine's or container's memory.",
  ),
  "query.max-samples": int(50_000_000, "Most samples that one query may hold; 0 for no limit."),
  "query.worker-threads": int(
    -1,
    "Threads that evaluate big queries; −1 is one for each core but one, 0 evaluates all in the main thread.",
  ),
  "query.cache-config": pathOrContent(
    "YAML that describes a cache of range queries, as query-frontend has it; the querier then answers as if one stood before it.",
  ),
  "query.cache-split-interval": duration(
    "24h",
    "With --query.cache-config: range queries are cached in parts of this length.",
  ),
  "query.cache-max-freshness": duration(
    "1m",
    "With --query.cache-config: do not cache what is younger than this.",
  ),
  "query.cache-compression-type": choice(
    ["", "snappy"],
    "",
    "With --query.cache-config: compression of cached answers.",
    { quoted: true },
  ),
  ...requestLoggingFlags,
  ...selectorRelabelFlags,
  ...seriesLimitFlags,
};

export type QueryFlagValues = FlagValues<typeof queryFlags>;
