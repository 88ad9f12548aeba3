// Flags of `sidecar`.
import type { FlagValues } from "../flags/flag-spec.ts";
import {
  choice,
  duration,
  pathOrContent,
  string,
  strings,
  timeOrDuration,
  url,
} from "../flags/flag-types.ts";
import {
  globalFlags,
  grpcServerFlags,
  httpFlags,
  objstoreFlags,
  requestLoggingFlags,
  seriesLimitFlags,
  shipperFlags,
} from "../flags/groups.ts";

export const sidecarFlags = {
  ...globalFlags,
  ...httpFlags,
  ...grpcServerFlags,
  "prometheus.url": url("http://localhost:9090", "Address of the Prometheus beside this sidecar."),
  "prometheus.ready_timeout": duration(
    "10m",
    "Give up uploading if Prometheus shows no external labels for so long.",
  ),
  "prometheus.get_config_interval": duration(
    "30s",
    "Look at Prometheus' configuration this often.",
  ),
  "prometheus.get_config_timeout": duration("30s", "Longest time that one such look may take."),
  "prometheus.http-client": pathOrContent(
    "YAML with the HTTP client's settings towards Prometheus.",
  ),
  "tsdb.path": string("./data", "Data folder of Prometheus; blocks are uploaded from it."),
  "reloader.config-file": string("", "Configuration of Prometheus to watch."),
  "reloader.config-envsubst-file": string(
    "",
    "Where to write that configuration with environment variables filled in.",
  ),
  "reloader.rule-dir": strings("Folder of rules to watch. Repeatable."),
  "reloader.watch-interval": duration("3m", "Look at everything again after so long."),
  "reloader.retry-interval": duration("5s", "Try a failed reload again after so long."),
  "reloader.method": choice(
    ["http", "signal"],
    "http",
    "Reload Prometheus over HTTP or by SIGHUP.",
  ),
  "reloader.process-name": string("prometheus", "Executable that gets the signal."),
  ...objstoreFlags,
  ...shipperFlags,
  "min-time": timeOrDuration(
    "0000-01-01T00:00:00Z",
    "Serve nothing older: a time, or a duration relative to now such as -1d.",
  ),
  ...requestLoggingFlags,
  ...seriesLimitFlags,
};

export type SidecarFlagValues = FlagValues<typeof sidecarFlags>;
