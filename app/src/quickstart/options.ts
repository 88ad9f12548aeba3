// Options of `quickstart`, from its flags.
import type { HttpOptions } from "../process/service-options.ts";
import type { QuickstartFlagValues } from "./flags.ts";

export interface QuickstartOptions {
  readonly http: HttpOptions;
  readonly dataDir: string;
  /** Addresses of Prometheus servers to use beside the demo. */
  readonly prometheusUrls: readonly string[];
  readonly replicaLabels: readonly string[];
  readonly demo: boolean;
  /** Address to take remote write on; null takes none. */
  readonly remoteWriteAddress: string | null;
  /** Try http://localhost:9090 too. */
  readonly discover: boolean;
}

export function quickstartOptions(values: QuickstartFlagValues): QuickstartOptions {
  return {
    http: {
      address: values["http-address"],
      gracePeriodMs: values["http-grace-period"],
      configFile: "",
    },
    dataDir: values["data-dir"],
    prometheusUrls: values["prometheus.url"],
    replicaLabels: [...new Set(["replica", ...values["query.replica-label"]])],
    demo: values.demo,
    remoteWriteAddress: values["remote-write"] ? values["remote-write.address"] : null,
    discover: values.discover,
  };
}
