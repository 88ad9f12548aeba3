// Endpoints behind names that DNS knows nothing of: they count as stores that cannot be reached, so that no answer
// is silently without them.
import type { SeriesSource } from "@deucalion/model";
import {
  AddressResolver,
  type ApiEndpoint,
  type DnsLookup,
  type EndpointStatus,
  int64Max,
  int64Min,
  type StoreEndpoint,
} from "@deucalion/storeapi";

const reason = "no address was found for this name";

const emptySource: SeriesSource = {
  series: async function* () {},
  labelNames: () => Promise.resolve([]),
  labelValues: () => Promise.resolve([]),
  info: () => ({ labelSets: [], minTime: int64Min, maxTime: int64Max }),
};

/** Remembers which names had no address when they were last looked up. */
export class WatchedResolver extends AddressResolver {
  /** When each of them was last looked up. */
  readonly #empty = new Map<string, number>();
  readonly #now: () => number;
  readonly #keepMs: number;

  /** A name that has not been looked up for `keepMs` is no longer configured. */
  constructor(dns: DnsLookup, warn: (message: string) => void, keepMs: number, now: () => number) {
    super(dns, warn);
    this.#keepMs = keepMs;
    this.#now = now;
  }

  override async resolve(addresses: readonly string[]): Promise<string[]> {
    const one = async (address: string): Promise<string[]> => {
      const found = await super.resolve([address]);
      if (found.length === 0) this.#empty.set(address, this.#now());
      else this.#empty.delete(address);
      return found;
    };
    return [...new Set((await Promise.all(addresses.map(one))).flat())];
  }

  #missing(): string[] {
    const since = this.#now() - this.#keepMs;
    return [...this.#empty.keys()].filter((address) => this.#empty.get(address)! >= since);
  }

  stores(): StoreEndpoint[] {
    return this.#missing().map((address) => ({
      address,
      kind: "unknown-store-api",
      local: false,
      source: emptySource,
      supportsSharding: true,
      supportsWithoutReplicaLabels: true,
      unreachable: reason,
    }));
  }

  apis(): ApiEndpoint[] {
    return this.#missing().map((address) => ({
      address,
      kind: "unknown-store-api",
      labelSets: () => [],
      unreachable: reason,
      rules: null,
      targets: null,
      metadata: null,
      exemplars: null,
      status: null,
    }));
  }

  statuses(): EndpointStatus[] {
    return this.#missing().map((address) => ({
      name: address,
      kind: "unknown-store-api",
      state: "never",
      strict: false,
      lastCheck: 0,
      lastSuccess: 0,
      lastError: reason,
      labelSets: [],
      minTime: int64Min,
      maxTime: int64Max,
      listed: false,
      apis: [],
    }));
  }
}
