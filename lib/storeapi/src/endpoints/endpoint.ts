// One endpoint: its connection, what it last said about itself, and whether it can be asked.
import type { ChunkDecoder, Labels, SourceInfo } from "@deucalion/model";
import { type Caller, goErrorText, Status, statusOf } from "@deucalion/rpc";
import { ApiClient, fetchInfo } from "../client/api-clients.ts";
import { StoreClient } from "../client/store-client.ts";
import type { ApiEndpoint } from "../fanout/api-endpoint.ts";
import type { StoreEndpoint } from "../fanout/store-endpoint.ts";
import {
  type ComponentType,
  componentType,
  type InfoResponse,
  int64Max,
  int64Min,
} from "../messages/info-messages.ts";
import type { EndpointSpec } from "./endpoint-specs.ts";

/** `never`: has not answered yet; `healthy`; `failing`: has answered before, but not the last time. */
export type EndpointState = "never" | "healthy" | "failing";

export class Endpoint {
  readonly spec: EndpointSpec;
  readonly caller: Caller;
  readonly #store: StoreClient;
  readonly #api: ApiClient;
  #info: InfoResponse | null = null;
  #labelSets: readonly Labels[] = [];
  state: EndpointState = "never";
  /** Milliseconds since the epoch; 0 is never. */
  lastCheck = 0;
  lastSuccess = 0;
  lastError: string | null = null;

  constructor(spec: EndpointSpec, caller: Caller, decode: ChunkDecoder) {
    this.spec = spec;
    this.caller = caller;
    this.#store = new StoreClient({ caller, decode, info: () => this.sourceInfo() });
    this.#api = new ApiClient(caller);
  }

  get info(): InfoResponse | null {
    return this.#info;
  }

  get kind(): ComponentType {
    if (this.#info !== null) return componentType(this.#info.componentType);
    return this.spec.strict ? "store" : "unknown-store-api";
  }

  get labelSets(): readonly Labels[] {
    return this.#labelSets;
  }

  /** True if queries go to it. */
  get queryable(): boolean {
    return this.state === "healthy" || this.spec.strict;
  }

  /** What is known of its series; all time as long as nothing is known. */
  sourceInfo(): SourceInfo {
    const store = this.#info?.store;
    return {
      labelSets: this.#labelSets,
      minTime: store?.minTime ?? int64Min,
      maxTime: store?.maxTime ?? int64Max,
      ...(store?.supportsAnyOf === true ? { anyOf: [] } : {}),
    };
  }

  /** Asks for Info. Returns true if the state changed. Never throws. */
  async check(timeoutMs: number, now: () => number, signal: AbortSignal): Promise<boolean> {
    const before = this.state;
    try {
      this.#info = await fetchInfo(this.caller, { timeoutMs, waitForReady: true, signal });
      this.#labelSets = distinct(this.#info.labelSets);
      this.state = "healthy";
      this.lastError = null;
      this.lastSuccess = now();
    } catch (error) {
      if (signal.aborted) return false;
      const unknown = statusOf(error) === Status.unimplemented;
      this.lastError = unknown
        ? "cannot obtain metadata: neither info nor store client found"
        : goErrorText(error);
      if (this.state === "healthy") this.state = "failing";
    }
    this.lastCheck = now();
    return this.state !== before;
  }

  #unreachable(): string | null {
    return this.queryable ? null : (this.lastError ?? "has not answered yet");
  }

  /** As a store; null if it says that it has no series. */
  asStore(): StoreEndpoint | null {
    if (this.#info !== null && this.#info.store === undefined) return null;
    const store = this.#info?.store;
    return {
      address: this.spec.address,
      kind: this.kind,
      local: false,
      source: this.#store,
      supportsSharding: store?.supportsSharding ?? false,
      supportsWithoutReplicaLabels: store?.supportsWithoutReplicaLabels ?? false,
      unreachable: this.#unreachable(),
    };
  }

  asApi(): ApiEndpoint {
    const info = this.#info;
    return {
      address: this.spec.address,
      kind: this.kind,
      labelSets: () => this.#labelSets,
      unreachable: this.#unreachable(),
      rules: info?.rules === undefined ? null : this.#api,
      targets: info?.targets === undefined ? null : this.#api,
      metadata: info?.metricMetadata === undefined ? null : this.#api,
      exemplars: info?.exemplars === undefined ? null : this.#api,
      status: info?.status === undefined ? null : this.#api,
    };
  }
}

function distinct(sets: readonly Labels[]): Labels[] {
  return [...new Map(sets.filter((set) => set.size > 0).map((set) => [set.key, set])).values()];
}
