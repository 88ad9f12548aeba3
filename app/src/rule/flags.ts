// Flags of `rule`.
import {
  bool,
  choice,
  duration,
  int,
  pathOrContent,
  promDuration,
  string,
  strings,
} from "../flags/flag-types.ts";
import {
  globalFlags,
  grpcServerFlags,
  httpFlags,
  objstoreFlags,
  requestLoggingFlags,
  seriesLimitFlags,
  shipperFlags,
  webFlags,
} from "../flags/groups.ts";

export const ruleFlags = {
  ...globalFlags,
  ...httpFlags,
  ...grpcServerFlags,
  ...webFlags,
  ...shipperFlags,
  query: strings("Address of a querier's HTTP API, with an optional DNS scheme. Repeatable.", {
    placeholder: "<query>",
  }),
  "query.config": pathOrContent("YAML with queriers and how to reach them.", { env: true }),
  "query.sd-files": strings("Files with addresses of queriers; globs. Repeatable.", {
    placeholder: "<path>",
  }),
  "query.sd-interval": duration("5m", "Read those files again after so long."),
  "query.sd-dns-interval": duration("30s", "Time between two DNS lookups of queriers."),
  "query.http-method": choice(["GET", "POST"], "POST", "HTTP method of queries."),
  "query.sd-dns-resolver": string(
    "miekgdns",
    "Accepted, without effect: lookups use the system's servers.",
    { hidden: true },
  ),
  "query.default-step": duration(
    "1s",
    "Step of the range query that restores the state of alerts.",
  ),
  "query.only-prometheus-params": bool(false, "Send no parameters that only Thanos knows.", {
    hidden: true,
  }),
  "alertmanagers.config": pathOrContent("YAML with Alertmanagers and how to reach them.", {
    env: true,
  }),
  "alertmanagers.url": strings(
    "Address of an Alertmanager, with an optional DNS scheme. Repeatable.",
  ),
  "alertmanagers.send-timeout": duration("10s", "Longest time to send alerts."),
  "alertmanagers.sd-dns-interval": duration(
    "30s",
    "Time between two DNS lookups of Alertmanagers.",
  ),
  "alert.query-url": string("", "Address that links in alerts begin with."),
  "alert.label-drop": strings("Label to drop from alerts. Repeatable."),
  "alert.relabel-config": pathOrContent("YAML with relabelling rules for alerts.", { env: true }),
  "alert.query-template": string(
    "/graph?g0.expr={{.Expr}}&g0.tab=1",
    "Path of links in alerts, a Go template with .Expr.",
  ),
  label: strings('External label: name="value". Repeatable.', { placeholder: '<name>="<value>"' }),
  "tsdb.block-duration": promDuration("2h", "Length of blocks."),
  "tsdb.retention": promDuration("48h", "Keep blocks so long."),
  "tsdb.no-lockfile": bool(false, "Make no lock file in the data folder."),
  "tsdb.wal-compression": bool(true, "Compress the write-ahead log."),
  "data-dir": string("data/", "Data folder."),
  "rule-file": strings("Files with rules; globs. Repeatable.", {}, ["rules/"]),
  "resend-delay": duration("1m", "Send a firing alert again after so long."),
  "eval-interval": duration("1m", "Evaluate groups that give no interval this often."),
  "rule-query-offset": duration("0s", "Evaluate groups that give no offset so long in the past."),
  "for-outage-tolerance": duration(
    "1h",
    "Restore the state of alerts after an outage of at most so long.",
  ),
  "for-grace-period": duration(
    "10m",
    "Shortest time between the start and a restored alert that fires.",
  ),
  "restore-ignored-label": strings("Label to ignore when state is restored. Repeatable."),
  "rule-concurrent-evaluation": int(1, "Rules evaluated at once."),
  "grpc-query-endpoint": strings("Address of a querier's gRPC API. Repeatable.", {
    placeholder: "<endpoint>",
  }),
  "query.enable-x-functions": bool(false, "Allow xrate, xincrease and xdelta."),
  "enable-feature": strings("Features to turn on: promql-experimental-functions. Repeatable."),
  "tsdb.enable-native-histograms": bool(true, "Deprecated: native histograms are always on."),
  ...objstoreFlags,
  "remote-write.config": pathOrContent(
    "YAML with remote write targets; makes the ruler stateless.",
    { env: true },
  ),
  ...requestLoggingFlags,
  ...seriesLimitFlags,
};
