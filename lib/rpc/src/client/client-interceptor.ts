// Where metrics and traces hook into the calls of a client.
import type { GrpcStatus } from "../status.ts";

/** Hooks of metrics and traces; each call gets an observer of its own. */
export type ClientInterceptor = (call: {
  readonly service: string;
  readonly method: string;
  /** `unary` or `server_stream`: the `grpc_type` label. */
  readonly type: "unary" | "server_stream";
}) => ClientCallObserver;

export interface ClientCallObserver {
  /** Sent along with the request. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** The request was sent. */
  sent(): void;
  /** So many messages have come. */
  received(messages: number): void;
  /** Called once. What the caller gave up counts as cancelled. */
  done(outcome: { readonly status: GrpcStatus; readonly seconds: number }): void;
}

/** An observer of one call, or null where nobody looks. `path` is `/package.Service/Method`. */
export function observeCall(
  intercept: ClientInterceptor | null,
  path: string,
  unary: boolean,
): ClientCallObserver | null {
  if (intercept === null) return null;
  const slash = path.lastIndexOf("/");
  return intercept({
    service: path.slice(1, slash),
    method: path.slice(slash + 1),
    type: unary ? "unary" : "server_stream",
  });
}
