// Addresses with DNS schemes: `dns+`, `dnssrv+`, `dnssrvnoa+`, `dnsdualstack+`; anything else is static.
import { messageOf } from "@deucalion/base";
import { StoreApiError } from "../errors.ts";

/** Look-ups, as `node:dns/promises` or a fake has them. Names come with or without a trailing dot. */
export interface DnsLookup {
  /** IPv4 and IPv6 addresses in the order of the system. */
  readonly any: (host: string) => Promise<readonly string[]>;
  readonly v4: (host: string) => Promise<readonly string[]>;
  readonly v6: (host: string) => Promise<readonly string[]>;
  readonly srv: (
    name: string,
  ) => Promise<readonly { readonly name: string; readonly port: number }[]>;
}

const schemes = ["dns", "dnssrv", "dnssrvnoa", "dnsdualstack"] as const;
type Scheme = (typeof schemes)[number];

interface DynamicAddress {
  readonly scheme: Scheme;
  /** `http://` and the like, kept in front of what is found. */
  readonly prefix: string;
  readonly host: string;
  readonly port: string;
}

function parseDynamic(address: string): DynamicAddress | null {
  const at = address.indexOf("+");
  const scheme = schemes.find((name) => name === address.slice(0, at));
  if (at < 0 || scheme === undefined) return null;
  const found = /^([a-z]+:\/\/)?(.*?)(?::(\d+))?$/i.exec(address.slice(at + 1));
  return { scheme, prefix: found?.[1] ?? "", host: found?.[2] ?? "", port: found?.[3] ?? "" };
}

/** True if the address has a DNS scheme. */
export function isDynamicAddress(address: string): boolean {
  return parseDynamic(address) !== null;
}

function join(host: string, port: string | number): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

async function lookUp(address: DynamicAddress, dns: DnsLookup): Promise<string[]> {
  const { scheme, host, port } = address;
  if (scheme === "dns" || scheme === "dnsdualstack") {
    if (port === "") {
      throw new StoreApiError(
        "STOREAPI_CONFIG",
        `missing port in address given for dns lookup: ${host}`,
      );
    }
    if (scheme === "dns") return (await dns.any(host)).map((ip) => join(ip, port));
    const both = await Promise.allSettled([dns.v6(host), dns.v4(host)]);
    const found = both.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
    if (found.length === 0 && both[1]?.status === "rejected") throw both[1].reason;
    return found.map((ip) => join(ip, port));
  }
  const records = await dns.srv(host);
  const targets = records.map((record) => ({
    name: record.name.replace(/\.$/, ""),
    port: port === "" ? record.port : port,
  }));
  if (scheme === "dnssrvnoa") return targets.map((target) => join(target.name, target.port));
  const resolved = await Promise.all(
    targets.map(async (target) => (await dns.any(target.name)).map((ip) => join(ip, target.port))),
  );
  return resolved.flat();
}

/** Resolves addresses; a look-up that fails keeps what the one before it found. */
export class AddressResolver {
  readonly #dns: DnsLookup;
  readonly #warn: (message: string) => void;
  readonly #known = new Map<string, readonly string[]>();

  constructor(dns: DnsLookup, warn: (message: string) => void) {
    this.#dns = dns;
    this.#warn = warn;
  }

  /** Static addresses as they are, dynamic ones as what they stand for now. */
  async resolve(addresses: readonly string[]): Promise<string[]> {
    const found = await Promise.all(addresses.map((address) => this.#one(address)));
    return found.flat();
  }

  async #one(address: string): Promise<readonly string[]> {
    const dynamic = parseDynamic(address);
    if (dynamic === null) return [address];
    try {
      const found = (await lookUp(dynamic, this.#dns)).map((one) => dynamic.prefix + one).sort();
      this.#known.set(address, found);
      return found;
    } catch (error) {
      this.#warn(`failed to resolve ${address}: ${messageOf(error)}`);
      return this.#known.get(address) ?? [];
    }
  }
}
