// How a remote-write target is told who sends: headers made for each request.
import { type HttpClientOptions, httpClientDefaults } from "../../../prometheus/http-client.ts";

/** A request that is about to be sent by POST. Names of headers are in lower case. */
export interface OutgoingRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

export interface Authorizer {
  /** Headers to be added to the request. Throws RULE_AUTH, or the signal's reason. */
  authorize(
    request: OutgoingRequest,
    signal: AbortSignal,
  ): Promise<Readonly<Record<string, string>>>;
  /** Ends connections to those who give tokens. */
  close(): void;
}

export interface AuthorizerDeps {
  readonly now: () => number;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly userAgent: string;
}

/** For those who give tokens: no more than the user agent is known of them. */
export function plainClient({ userAgent }: Pick<AuthorizerDeps, "userAgent">): HttpClientOptions {
  return { ...httpClientDefaults, userAgent };
}
