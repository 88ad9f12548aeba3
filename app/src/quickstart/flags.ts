// Flags of `quickstart`, a command of Deucalion's own.
import type { FlagValues } from "../flags/flag-spec.ts";
import { bool, commaList, promDuration, string, strings } from "../flags/flag-types.ts";
import { globalFlags } from "../flags/groups.ts";

export const quickstartFlags = {
  ...globalFlags,
  "http-address": string("127.0.0.1:10902", "Address to serve the API and UI on."),
  "http-grace-period": promDuration(
    "5s",
    "Wait so long for open requests when stopping; 0 closes at once.",
  ),
  "data-dir": string(
    "./data",
    "Folder of the bucket with the demo's blocks and of everything else that is kept.",
  ),
  "prometheus.url": strings("A Prometheus to query beside the demo. Repeatable."),
  "query.replica-label": commaList(
    "Labels that tell replicas apart, beside the demo's own `replica`. Repeatable or comma separated.",
  ),
  demo: bool(true, "Make the demo data on the first start."),
  "remote-write": bool(false, "Also take remote write and OTLP, and show it at once."),
  "remote-write.address": string(
    "127.0.0.1:19291",
    "Address to take remote write on: /api/v1/receive and /api/v1/otlp.",
  ),
  discover: bool(true, "Also use the Prometheus at http://localhost:9090 if one answers there."),
};

export type QuickstartFlagValues = FlagValues<typeof quickstartFlags>;
