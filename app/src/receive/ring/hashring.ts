// Hashrings: which receivers take a series. The same choices as Thanos makes, so that rings may be mixed.
import type { Xxhash64 } from "@deucalion/kernels";
import { type LabelBytes, LabelCursor } from "@deucalion/model";
import { ReceiveError } from "../errors.ts";
import { globMatches } from "./glob-matches.ts";
import type { HashringConfig, RingEndpoint } from "./hashring-config.ts";
import { ShuffleShards } from "./shuffle-shards.ts";

/** Chooses among the endpoints of one hashring. `high` and `low` are the series' hash. */
export interface Ring {
  readonly endpoints: readonly RingEndpoint[];
  /** The endpoint of replica `n`, from 0. Throws RECEIVE_HASHRING if there are too few. */
  pick(tenant: string, high: number, low: number, n: number): RingEndpoint;
}

function tooFew(have: number, want: number): ReceiveError {
  return new ReceiveError("RECEIVE_HASHRING", `insufficient nodes; have ${have}, want ${want}`);
}

/** By remainder. */
class HashmodRing implements Ring {
  readonly endpoints: readonly RingEndpoint[];

  constructor(endpoints: readonly RingEndpoint[]) {
    if (endpoints.some(({ az }) => az !== "")) {
      throw new ReceiveError(
        "RECEIVE_HASHRING",
        "Hashmod algorithm does not support AZ aware hashring configuration. Either use Ketama or remove AZ configuration.",
      );
    }
    this.endpoints = [...endpoints].sort((a, b) =>
      a.address < b.address ? -1 : a.address > b.address ? 1 : 0,
    );
  }

  pick(_tenant: string, high: number, low: number, n: number): RingEndpoint {
    const count = this.endpoints.length;
    if (n >= count) throw tooFew(count, n + 1);
    // The sum may pass 2^64, where it begins anew.
    const sum = low + n;
    const upper = sum >= 4294967296 ? (high + 1) % 4294967296 : high;
    const lower = sum % 4294967296;
    return this.endpoints[((upper % count) * (4294967296 % count) + (lower % count)) % count]!;
  }
}

const sectionsPerEndpoint = 1000;
const encoder = new TextEncoder();

/** By consistent hashing, with replicas in different zones as far as possible. */
export class KetamaRing implements Ring {
  readonly endpoints: readonly RingEndpoint[];
  /** Of the sections in order: hash, endpoint, and the endpoints of the replicas. */
  readonly high: Uint32Array;
  readonly low: Uint32Array;
  readonly owner: Uint32Array;
  readonly #replicas: Uint32Array;
  readonly #replicaCount: number;

  constructor(endpoints: readonly RingEndpoint[], replicas: number, hash: Xxhash64) {
    if (endpoints.length < replicas) {
      throw new ReceiveError(
        "RECEIVE_HASHRING",
        "ketama: amount of endpoints needs to be larger than replication factor",
      );
    }
    this.endpoints = endpoints;
    this.#replicaCount = replicas;
    const count = endpoints.length * sectionsPerEndpoint;
    const high = new Uint32Array(count);
    const low = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const { address } = endpoints[Math.floor(i / sectionsPerEndpoint)]!;
      hash.hash(encoder.encode(`${address}:${(i % sectionsPerEndpoint) + 1}`));
      high[i] = hash.high;
      low[i] = hash.low;
    }
    const order = Uint32Array.from({ length: count }, (_, i) => i).sort(
      (a, b) => high[a]! - high[b]! || low[a]! - low[b]!,
    );
    this.high = order.map((i) => high[i]!);
    this.low = order.map((i) => low[i]!);
    this.owner = order.map((i) => Math.floor(i / sectionsPerEndpoint));
    this.#replicas = this.#spread();
  }

  /** Replicas of each section: the next endpoints on the ring, zones taken evenly. */
  #spread(): Uint32Array {
    const { owner } = this;
    const count = owner.length;
    const replicas = this.#replicaCount;
    const zones = [...new Set(this.endpoints.map(({ az }) => az))];
    const zoneOf = this.endpoints.map(({ az }) => zones.indexOf(az));
    const out = new Uint32Array(count * replicas);
    for (let i = 0; i < count; i++) {
      const taken = new Set<number>();
      const inZone = new Array<number>(zones.length).fill(0);
      for (let j = i; taken.size < replicas; j = (j + 1) % count) {
        const one = owner[j]!;
        if (taken.has(one)) continue;
        const zone = zoneOf[one]!;
        if (zones.length > 1 && inZone[zone]! > 0 && inZone[zone]! > Math.min(...inZone)) continue;
        out[i * replicas + taken.size] = one;
        taken.add(one);
        inZone[zone]!++;
      }
    }
    return out;
  }

  pick(_tenant: string, high: number, low: number, n: number): RingEndpoint {
    if (n >= this.endpoints.length) throw tooFew(this.endpoints.length, n + 1);
    let from = 0;
    let to = this.high.length;
    while (from < to) {
      const middle = (from + to) >>> 1;
      const h = this.high[middle]!;
      if (h < high || (h === high && this.low[middle]! < low)) from = middle + 1;
      else to = middle;
    }
    const section = from === this.high.length ? 0 : from;
    return this.endpoints[this.#replicas[section * this.#replicaCount + n]!]!;
  }
}

