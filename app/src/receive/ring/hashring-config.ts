// The hashrings' configuration file (JSON).
import { messageOf } from "@deucalion/base";
import { ReceiveError } from "../errors.ts";

/** A receiver in a hashring. */
export interface RingEndpoint {
  readonly address: string;
  readonly capnprotoAddress: string;
  readonly az: string;
}

export type TenantMatching = "exact" | "glob";

export interface ShuffleSharding {
  /** 0 is off. */
  readonly shardSize: number;
  readonly cacheSize: number;
  readonly zoneAwarenessDisabled: boolean;
  readonly overrides: readonly {
    readonly shardSize: number;
    readonly tenants: readonly string[];
    readonly matching: TenantMatching;
  }[];
}

export interface HashringConfig {
  readonly name: string;
  /** Null takes every tenant. */
  readonly tenants: readonly string[] | null;
  readonly matching: TenantMatching;
  readonly endpoints: readonly RingEndpoint[];
  /** "" is the one of the flags. */
  readonly algorithm: string;
  readonly externalLabels: Readonly<Record<string, string>>;
  readonly shuffleSharding: ShuffleSharding;
}

function fail(reason: string): never {
  throw new ReceiveError("RECEIVE_HASHRING", `configuration file is not parsable: ${reason}`);
}

function record(value: unknown, what: string): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    fail(`${what} is not an object`);
  }
  return value as Record<string, unknown>;
}

/** The same with its fields' names in small letters: Go takes them in any. */
function fieldsOf(value: unknown, what: string): Record<string, unknown> {
  const entries = Object.entries(record(value, what));
  return Object.fromEntries(entries.map(([name, field]) => [name.toLowerCase(), field]));
}

function list(value: unknown, what: string): unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) fail(`${what} is not a list`);
  return value;
}

function text(value: unknown, what: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value !== "string") fail(`${what} is not a string`);
  return value;
}

function whole(value: unknown, what: string): number {
  if (value === undefined || value === null) return 0;
  if (!Number.isInteger(value)) fail(`${what} is not a whole number`);
  return value as number;
}

function matchingOf(value: unknown): TenantMatching {
  const matching = text(value, "tenant_matcher_type");
  return matching === "glob" ? "glob" : "exact";
}

function endpointOf(value: unknown): RingEndpoint {
  const fields = typeof value === "string" ? { address: value } : fieldsOf(value, "endpoint");
  const address = text(fields.address, "address");
  if (address === "") fail("endpoint address must be set");
  const capnproto = text(fields.capnproto_address, "capnproto_address");
  return {
    address,
    capnprotoAddress: capnproto === "" ? `${address.split(":")[0]}:19391` : capnproto,
    az: text(fields.az, "az"),
  };
}

function shufflingOf(value: unknown): ShuffleSharding {
  const fields =
    value === undefined || value === null ? {} : fieldsOf(value, "shuffle_sharding_config");
  return {
    shardSize: whole(fields.shard_size, "shard_size"),
    cacheSize: whole(fields.cache_size, "cache_size"),
    zoneAwarenessDisabled: fields.zone_awareness_disabled === true,
    overrides: list(fields.overrides, "overrides").map((one) => {
      const override = fieldsOf(one, "override");
      return {
        shardSize: whole(override.shard_size, "shard_size"),
        tenants: list(override.tenants, "tenants").map((name) => text(name, "tenant")),
        matching: matchingOf(override.tenant_matcher_type),
      };
    }),
  };
}

/** Parses the file's text. Throws RECEIVE_HASHRING, also for a list without hashrings. */
export function parseHashrings(source: string): HashringConfig[] {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (thrown) {
    return fail(messageOf(thrown));
  }
  const rings = list(value, "configuration").map((one): HashringConfig => {
    const ring = fieldsOf(one, "hashring");
    const tenants = list(ring.tenants, "tenants").map((name) => text(name, "tenant"));
    const labels = ring.external_labels ?? {};
    return {
      name: text(ring.hashring, "hashring"),
      tenants: tenants.length === 0 ? null : tenants,
      matching: matchingOf(ring.tenant_matcher_type),
      endpoints: list(ring.endpoints, "endpoints").map(endpointOf),
      algorithm: text(ring.algorithm, "algorithm"),
      externalLabels: Object.fromEntries(
        Object.entries(record(labels, "external_labels")).map(([name, label]) => [
          name,
          text(label, name),
        ]),
      ),
      shuffleSharding: shufflingOf(ring.shuffle_sharding_config),
    };
  });
  if (rings.length === 0) {
    throw new ReceiveError("RECEIVE_HASHRING", "configuration file is empty");
  }
  return rings;
}
