// Access tokens for Google's API. The library that knows all kinds of credentials is an optional package.
import { messageOf } from "@deucalion/base";
import { requirePackages } from "../config/require-packages.ts";
import { ObjstoreError } from "../errors.ts";
import type { Authorize } from "../http/http-transport.ts";
import type { GcsOptions } from "./gcs-config.ts";

const scopes = ["https://www.googleapis.com/auth/devstorage.read_write"];

/** Throws OBJSTORE_CONFIG if the package is missing or the credentials are no JSON. */
export function gcsAuthorize(options: GcsOptions): Authorize {
  if (!options.authenticated) return () => ({});
  requirePackages("GCS", ["google-auth-library"]);
  let credentials: object | undefined;
  if (options.serviceAccount !== "") {
    try {
      credentials = JSON.parse(options.serviceAccount) as object;
    } catch (cause) {
      throw new ObjstoreError("OBJSTORE_CONFIG", "service_account is not JSON", {}, { cause });
    }
  }
  let auth: Promise<{ getAccessToken(): Promise<string | null | undefined> }> | undefined;
  const open = async () => {
    const { GoogleAuth } = await import("google-auth-library");
    return new GoogleAuth({ scopes, ...(credentials === undefined ? {} : { credentials }) });
  };
  return async () => {
    auth ??= open();
    try {
      return { authorization: `Bearer ${await (await auth).getAccessToken()}` };
    } catch (cause) {
      // Without any credentials there is nothing to wait for.
      const none = messageOf(cause).startsWith("Could not load the default credentials");
      throw new ObjstoreError(
        none ? "OBJSTORE_CONFIG" : "OBJSTORE_IO",
        `credentials of Google: ${messageOf(cause)}`,
        {},
        { cause },
      );
    }
  };
}