function makeRing(
  config: HashringConfig,
  algorithm: string,
  replicas: number,
  hash: Xxhash64,
): Ring {
  const { shuffleSharding, endpoints, name } = config;
  if (algorithm !== "ketama") {
    const ring = new HashmodRing(endpoints);
    if (shuffleSharding.shardSize > 0) {
      throw new ReceiveError(
        "RECEIVE_HASHRING",
        "hashmod algorithm does not support shuffle sharding. Either use Ketama or remove shuffle sharding configuration",
      );
    }
    return ring;
  }
  const ring = new KetamaRing(endpoints, replicas, hash);
  if (shuffleSharding.shardSize === 0) return ring;
  if (shuffleSharding.shardSize > endpoints.length) {
    throw new ReceiveError(
      "RECEIVE_HASHRING",
      `shard size ${shuffleSharding.shardSize} is larger than number of nodes in hashring ${name} (${endpoints.length})`,
    );
  }
  return new ShuffleShards(ring, shuffleSharding, (some) => new KetamaRing(some, replicas, hash));
}

/** All hashrings: the first that names a tenant, or names none, takes it. */
export class Hashrings {
  readonly configs: readonly HashringConfig[];
  readonly #rings: readonly Ring[];
  readonly #ofTenant = new Map<string, Ring>();

  /** Throws RECEIVE_HASHRING. */
  constructor(
    configs: readonly HashringConfig[],
    algorithm: string,
    replicas: number,
    hash: Xxhash64,
  ) {
    this.configs = configs;
    this.#rings = configs.map((config) =>
      makeRing(config, config.algorithm === "" ? algorithm : config.algorithm, replicas, hash),
    );
  }

  get endpoints(): readonly RingEndpoint[] {
    return this.#rings.flatMap((ring) => ring.endpoints);
  }

  /** Throws RECEIVE_HASHRING if no hashring takes the tenant. */
  ringOf(tenant: string): Ring {
    const known = this.#ofTenant.get(tenant);
    if (known !== undefined) return known;
    const index = this.configs.findIndex(
      ({ tenants, matching }) =>
        tenants === null ||
        (matching === "exact"
          ? tenants.includes(tenant)
          : tenants.some((pattern) => globMatches(pattern, tenant))),
    );
    if (index < 0) {
      throw new ReceiveError("RECEIVE_HASHRING", "no matching hashring to handle tenant", {
        tenant,
      });
    }
    if (this.#ofTenant.size > 100_000) this.#ofTenant.clear();
    this.#ofTenant.set(tenant, this.#rings[index]!);
    return this.#rings[index]!;
  }
}

/** Hashes series as receivers do: tenant, then names and values, each followed by 0xff. */
export class SeriesHasher {
  readonly #hash: Xxhash64;
  readonly #cursor = new LabelCursor();
  #scratch = new Uint8Array(1024);
  #prefix = 0;
  #tenant: string | null = null;

  constructor(hash: Xxhash64) {
    this.#hash = hash;
  }

  get high(): number {
    return this.#hash.high;
  }

  get low(): number {
    return this.#hash.low;
  }

  hash(tenant: string, labels: LabelBytes): void {
    const need = 3 * tenant.length + 2 + 2 * (labels.end - labels.start);
    if (this.#scratch.length < need) {
      this.#scratch = new Uint8Array(2 * need);
      this.#tenant = null;
    }
    const out = this.#scratch;
    if (this.#tenant !== tenant) {
      this.#tenant = tenant;
      this.#prefix = encoder.encodeInto(tenant, out).written;
      out[this.#prefix++] = 0xff;
    }
    let at = this.#prefix;
    const cursor = this.#cursor.reset(labels);
    const { data } = labels;
    while (cursor.next()) {
      for (let i = cursor.nameStart; i < cursor.nameEnd; i++) out[at++] = data[i]!;
      out[at++] = 0xff;
      for (let i = cursor.valueStart; i < cursor.valueEnd; i++) out[at++] = data[i]!;
      out[at++] = 0xff;
    }
    this.#hash.hash(out, 0, at);
  }
}
