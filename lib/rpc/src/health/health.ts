// The standard health service: grpc.health.v1.Health.
import { RpcError } from "../errors.ts";
import { type EnumType, enumField, mapField, scalarField } from "../proto/field.ts";
import { defineMessage } from "../proto/message-type.ts";
import type { ProtoFile } from "../proto/proto-file.ts";
import { type Service, serverStream, unary } from "../server/service.ts";

const ServingStatus: EnumType = {
  name: "grpc.health.v1.HealthCheckResponse.ServingStatus",
  values: { UNKNOWN: 0, SERVING: 1, NOT_SERVING: 2, SERVICE_UNKNOWN: 3 },
  json: "name",
};

export const HealthCheckRequest = defineMessage<{ service: string }>(
  "grpc.health.v1.HealthCheckRequest",
  [scalarField(1, "service", "string")],
);
export const HealthCheckResponse = defineMessage<{ status: number }>(
  "grpc.health.v1.HealthCheckResponse",
  [enumField(1, "status", ServingStatus)],
);
const HealthListRequest = defineMessage<object>("grpc.health.v1.HealthListRequest", []);
const HealthListResponse = defineMessage<{ statuses: Map<string, { status: number }> }>(
  "grpc.health.v1.HealthListResponse",
  [mapField(1, "statuses", () => HealthCheckResponse)],
);

export const healthFile: ProtoFile = {
  path: "grpc/health/v1/health.proto",
  package: "grpc.health.v1",
  imports: [],
  enums: [ServingStatus],
  messages: [HealthCheckRequest, HealthCheckResponse, HealthListRequest, HealthListResponse],
  services: [
    {
      name: "grpc.health.v1.Health",
      rpcs: [
        { name: "Check", request: HealthCheckRequest, response: HealthCheckResponse },
        { name: "List", request: HealthListRequest, response: HealthListResponse },
        {
          name: "Watch",
          request: HealthCheckRequest,
          response: HealthCheckResponse,
          serverStreaming: true,
        },
      ],
    },
  ],
};

/** Says whether services serve; "" is the server as a whole. Starts as not serving. */
export class Health {
  readonly #statuses = new Map<string, boolean>([["", false]]);
  readonly #watchers = new Set<() => void>();

  set(serving: boolean, service = ""): void {
    this.#statuses.set(service, serving);
    for (const wake of this.#watchers) wake();
  }

  #status(service: string): number {
    const serving = this.#statuses.get(service);
    if (serving === undefined) return 3;
    return serving ? 1 : 2;
  }

  service(): Service {
    const check = unary(async (data) => {
      const status = this.#status(HealthCheckRequest.decode(data).service);
      if (status === 3) throw new RpcError("RPC_NOT_FOUND", "unknown service");
      return HealthCheckResponse.encode({ status });
    });
    const list = unary(async () => {
      const all = [...this.#statuses.keys()].map(
        (name) => [name, { status: this.#status(name) }] as const,
      );
      return HealthListResponse.encode({ statuses: new Map(all) });
    });
    const watch = serverStream(async (data, call, sink) => {
      const { service } = HealthCheckRequest.decode(data);
      let last = -1;
      while (!call.signal.aborted) {
        const status = this.#status(service);
        if (status !== last) {
          last = status;
          await sink.send(HealthCheckResponse.encode({ status }));
        }
        await this.#changed(call.signal);
      }
    });
    return { name: "grpc.health.v1.Health", methods: { Check: check, List: list, Watch: watch } };
  }

  #changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#watchers.delete(wake);
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#watchers.add(wake);
      signal.addEventListener("abort", wake);
      if (signal.aborted) wake();
    });
  }
}
