// Makes the client of the AWS SDK that the settings describe. The SDK is an optional package, loaded when it is needed.
import type { S3Client, S3ClientConfig } from "@aws-sdk/client-s3";
import type { Log } from "@deucalion/base";
import type { Agents } from "../http/agents.ts";
import type { S3Options } from "./s3-config.ts";
import { authorizationV2, type SignedRequest, stringToSignV2 } from "./sign-v2.ts";

export type S3Sdk = typeof import("@aws-sdk/client-s3");

/** Names of the packages that S3 and its relatives need. */
export const s3Packages = ["@aws-sdk/client-s3", "@aws-sdk/credential-provider-node"] as const;

export interface S3ClientDeps {
  readonly agents: Agents;
  /** Name of the component, for the user agent. */
  readonly component: string;
  readonly log: Log;
}

export async function createS3Client(
  options: S3Options,
  deps: S3ClientDeps,
): Promise<{ sdk: S3Sdk; client: S3Client }> {
  // The SDK's version is pinned: what it says of Node's future helps no user.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";
  const sdk = await import("@aws-sdk/client-s3");
  const credentials = await credentialsOf(options);
  const config: S3ClientConfig = {
    region: options.region || "us-east-1",
    followRegionRedirects: true,
    forcePathStyle: options.pathStyle,
    bucketEndpoint: options.endpointIsBucket,
    credentials,
    maxAttempts: options.attemptsMax,
    retryMode: "standard",
    // Others than Amazon do not know the younger checksums; MD5 is sent by us.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    customUserAgent: [[`thanos-${deps.component}`, "deucalion"]],
    requestHandler: {
      httpAgent: deps.agents.http,
      httpsAgent: deps.agents.https,
      connectionTimeout: 30_000,
      socketTimeout: options.http.responseHeaderTimeoutMs,
      socketAcquisitionWarningTimeout: 1 << 30,
    },
    logger: {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: () => undefined,
    },
    ...(options.endpoint === "" ? { useDualstackEndpoint: options.dualstack } : {}),
    ...(options.endpoint === "" || options.endpointIsBucket ? {} : { endpoint: options.endpoint }),
  };
  const client = new sdk.S3Client(
    options.signatureV2 ? { ...config, signer: signerV2(options, credentials) } : config,
  );
  if (options.trace) traceRequests(client, deps.log);
  return { sdk, client };
}

type Credentials = NonNullable<S3ClientConfig["credentials"]>;
type Identity = { accessKeyId: string; secretAccessKey: string; sessionToken?: string };

/** Keys of the settings as who signs. */
export function staticIdentity({
  id,
  secret,
  token,
}: Extract<S3Options["credentials"], { kind: "static" }>): Identity {
  return {
    accessKeyId: id,
    secretAccessKey: secret,
    ...(token === "" ? {} : { sessionToken: token }),
  };
}

async function credentialsOf(options: S3Options): Promise<Credentials> {
  const { credentials } = options;
  if (credentials.kind === "static") return staticIdentity(credentials);
  const { defaultProvider } = await import("@aws-sdk/credential-provider-node");
  // Files that changed since an earlier client read them must be read again.
  const fresh = { ignoreCache: true };
  return credentials.stsEndpoint === ""
    ? defaultProvider(fresh)
    : defaultProvider({ ...fresh, clientConfig: { endpoint: credentials.stsEndpoint } });
}

function signerV2(
  options: S3Options,
  credentials: Credentials,
): NonNullable<S3ClientConfig["signer"]> {
  const sign = async (request: unknown): Promise<unknown> => {
    const signed = request as SignedRequest & { headers: Record<string, string> };
    const identity = (
      typeof credentials === "function" ? await credentials() : credentials
    ) as Identity;
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(signed.headers)) {
      // What only the younger signature knows would be refused.
      if (name.toLowerCase() !== "x-amz-content-sha256") headers[name.toLowerCase()] = value;
    }
    headers.date = new Date().toUTCString();
    delete headers["x-amz-date"];
    if (identity.sessionToken !== undefined)
      headers["x-amz-security-token"] = identity.sessionToken;
    const bucket = options.pathStyle || options.endpointIsBucket ? "" : options.bucket;
    const text = stringToSignV2({ ...signed, headers }, bucket);
    headers.authorization = authorizationV2(identity.accessKeyId, identity.secretAccessKey, text);
    signed.headers = headers;
    return signed;
  };
  return { sign } as unknown as NonNullable<S3ClientConfig["signer"]>;
}

function traceRequests(client: S3Client, log: Log): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const { method, path, query } = args.request as {
        method: string;
        path: string;
        query: Record<string, string>;
      };
      const begun = performance.now();
      const result = await next(args);
      const { statusCode } = result.response as { statusCode: number };
      const ms = Math.round(performance.now() - begun);
      log.debug("s3 request", { method, path, query, status: statusCode, ms });
      return result;
    },
    { step: "deserialize", name: "deucalionTrace", priority: "low" },
  );
}
