// Which files beside the configuration a bucket's settings are read from, and whether they have changed.
import { statSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import type { BucketConfig } from "./bucket-config.ts";

type Env = Readonly<Record<string, string | undefined>>;

/** Paths that `openBucket`, or a library behind it, reads keys from. They need not exist. */
export function credentialFiles(
  { type, config }: BucketConfig,
  env: Env = process.env,
  home: string = homedir(),
): string[] {
  switch (type) {
    case "S3": {
      const files: string[] = [];
      const encryption = config.sse_config as { encryption_key?: unknown } | null | undefined;
      if (typeof encryption?.encryption_key === "string") files.push(encryption.encryption_key);
      if (config.access_key !== undefined && config.access_key !== "") return files;
      files.push(env.AWS_SHARED_CREDENTIALS_FILE ?? join(home, ".aws", "credentials"));
      files.push(env.AWS_CONFIG_FILE ?? join(home, ".aws", "config"));
      return files;
    }
    case "GCS": {
      if (typeof config.service_account === "string" && config.service_account !== "") return [];
      const own = join(home, ".config", "gcloud", "application_default_credentials.json");
      return [env.GOOGLE_APPLICATION_CREDENTIALS ?? own];
    }
    case "OCI": {
      if (String(config.provider ?? "default").toLowerCase() !== "default") return [];
      return [env.OCI_CONFIG_FILE ?? join(home, ".oci", "config")];
    }
    default:
      return [];
  }
}

/** A text that differs when one of the files was written, came, or went. */
export function filesStamp(paths: readonly string[]): string {
  return paths
    .map((path) => {
      const found = statSync(path, { throwIfNoEntry: false, bigint: true });
      return found === undefined ? "-" : `${found.mtimeNs}:${found.size}:${found.ino}`;
    })
    .join(" ");
}
