// DNS lookups with Thanos' counters.
import type { DnsLookup } from "@deucalion/storeapi";
import { Counter, type Registry } from "prom-client";

/** Counts lookups and failures of `inner`. */
export function countedDns(inner: DnsLookup, registry: Registry): DnsLookup {
  const counter = (name: string, help: string) =>
    new Counter({ name: `thanos_query_endpoints_dns_${name}_total`, help, registers: [registry] });
  const lookups = counter("lookups", "DNS lookups of endpoints.");
  const failures = counter("failures", "DNS lookups of endpoints that failed.");
  const counted =
    <T>(look: (name: string) => Promise<T>) =>
    async (name: string): Promise<T> => {
      lookups.inc();
      try {
        return await look(name);
      } catch (error) {
        failures.inc();
        throw error;
      }
    };
  return {
    any: counted(inner.any),
    v4: counted(inner.v4),
    v6: counted(inner.v6),
    srv: counted(inner.srv),
  };
}
