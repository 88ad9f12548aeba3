// Shuffle sharding: each tenant has a few of the receivers, always the same ones.
import { createHash } from "node:crypto";
import { ReceiveError } from "../errors.ts";
import { globMatches } from "./glob-matches.ts";
import { GoRandom } from "./go-random.ts";
import type { KetamaRing, Ring } from "./hashring.ts";
import type { RingEndpoint, ShuffleSharding } from "./hashring-config.ts";

const cacheDefault = 100;

/** A ring within a ring for each tenant. */
export class ShuffleShards implements Ring {
  readonly #base: KetamaRing;
  readonly #options: ShuffleSharding;
  readonly #make: (endpoints: readonly RingEndpoint[]) => Ring;
  readonly #cache = new Map<string, Ring>();

  constructor(
    base: KetamaRing,
    options: ShuffleSharding,
    make: (endpoints: readonly RingEndpoint[]) => Ring,
  ) {
    this.#base = base;
    this.#options = options;
    this.#make = make;
  }

  get endpoints(): readonly RingEndpoint[] {
    return this.#base.endpoints;
  }

  pick(tenant: string, high: number, low: number, n: number): RingEndpoint {
    return this.#shard(tenant).pick(tenant, high, low, n);
  }

  #shard(tenant: string): Ring {
    const cache = this.#cache;
    const known = cache.get(tenant);
    cache.delete(tenant);
    const ring = known ?? this.#make(this.shardOf(tenant));
    cache.set(tenant, ring);
    const max = this.#options.cacheSize > 0 ? this.#options.cacheSize : cacheDefault;
    if (cache.size > max) cache.delete(cache.keys().next().value!);
    return ring;
  }

  #size(tenant: string): number {
    for (const { matching, tenants, shardSize } of this.#options.overrides) {
      const named =
        matching === "exact"
          ? tenants.includes(tenant)
          : tenants.some((pattern) => globMatches(pattern, tenant));
      if (named) return shardSize;
    }
    return this.#options.shardSize;
  }

  /** The endpoints of a tenant. Throws RECEIVE_HASHRING if a zone has too few. */
  shardOf(tenant: string): RingEndpoint[] {
    const { zoneAwarenessDisabled } = this.#options;
    const zoneOf = ({ az }: RingEndpoint): string => (zoneAwarenessDisabled ? "" : az);
    const { endpoints, high, low, owner } = this.#base;
    const unique = new Map<string, RingEndpoint>();
    for (const one of endpoints) {
      unique.set(JSON.stringify([one.address, one.capnprotoAddress, one.az]), one);
    }
    const zones = new Map<string, number>();
    for (const one of unique.values()) zones.set(zoneOf(one), (zones.get(zoneOf(one)) ?? 0) + 1);
    const size = this.#size(tenant);
    const take = zoneAwarenessDisabled ? size : Math.ceil(size / zones.size);
    const chosen: RingEndpoint[] = [];
    for (const [zone, count] of zones) {
      if (take > count) {
        throw new ReceiveError(
          "RECEIVE_HASHRING",
          `shard size ${size} is larger than number of nodes in AZ ${zone} (${count})`,
        );
      }
      const sections: number[] = [];
      for (let i = 0; i < owner.length; i++) {
        if (zoneOf(endpoints[owner[i]!]!) === zone) sections.push(i);
      }
      const random = new GoRandom(seedOf(tenant, zone));
      const selected = new Set<number>();
      for (let i = 0; i < take; i++) {
        random.next();
        let from = 0;
        let to = sections.length;
        while (from < to) {
          const middle = (from + to) >>> 1;
          const at = sections[middle]!;
          const before =
            high[at]! < random.high || (high[at] === random.high && low[at]! < random.low);
          if (before) from = middle + 1;
          else to = middle;
        }
        const start = from === sections.length ? 0 : from;
        for (let j = 0; j < sections.length; j++) {
          const one = owner[sections[(start + j) % sections.length]!]!;
          if (selected.has(one)) continue;
          selected.add(one);
          chosen.push(endpoints[one]!);
          break;
        }
      }
    }
    return chosen;
  }
}

function seedOf(tenant: string, zone: string): Uint8Array {
  const hash = createHash("md5").update(tenant);
  if (zone !== "") hash.update("\0").update(zone);
  return hash.digest().subarray(0, 8);
}
