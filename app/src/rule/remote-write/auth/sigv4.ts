// The `sigv4` section: requests signed for Amazon, with keys of the section, of the environment, or of a role.
import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { messageOf } from "@deucalion/base";
import { AppError } from "../../../errors.ts";
import { HttpClient } from "../../../prometheus/http-client.ts";
import { booleanField, fieldsOf, textField } from "../../clients/yaml-fields.ts";
import { RuleError } from "../../errors.ts";
import { assumeRole } from "./assume-role.ts";
import { type Authorizer, type AuthorizerDeps, plainClient } from "./authorizer.ts";
import { ExpiringValue } from "./expiring.ts";
import { type AmazonIdentity, signV4 } from "./sign-v4.ts";

export interface SigV4Options {
  /** "" is looked for in the environment and in the profile. */
  readonly region: string;
  /** "" for both: whatever the environment gives. */
  readonly accessKey: string;
  readonly secretKey: string;
  readonly profile: string;
  readonly roleArn: string;
  readonly externalId: string;
  readonly fipsSts: boolean;
  readonly service: string;
}

const keys = [
  "region",
  "access_key",
  "secret_key",
  "profile",
  "role_arn",
  "external_id",
  "use_fips_sts_endpoint",
  "service_name",
];

/** Keys are renewed so long before they end. */
const spareMs = 30_000;

/** Keys that may end. */
export interface ExpiringIdentity extends AmazonIdentity {
  readonly expiration?: Date | undefined;
}

function fail(where: string, reason: string): never {
  throw new AppError("APP_CONFIG", `${where}: ${reason}`);
}

/** Throws APP_CONFIG. */
export function readSigV4(value: unknown, where: string): SigV4Options {
  const fields = fieldsOf(value, where, keys);
  const text = (key: string): string => textField(fields[key], `${where}.${key}`);
  const options: SigV4Options = {
    region: text("region"),
    accessKey: text("access_key"),
    secretKey: text("secret_key"),
    profile: text("profile"),
    roleArn: text("role_arn"),
    externalId: text("external_id"),
    fipsSts: booleanField(fields.use_fips_sts_endpoint, `${where}.use_fips_sts_endpoint`, false),
    service: text("service_name") || "aps",
  };
  if ((options.accessKey === "") !== (options.secretKey === "")) {
    fail(
      where,
      "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config",
    );
  }
  if (options.externalId !== "" && options.roleArn === "") {
    fail(where, "external_id can only be used with role_arn");
  }
  return options;
}

/** The region that the profile of the shared configuration names; "" for none. */
function regionOfProfile(profile: string, env: AuthorizerDeps["env"]): string {
  const file = env.AWS_CONFIG_FILE ?? join(homedir(), ".aws", "config");
  let text = "";
  try {
    text = readFileSync(file, "utf8");
  } catch {
    // Most have none.
    return "";
  }
  let section = "";
  for (const line of text.split(/\r?\n/)) {
    section = /^\s*\[\s*(?:profile\s+)?([^\]]+?)\s*\]/.exec(line)?.[1] ?? section;
    const region = section === profile ? /^\s*region\s*=\s*(\S+)/.exec(line)?.[1] : undefined;
    if (region !== undefined) return region;
  }
  return "";
}

function regionOf({ region, profile }: SigV4Options, env: AuthorizerDeps["env"]): string {
  if (region !== "") return region;
  const named = env.AWS_REGION ?? env.AWS_DEFAULT_REGION ?? "";
  return named || regionOfProfile(profile || env.AWS_PROFILE || "default", env);
}

/** What the environment gives: variables, files, a container's or a machine's role. */
async function environmentIdentity(profile: string): Promise<ExpiringIdentity> {
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
  const fresh = { ignoreCache: true };
  return defaultProvider(profile === "" ? fresh : { ...fresh, profile })();
}

/** Throws APP_CONFIG where the package that looks for keys is needed and missing, or no region is known. */
export function sigv4Authorizer(options: SigV4Options, deps: AuthorizerDeps): Authorizer {
  const { now, env } = deps;
  const { accessKey, secretKey, service, roleArn, profile } = options;
  const region = regionOf(options, env);
  if (region === "") {
    fail("sigv4", "region not configured in sigv4 or in default credentials chain");
  }
  if (accessKey === "") {
    try {
      import.meta.resolve("@aws-sdk/credential-provider-node");
    } catch {
      fail("sigv4", 'keys of the environment need "npm install @aws-sdk/credential-provider-node"');
    }
  }
  const base = (): Promise<ExpiringIdentity> =>
    accessKey === ""
      ? environmentIdentity(profile)
      : Promise.resolve({ accessKeyId: accessKey, secretAccessKey: secretKey });
  const client = new HttpClient(plainClient(deps));
  const identities = new ExpiringValue<AmazonIdentity>(async () => {
    const role = { ...options, region };
    const found =
      roleArn === "" ? await base() : await assumeRole(client, role, await base(), deps);
    const endMs = found.expiration?.getTime() ?? Number.POSITIVE_INFINITY;
    return { value: found, renewAtMs: endMs - spareMs };
  }, now);
  return {
    authorize: async ({ url, headers, body }, signal) => {
      let identity: AmazonIdentity;
      try {
        identity = await identities.get(signal);
      } catch (cause) {
        signal.throwIfAborted();
        const text = `could not get SigV4 credentials: ${messageOf(cause)}`;
        throw new RuleError("RULE_AUTH", text, { status: 0 }, { cause });
      }
      return signV4({ method: "POST", url, headers, body }, { region, service }, identity, now());
    },
    close: () => client.close(),
  };
}
