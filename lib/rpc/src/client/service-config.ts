// gRPC's service config: how calls to a group of addresses are spread, bounded and repeated.
import { RpcError } from "../errors.ts";
import { Status } from "../status.ts";

export interface RetryPolicy {
  /** Attempts in all, the first included; 2 to 5. */
  readonly attemptsMax: number;
  readonly backoffMs: number;
  readonly backoffMaxMs: number;
  readonly backoffFactor: number;
  /** Status codes after which a call that nothing was answered to is tried again. */
  readonly statuses: readonly number[];
}

export interface MethodConfig {
  /** 0 is no limit. */
  readonly timeoutMs: number;
  readonly waitForReady: boolean;
  /** null fails at once. */
  readonly retry: RetryPolicy | null;
}

export interface ServiceConfig {
  readonly policy: "round_robin" | "pick_first";
  /** By `/service/method`, `/service/`, and "" for all others. */
  readonly methods: ReadonlyMap<string, MethodConfig>;
}

/** As gRPC has it: more attempts are not made. */
const attemptsLimit = 5;

export const methodDefaults: MethodConfig = {
  timeoutMs: 0,
  waitForReady: false,
  retry: {
    attemptsMax: 3,
    backoffMs: 100,
    backoffMaxMs: Number.POSITIVE_INFINITY,
    backoffFactor: 2,
    statuses: [Status.unavailable],
  },
};

/** What groups do without a config. */
export const serviceConfigDefaults: ServiceConfig = {
  policy: "round_robin",
  methods: new Map([["", methodDefaults]]),
};

function fail(text: string): never {
  throw new RpcError("RPC_CONFIG", `grpc service config: ${text}`);
}

type Fields = Readonly<Record<string, unknown>>;

function fieldsOf(value: unknown, where: string): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    return fail(`${where} is not an object`);
  }
  return value as Fields;
}

function listOf(value: unknown, where: string): readonly unknown[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : fail(`${where} is not a list`);
}

/** Seconds with an "s" behind them, as ms. */
function durationMs(value: unknown, where: string): number {
  const found = typeof value === "string" ? /^(\d+(?:\.\d{1,9})?)s$/.exec(value) : null;
  return found === null
    ? fail(`${where} is not a duration such as "0.1s"`)
    : 1000 * Number(found[1]);
}

function positive(value: unknown, where: string): number {
  return typeof value === "number" && value > 0 ? value : fail(`${where} is not above 0`);
}

function statusCode(value: unknown): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= 16)
    return value;
  if (typeof value === "string") {
    const camel = value.toLowerCase().replace(/_(.)/g, (_, letter: string) => letter.toUpperCase());
    const known = Status[(camel === "canceled" ? "cancelled" : camel) as keyof typeof Status];
    if (typeof known === "number") return known;
  }
  return fail(`retryableStatusCodes has ${JSON.stringify(value)}, which is no status`);
}

function retryPolicy(value: unknown): RetryPolicy {
  const fields = fieldsOf(value, "retryPolicy");
  const attempts = fields.maxAttempts;
  if (typeof attempts !== "number" || !Number.isInteger(attempts) || attempts < 2) {
    return fail("maxAttempts is not a whole number above 1");
  }
  const statuses = listOf(fields.retryableStatusCodes, "retryableStatusCodes").map(statusCode);
  if (statuses.length === 0) fail("retryableStatusCodes is empty");
  return {
    attemptsMax: Math.min(attemptsLimit, attempts),
    backoffMs: positive(durationMs(fields.initialBackoff, "initialBackoff"), "initialBackoff"),
    backoffMaxMs: positive(durationMs(fields.maxBackoff, "maxBackoff"), "maxBackoff"),
    backoffFactor: positive(fields.backoffMultiplier, "backoffMultiplier"),
    statuses,
  };
}

function methodKey(value: unknown): string {
  const { service = "", method = "" } = fieldsOf(value, "name");
  if (typeof service !== "string" || typeof method !== "string") return fail("name is not text");
  if (service === "") return method === "" ? "" : fail("a name has a method without a service");
  return `/${service}/${method}`;
}

function methodConfigs(value: unknown): Map<string, MethodConfig> {
  const methods = new Map<string, MethodConfig>();
  for (const one of listOf(value, "methodConfig")) {
    const fields = fieldsOf(one, "methodConfig");
    const config: MethodConfig = {
      timeoutMs: fields.timeout === undefined ? 0 : durationMs(fields.timeout, "timeout"),
      waitForReady: fields.waitForReady === true,
      retry: fields.retryPolicy === undefined ? null : retryPolicy(fields.retryPolicy),
    };
    for (const name of listOf(fields.name, "name")) {
      const key = methodKey(name);
      if (methods.has(key)) fail(`two methodConfigs for ${JSON.stringify(name)}`);
      methods.set(key, config);
    }
  }
  return methods;
}

function policyOf(fields: Fields): ServiceConfig["policy"] {
  for (const one of listOf(fields.loadBalancingConfig, "loadBalancingConfig")) {
    // The first that is known counts.
    for (const name of Object.keys(fieldsOf(one, "loadBalancingConfig"))) {
      if (name === "round_robin" || name === "pick_first") return name;
    }
  }
  const { loadBalancingPolicy: policy } = fields;
  return policy === "round_robin" ? "round_robin" : "pick_first";
}

/**
 * Reads a config; fields that are not known are left out of account, as gRPC does. Calls of methods that it does not name
 * are repeated as without a config. Throws RPC_CONFIG.
 */
export function parseServiceConfig(text: string): ServiceConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new RpcError("RPC_CONFIG", "grpc service config is not JSON", {}, { cause });
  }
  const fields = fieldsOf(value, "the config");
  const methods = methodConfigs(fields.methodConfig);
  if (!methods.has("")) methods.set("", methodDefaults);
  return { policy: policyOf(fields), methods };
}

/** What a config says of a call to `/service/method`. */
export function methodConfigOf({ methods }: ServiceConfig, path: string): MethodConfig {
  const service = path.slice(0, path.lastIndexOf("/") + 1);
  return methods.get(path) ?? methods.get(service) ?? methods.get("") ?? methodDefaults;
}
