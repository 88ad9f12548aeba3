// The `azuread` section, with the keys and checks of Prometheus.
import { AppError } from "../../../errors.ts";
import { fieldsOf, textField } from "../../clients/yaml-fields.ts";

export type AzureCloud = "AzurePublic" | "AzureGovernment" | "AzureChina";

/** Who asks for tokens. */
export type AzureIdentity =
  | { readonly kind: "managed"; readonly client: string }
  | {
      readonly kind: "workload";
      readonly client: string;
      readonly tenant: string;
      readonly tokenFile: string;
    }
  | {
      readonly kind: "oauth";
      readonly client: string;
      readonly secret: string;
      readonly tenant: string;
    }
  | { readonly kind: "sdk"; readonly tenant: string };

export interface AzureOptions {
  readonly cloud: AzureCloud;
  readonly scope: string;
  readonly identity: AzureIdentity;
}

const scopes: Readonly<Record<AzureCloud, string>> = {
  AzurePublic: "https://monitor.azure.com//.default",
  AzureGovernment: "https://monitor.azure.us//.default",
  AzureChina: "https://monitor.azure.cn//.default",
};

const methods = ["managed_identity", "workload_identity", "oauth", "sdk"] as const;
const uuid = /^[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}$/i;
const tenantText = /^[0-9a-zA-Z.-]+$/;

function fail(where: string, reason: string): never {
  throw new AppError("APP_CONFIG", `${where}: ${reason}`);
}

function cloudOf(text: string, where: string): AzureCloud {
  if (text === "") return "AzurePublic";
  if (Object.hasOwn(scopes, text)) return text as AzureCloud;
  return fail(where, "must provide a cloud in the Azure AD config");
}

function identityOf(
  method: (typeof methods)[number],
  value: unknown,
  where: string,
): AzureIdentity {
  const keys: Record<typeof method, readonly string[]> = {
    managed_identity: ["client_id"],
    workload_identity: ["client_id", "tenant_id", "token_file_path"],
    oauth: ["client_id", "client_secret", "tenant_id"],
    sdk: ["tenant_id"],
  };
  const fields = fieldsOf(value, where, keys[method]);
  const text = (key: string): string => textField(fields[key], `${where}.${key}`);
  const required = (key: string, form?: RegExp): string => {
    const found = text(key);
    if (found === "") fail(where, `must provide ${key} in the Azure AD config`);
    if (form?.test(found) === false) fail(where, `the provided ${key} is invalid`);
    return found;
  };
  switch (method) {
    case "managed_identity":
      return { kind: "managed", client: text("client_id") && required("client_id", uuid) };
    case "workload_identity":
      return {
        kind: "workload",
        client: required("client_id", uuid),
        tenant: required("tenant_id", uuid),
        tokenFile: text("token_file_path"),
      };
    case "oauth":
      return {
        kind: "oauth",
        client: required("client_id", uuid),
        secret: required("client_secret"),
        tenant: required("tenant_id", tenantText),
      };
    case "sdk":
      return { kind: "sdk", tenant: text("tenant_id") && required("tenant_id", tenantText) };
  }
}

/** Throws APP_CONFIG. */
export function readAzureAd(value: unknown, where: string): AzureOptions {
  const fields = fieldsOf(value, where, [...methods, "cloud", "scope"]);
  const cloud = cloudOf(textField(fields.cloud, `${where}.cloud`), where);
  // A section without any key is one, too: `sdk: {}`.
  const [method, second] = methods.filter(
    (name) => fields[name] !== undefined && fields[name] !== null,
  );
  if (method === undefined) {
    return fail(
      where,
      "must provide an Azure Managed Identity, Azure Workload Identity, Azure OAuth or Azure SDK in the Azure AD config",
    );
  }
  if (second !== undefined) {
    return fail(where, "cannot provide multiple authentication methods in the Azure AD config");
  }
  const scope = textField(fields.scope, `${where}.scope`);
  if (scope !== "" && !/^[\w\s:/.-]+$/.test(scope)) {
    return fail(where, "the provided scope contains invalid characters");
  }
  const identity = identityOf(method, fields[method], `${where}.${method}`);
  return { cloud, scope: scope || scopes[cloud], identity };
}
