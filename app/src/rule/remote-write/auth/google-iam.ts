// The `google_iam` section: tokens for Google Cloud Monitoring, by an optional package that knows all kinds of credentials.
import { messageOf } from "@deucalion/base";
import { AppError } from "../../../errors.ts";
import { fieldsOf, textField } from "../../clients/yaml-fields.ts";
import { RuleError } from "../../errors.ts";
import type { Authorizer } from "./authorizer.ts";

export interface GoogleOptions {
  /** "" for the default credentials of the place. */
  readonly credentialsFile: string;
}

const scopes = ["https://www.googleapis.com/auth/monitoring.write"];

/** Throws APP_CONFIG. */
export function readGoogleIam(value: unknown, where: string): GoogleOptions {
  const fields = fieldsOf(value, where, ["credentials_file"]);
  return { credentialsFile: textField(fields.credentials_file, `${where}.credentials_file`) };
}

interface Tokens {
  getAccessToken(): Promise<string | null | undefined>;
}

async function openTokens(keyFilename: string): Promise<Tokens> {
  const { GoogleAuth } = await import("google-auth-library");
  return new GoogleAuth({ scopes, ...(keyFilename === "" ? {} : { keyFilename }) });
}

/** The package keeps tokens, and renews them. Throws APP_CONFIG where it is missing. */
export function googleAuthorizer({ credentialsFile }: GoogleOptions): Authorizer {
  try {
    import.meta.resolve("google-auth-library");
  } catch {
    const text = 'google_iam needs "npm install google-auth-library" where Deucalion is installed';
    throw new AppError("APP_CONFIG", text);
  }
  let tokens: Promise<Tokens> | undefined;
  return {
    authorize: async (_request, signal) => {
      signal.throwIfAborted();
      tokens ??= openTokens(credentialsFile);
      try {
        return { authorization: `Bearer ${await (await tokens).getAccessToken()}` };
      } catch (cause) {
        const text = `no access token of Google: ${messageOf(cause)}`;
        throw new RuleError("RULE_AUTH", text, { status: 0 }, { cause });
      }
    },
    close: () => undefined,
  };
}
