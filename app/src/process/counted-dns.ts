// DNS lookups with Thanos' counters, under a prefix of their user.
import type { DnsLookup } from "@deucalion/storeapi";
import { Counter, Gauge, type Registry } from "prom-client";

/** Counts `<prefix>_dns_lookups_total` and `<prefix>_dns_failures_total` of `inner`. */
export function countedDns(inner: DnsLookup, registry: Registry, prefix: string): DnsLookup {
  const counter = (name: string, help: string) =>
    new Counter({ name: `${prefix}_dns_${name}_total`, help, registers: [registry] });
  const lookups = counter("lookups", "DNS lookups.");
  const failures = counter("failures", "DNS lookups that failed.");
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

/** `<prefix>_dns_provider_results`: told what each address stands for now. */
export function providerResults(
  registry: Registry,
  prefix: string,
): (address: string, results: number) => void {
  const gauge = new Gauge({
    name: `${prefix}_dns_provider_results`,
    help: "What an address stands for now.",
    labelNames: ["addr"],
    registers: [registry],
  });
  return (addr, results) => gauge.set({ addr }, results);
}
