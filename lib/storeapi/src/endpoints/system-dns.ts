// DNS look-ups of the operating system and of its name servers.
import { lookup, resolve4, resolve6, resolveSrv } from "node:dns/promises";
import type { DnsLookup } from "./resolve-addresses.ts";

/** Hosts by the system (so /etc/hosts counts), SRV records from the name servers. */
export const systemDns: DnsLookup = {
  any: async (host) =>
    (await lookup(host, { all: true, order: "verbatim" })).map((found) => found.address),
  v4: async (host) => {
    const found = await lookup(host, { all: true, family: 4 });
    return found.map(({ address }) => address);
  },
  v6: async (host) => {
    const found = await lookup(host, { all: true, family: 6 });
    return found.map(({ address }) => address);
  },
  srv: async (name) =>
    (await resolveSrv(name)).map((record) => ({ name: record.name, port: record.port })),
};

async function both(host: string): Promise<string[]> {
  const found = await Promise.allSettled([resolve4(host), resolve6(host)]);
  const all = found.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
  if (all.length === 0 && found[0]?.status === "rejected") throw found[0].reason;
  return all;
}

/** Everything from the name servers, past the system's own tables. */
export const serverDns: DnsLookup = {
  any: both,
  v4: (host) => resolve4(host),
  v6: (host) => resolve6(host),
  srv: systemDns.srv,
};
