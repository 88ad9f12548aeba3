// Logs in to OpenStack and finds where its objects are.
import { messageOf } from "@deucalion/base";
import { ObjstoreError } from "../errors.ts";
import { type HttpTransport, readText, type StoreResponse } from "../http/http-transport.ts";
import type { SwiftOptions } from "./swift-config.ts";

export interface SwiftSession {
  readonly token: string;
  /** URL of the account, without a slash at the end. */
  readonly storageUrl: string;
}

type Json = Readonly<Record<string, unknown>>;

/** Leaves out what is "". */
function named(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== "" && value !== undefined),
  );
}

/** Asks for a token. Throws OBJSTORE_IO. */
export async function logIn(
  options: SwiftOptions,
  transport: HttpTransport,
  signal: AbortSignal,
): Promise<SwiftSession> {
  try {
    if (options.authVersion === 1) return await logInV1(options, transport, signal);
    return options.authVersion === 2
      ? await logInV2(options, transport, signal)
      : await logInV3(options, transport, signal);
  } catch (cause) {
    signal.throwIfAborted();
    throw new ObjstoreError("OBJSTORE_IO", `authentication: ${messageOf(cause)}`, {}, { cause });
  }
}

async function logInV1(
  { authUrl, user }: SwiftOptions,
  transport: HttpTransport,
  signal: AbortSignal,
): Promise<SwiftSession> {
  const headers = { "x-auth-user": user.name, "x-auth-key": user.password };
  const response = await transport.send({ method: "GET", url: new URL(authUrl), headers, signal });
  response.body.resume();
  return sessionOf(header(response, "x-auth-token"), header(response, "x-storage-url"));
}

async function post(url: string, body: Json, transport: HttpTransport, signal: AbortSignal) {
  const response = await transport.send({
    method: "POST",
    url: new URL(url),
    headers: { "content-type": "application/json", accept: "application/json" },
    body: new TextEncoder().encode(JSON.stringify(body)),
    signal,
  });
  const text = await readText(response);
  if (response.status >= 300) throw new Error(`answered ${response.status}: ${text.slice(0, 300)}`);
  return { response, answer: JSON.parse(text) as Json };
}

async function logInV2(
  options: SwiftOptions,
  transport: HttpTransport,
  signal: AbortSignal,
): Promise<SwiftSession> {
  const { authUrl, user, project, region } = options;
  const auth = {
    passwordCredentials: { username: user.name, password: user.password },
    ...named({ tenantId: project.id, tenantName: project.name }),
  };
  const { answer } = await post(`${authUrl}/tokens`, { auth }, transport, signal);
  const access = answer.access as {
    token: { id: string };
    serviceCatalog: { type: string; endpoints: { region?: string; publicURL: string }[] }[];
  };
  const endpoint = access.serviceCatalog
    .filter(({ type }) => type === "object-store")
    .flatMap(({ endpoints }) => endpoints)
    .find((one) => region === "" || one.region === region);
  return sessionOf(access.token.id, endpoint?.publicURL ?? "");
}

function identityV3({ user, domain, applicationCredential: own }: SwiftOptions): Json {
  const userDomain = named({ id: domain.id, name: domain.id === "" ? domain.name : "" });
  const who =
    user.id !== ""
      ? { id: user.id }
      : {
          name: user.name,
          ...(Object.keys(userDomain).length === 0 ? {} : { domain: userDomain }),
        };
  if (own.secret !== "") {
    const credential = own.id !== "" ? { id: own.id } : { name: own.name, user: who };
    return {
      methods: ["application_credential"],
      application_credential: { ...credential, secret: own.secret },
    };
  }
  return { methods: ["password"], password: { user: { ...who, password: user.password } } };
}

async function logInV3(
  options: SwiftOptions,
  transport: HttpTransport,
  signal: AbortSignal,
): Promise<SwiftSession> {
  const { authUrl, project, domain, region, applicationCredential } = options;
  const projectDomain = named({
    id: project.domainId || domain.id,
    name: project.domainId || domain.id ? "" : project.domainName || domain.name,
  });
  const scope =
    applicationCredential.secret !== "" || (project.id === "" && project.name === "")
      ? {}
      : {
          scope: {
            project:
              project.id !== ""
                ? { id: project.id }
                : { name: project.name, domain: projectDomain },
          },
        };
  const auth = { identity: identityV3(options), ...scope };
  const { response, answer } = await post(`${authUrl}/auth/tokens`, { auth }, transport, signal);
  const token = answer.token as {
    catalog?: {
      type: string;
      endpoints: { interface: string; region?: string; region_id?: string; url: string }[];
    }[];
  };
  const endpoint = (token.catalog ?? [])
    .filter(({ type }) => type === "object-store")
    .flatMap(({ endpoints }) => endpoints)
    .find(
      (one) =>
        one.interface === "public" &&
        (region === "" || one.region === region || one.region_id === region),
    );
  return sessionOf(header(response, "x-subject-token"), endpoint?.url ?? "");
}

function header(response: StoreResponse, name: string): string {
  const value = response.headers[name];
  return typeof value === "string" ? value : "";
}

function sessionOf(token: string, storageUrl: string): SwiftSession {
  if (token === "") throw new Error("no token was given; are user and password right?");
  if (storageUrl === "") throw new Error("the catalog has no object store in this region");
  return { token, storageUrl: storageUrl.replace(/\/+$/, "") };
}
