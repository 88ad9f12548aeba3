// With which key requests to OCI are signed, and where they go: as settings say, or as the machine finds out.
import { endpointOf, type OciOptions } from "./oci-config.ts";
import { OciInstance, OciWorkload } from "./oci-principals.ts";
import { OciSessions } from "./oci-session.ts";
import { type OciSigningKey, ociSigningKey } from "./oci-sign.ts";

export interface OciIdentity {
  readonly key: () => OciSigningKey | Promise<OciSigningKey>;
  readonly endpoint: () => string | Promise<string>;
  readonly close: () => void;
}

/** Nothing is asked before it is needed. Throws OBJSTORE_CONFIG for a bad key. */
export function openIdentity(
  { key, endpoint, http }: Pick<OciOptions, "key" | "endpoint" | "http">,
  now: () => number,
): OciIdentity {
  if (key.kind === "key") {
    const signing = ociSigningKey(key);
    return { key: () => signing, endpoint: () => endpoint, close: () => undefined };
  }
  if (key.kind === "workload") {
    const workload = new OciWorkload(key, http);
    const sessions = new OciSessions((publicKey) => workload.token(publicKey), now);
    const close = (): void => workload.close();
    return { key: () => sessions.key(), endpoint: () => endpoint, close };
  }
  const instance = new OciInstance(key, http, now);
  const sessions = new OciSessions((publicKey) => instance.token(publicKey), now);
  return {
    key: () => sessions.key(),
    endpoint: async () => endpoint || endpointOf(await instance.region()),
    close: () => instance.close(),
  };
}
