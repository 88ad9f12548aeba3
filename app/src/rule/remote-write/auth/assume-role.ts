// Keys of another role, from Amazon's security token service.
import { type HttpClient, readBody } from "../../../prometheus/http-client.ts";
import { RuleError } from "../../errors.ts";
import type { AuthorizerDeps } from "./authorizer.ts";
import { type AmazonIdentity, signV4 } from "./sign-v4.ts";
import type { ExpiringIdentity, SigV4Options } from "./sigv4.ts";

/** Keys live so long. */
const lifeSeconds = 900;
const askMs = 30_000;
const answerBytesMax = 1 << 20;

function endpointOf(
  { region, fipsSts }: Pick<SigV4Options, "region" | "fipsSts">,
  env: AuthorizerDeps["env"],
): URL {
  const own = env.AWS_ENDPOINT_URL_STS ?? env.AWS_ENDPOINT_URL ?? "";
  if (own !== "") return new URL(own);
  const china = region.startsWith("cn-") ? ".cn" : "";
  return new URL(`https://sts${fipsSts ? "-fips" : ""}.${region}.amazonaws.com${china}/`);
}

/** Throws RULE_AUTH with the reason that the service gives. */
export async function assumeRole(
  client: HttpClient,
  options: Pick<SigV4Options, "region" | "fipsSts" | "roleArn" | "externalId">,
  identity: AmazonIdentity,
  { now, env }: AuthorizerDeps,
): Promise<ExpiringIdentity> {
  const url = endpointOf(options, env);
  const form = new URLSearchParams({
    Action: "AssumeRole",
    Version: "2011-06-15",
    RoleArn: options.roleArn,
    RoleSessionName: `deucalion-${now()}`,
    DurationSeconds: String(lifeSeconds),
  });
  if (options.externalId !== "") form.set("ExternalId", options.externalId);
  const body = form.toString();
  const headers = { "content-type": "application/x-www-form-urlencoded; charset=utf-8" };
  const scope = { region: options.region, service: "sts" };
  const signature = signV4({ method: "POST", url, headers, body }, scope, identity, now());
  const response = await client.send({
    method: "POST",
    url,
    headers: { ...headers, ...signature },
    body,
    signal: AbortSignal.timeout(askMs),
  });
  const text = (await readBody(response, answerBytesMax)).toString("utf8");
  const part = (name: string): string => new RegExp(`<${name}>([^<]*)<`).exec(text)?.[1] ?? "";
  const accessKeyId = part("AccessKeyId");
  if (response.statusCode !== 200 || accessKeyId === "") {
    const reason = part("Message") || part("Code") || `HTTP status ${response.statusCode}`;
    throw new RuleError("RULE_AUTH", `AssumeRole: ${reason}`, { status: 0 });
  }
  const ends = Date.parse(part("Expiration"));
  return {
    accessKeyId,
    secretAccessKey: part("SecretAccessKey"),
    sessionToken: part("SessionToken"),
    expiration: new Date(Number.isNaN(ends) ? now() + lifeSeconds * 1000 : ends),
  };
}
