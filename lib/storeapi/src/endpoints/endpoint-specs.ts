// Where endpoints come from: flags, files and DNS, joined into one list that is kept up to date.
import type { ClientOptions } from "@deucalion/rpc";
import { StoreApiError } from "../errors.ts";
import { clientOptionsOf, type EndpointConfig } from "./endpoint-config.ts";
import { type AddressResolver, isDynamicAddress } from "./resolve-addresses.ts";

/** One endpoint to connect to. */
export interface EndpointSpec {
  /** How it is called everywhere: `host:port`, or `thanos:///name` for a group. */
  readonly address: string;
  /** Never given up, and asked even while it does not answer. */
  readonly strict: boolean;
  /** Addresses of a group, between which calls take turns; null for a single one. */
  readonly members: readonly string[] | null;
  /** gRPC's service config of a group, as text; "" is the usual one. */
  readonly serviceConfig: string;
  readonly client: Partial<ClientOptions>;
}

export interface EndpointFlags {
  readonly endpoints: readonly string[];
  readonly strict: readonly string[];
  readonly groups: readonly string[];
  readonly strictGroups: readonly string[];
  readonly client: Partial<ClientOptions>;
}

export interface EndpointSpecsDeps {
  readonly resolver: AddressResolver;
  /** Targets of `--store.sd-files`. */
  readonly fileTargets: () => Promise<readonly string[]>;
  /** The content of `--endpoint.sd-config`, as last read. */
  readonly config: () => Promise<EndpointConfig>;
  /** Told of addresses that are given more than once (thanos_query_duplicated_endpoint_addresses_total). */
  readonly onDuplicate?: (address: string) => void;
}

/** Collects the endpoints; look-ups are repeated by calling `refresh`. */
export class EndpointSpecs {
  readonly #flags: EndpointFlags;
  readonly #deps: EndpointSpecsDeps;
  #specs: readonly EndpointSpec[] = [];

  /** Throws STOREAPI_CONFIG if a strict endpoint has a DNS scheme. */
  constructor(flags: EndpointFlags, deps: EndpointSpecsDeps) {
    for (const address of flags.strict) {
      if (!isDynamicAddress(address)) continue;
      const text = `${address} is a dynamically specified endpoint i.e. it uses SD and that is not permitted under strict mode.`;
      throw new StoreApiError("STOREAPI_CONFIG", text);
    }
    this.#flags = flags;
    this.#deps = deps;
  }

  current(): readonly EndpointSpec[] {
    return this.#specs;
  }

  async refresh(): Promise<void> {
    const flags = this.#flags;
    const { resolver } = this.#deps;
    const config = await this.#deps.config();
    const specs = new Map<string, EndpointSpec>();
    const common = clientOptionsOf([config.defaultClient], flags.client);
    const add = (spec: EndpointSpec): void => {
      const known = specs.get(spec.address);
      if (known !== undefined) this.#deps.onDuplicate?.(spec.address);
      if (known === undefined || spec.strict) specs.set(spec.address, spec);
    };
    const single = (address: string, strict: boolean, client = common): void =>
      add({ address, strict, members: null, serviceConfig: "", client });
    const group = async (
      address: string,
      strict: boolean,
      client = common,
      serviceConfig = "",
    ): Promise<void> =>
      add({
        address: `thanos:///${address}`,
        strict,
        members: await resolver.resolve([address]),
        serviceConfig,
        client,
      });
    for (const address of flags.strict) single(address, true);
    for (const address of flags.groups) await group(address, false);
    for (const address of flags.strictGroups) await group(address, true);
    const dynamic = [...(await this.#deps.fileTargets()), ...flags.endpoints];
    for (const entry of config.endpoints) {
      const client = clientOptionsOf([entry.client, config.defaultClient], flags.client);
      if (entry.group) await group(entry.address, entry.strict, client, entry.serviceConfig);
      else if (isDynamicAddress(entry.address)) dynamic.push(entry.address);
      else single(entry.address, entry.strict, client);
    }
    for (const address of await resolver.resolve(dynamic)) single(address, false);
    this.#specs = [...specs.values()];
  }
}
