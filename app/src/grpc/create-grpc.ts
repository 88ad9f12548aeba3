// Makes the gRPC server of a component: health, reflection, metrics, TLS, and its life in the run group.
import { messageOf } from "@deucalion/base";
import { GrpcServer, Health, healthFile, reflectionServices, type Service } from "@deucalion/rpc";
import { protoFiles } from "@deucalion/storeapi";
import { AppError } from "../errors.ts";
import type { AppProcess } from "../process/app-process.ts";
import type { Prober } from "../process/prober.ts";
import type { Actor } from "../process/run-group.ts";
import type { GrpcServerOptions } from "../process/service-options.ts";
import { grpcMetrics } from "./grpc-metrics.ts";
import { serverTls } from "./grpc-tls.ts";
import { serverTraces } from "./grpc-traces.ts";

/** A component's gRPC server. Add `actor` to the run group; it listens when the group runs. */
export interface GrpcService {
  readonly actor: Actor;
  /** host:port that was taken; "" before the actor runs. */
  readonly address: () => string;
}

/**
 * Makes the server; nothing listens yet. Health follows the prober. `startWhen` holds listening back, for components
 * that must know something first. Throws APP_CONFIG for certificates that cannot be read.
 */
export function createGrpc(
  app: AppProcess,
  options: GrpcServerOptions,
  prober: Prober,
  services: readonly Service[],
  startWhen: Promise<void> = Promise.resolve(),
): GrpcService {
  const log = app.log.with({ service: "gRPC/server", component: app.component });
  const health = new Health();
  prober.onReady((ready) => health.set(ready));
  let server: GrpcServer;
  try {
    server = new GrpcServer(
      {
        tls: options.tls === null ? null : serverTls(options.tls),
        connectionAgeMaxMs: options.maxConnectionAgeMs,
      },
      {
        interceptors: [
          grpcMetrics(app.registry, log),
          ...(app.tracer.enabled ? [serverTraces(app.tracer)] : []),
        ],
        warn: (message, error) => log.debug(message, { err: messageOf(error) }),
      },
    );
  } catch (error) {
    throw new AppError(
      "APP_CONFIG",
      `setup gRPC server: ${messageOf(error)}`,
      {},
      { cause: error },
    );
  }
  for (const service of [...services, health.service()]) server.add(service);
  for (const service of reflectionServices(() => server.serviceNames, [...protoFiles, healthFile]))
    server.add(service);
  return grpcActor(server, options, log, startWhen);
}

function grpcActor(
  server: GrpcServer,
  options: GrpcServerOptions,
  log: AppProcess["log"],
  startWhen: Promise<void>,
): GrpcService {
  let address = "";
  let closed: () => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    closed = resolve;
  });
  let stopping = false;
  const actor: Actor = {
    name: "gRPC server",
    execute: async () => {
      await Promise.race([startWhen, done]);
      if (!stopping) {
        try {
          const bound = await server.listen(options.address);
          address = `${bound.host.includes(":") ? `[${bound.host}]` : bound.host}:${bound.port}`;
        } catch (error) {
          throw new AppError(
            "APP_LISTEN",
            `listen gRPC on address ${options.address}: ${messageOf(error)}`,
            {},
            { cause: error },
          );
        }
        log.info("listening for serving gRPC", { address });
      }
      await done;
    },
    interrupt: async (reason) => {
      stopping = true;
      log.info("internal server is shutting down", {
        err: reason === undefined ? null : messageOf(reason),
      });
      if (address !== "") await server.close(options.gracePeriodMs);
      log.info("internal server is shutdown gracefully", { err: null });
      closed();
    },
  };
  return { actor, address: () => address };
}
