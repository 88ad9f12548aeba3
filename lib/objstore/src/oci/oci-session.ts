// Keys for a while, of machines and workloads in Oracle's cloud: a key pair made here, and a token that speaks for it.
import { generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { ObjstoreError } from "../errors.ts";
import type { OciSigningKey } from "./oci-sign.ts";

const makePair = promisify(generateKeyPair);
/** Clocks may differ by this much. */
const marginMs = 300_000;

interface Session extends OciSigningKey {
  readonly renewMs: number;
  readonly untilMs: number;
}

/** Times of a token, in ms. Throws OBJSTORE_IO if it is none. */
function timesOf(token: string): { readonly fromMs: number; readonly untilMs: number } {
  try {
    const text = Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8");
    const { iat, exp } = JSON.parse(text) as { iat?: unknown; exp?: unknown };
    if (typeof exp === "number") {
      const untilMs = exp * 1000;
      return { fromMs: typeof iat === "number" ? iat * 1000 : untilMs, untilMs };
    }
  } catch {
    // Said below.
  }
  throw new ObjstoreError("OBJSTORE_IO", "the security token of OCI cannot be read");
}

/** Gives the key of the present session; makes the next one at half of its life, and keeps the old one while that fails. */
export class OciSessions {
  readonly #askToken: (publicKey: KeyObject) => Promise<string>;
  readonly #now: () => number;
  #session: Session | undefined;
  #renewing: Promise<Session> | undefined;

  /** `askToken` has the public key certified. */
  constructor(askToken: (publicKey: KeyObject) => Promise<string>, now: () => number) {
    this.#askToken = askToken;
    this.#now = now;
  }

  async #open(): Promise<Session> {
    const { publicKey, privateKey } = await makePair("rsa", { modulusLength: 2048 });
    const token = await this.#askToken(publicKey);
    const { fromMs, untilMs } = timesOf(token);
    const half = fromMs + (untilMs - fromMs) / 2;
    const renewMs = Math.min(half, untilMs - marginMs);
    return { keyId: `ST$${token}`, key: privateKey, renewMs, untilMs };
  }

  async key(): Promise<OciSigningKey> {
    const session = this.#session;
    if (session !== undefined && this.#now() < session.renewMs) return session;
    this.#renewing ??= this.#open().finally(() => {
      this.#renewing = undefined;
    });
    try {
      this.#session = await this.#renewing;
      return this.#session;
    } catch (error) {
      if (session !== undefined && this.#now() < session.untilMs) return session;
      throw error;
    }
  }
}
