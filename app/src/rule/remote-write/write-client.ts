// Requests of remote write to one target.
import { readFileSync } from "node:fs";
import type { IncomingHttpHeaders } from "node:http";
import { HttpClient, readBody } from "../../prometheus/http-client.ts";
import { withinDeadline } from "../clients/within-deadline.ts";
import { RuleError } from "../errors.ts";
import { openAuthorizer } from "./auth/auth-config.ts";
import type { Authorizer, AuthorizerDeps } from "./auth/authorizer.ts";
import { headersNow } from "./header-config.ts";
import type { RemoteWriteTarget } from "./remote-write-config.ts";
import type { WriteBatch } from "./shard-batches.ts";
import { messageHeaders, writeMessages } from "./write-message.ts";

/** Bytes of answers that are looked at. */
const answerBytesMax = 64 * 1024;

/** Version 2 has a receiver say what it stored. */
const unwrittenText =
  "got 2xx, but the headers of the response say that nothing was written: the target seems to take version 1 only";

function writtenOf(headers: IncomingHttpHeaders): number {
  let all = 0;
  for (const kind of ["samples", "histograms", "exemplars"]) {
    const count = Number(headers[`x-prometheus-remote-write-${kind}-written`] ?? 0);
    if (Number.isFinite(count)) all += count;
  }
  return all;
}

/** Seconds, or a date. */
function retryAfterOf(text: string, now: number): number {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const at = Date.parse(text);
  return Number.isNaN(at) ? 0 : Math.max(0, at - now);
}

function bearerOf({ bearerToken, bearerTokenFile }: RemoteWriteTarget["client"]): string {
  return bearerTokenFile === "" ? bearerToken : readFileSync(bearerTokenFile, "utf8").trim();
}

export class WriteClient {
  readonly #target: RemoteWriteTarget;
  readonly #now: () => number;
  readonly #client: HttpClient;
  readonly #authorizer: Authorizer | null;

  /** Throws APP_CONFIG. */
  constructor(target: RemoteWriteTarget, { now, env }: Pick<AuthorizerDeps, "now" | "env">) {
    this.#target = target;
    this.#now = now;
    const { userAgent } = target.client;
    this.#authorizer = openAuthorizer(target.auth, { now, env, userAgent });
    this.#client = new HttpClient(target.client);
  }

  /** All headers of a request. Throws RULE_AUTH. */
  async #headers(
    body: Uint8Array,
    attempt: number,
    signal: AbortSignal,
  ): Promise<Record<string, string>> {
    const { url, headers, message, scheme, client } = this.#target;
    const all: Record<string, string> = { ...headersNow(headers), ...messageHeaders(message) };
    if (attempt > 0) all["retry-attempt"] = String(attempt);
    const request = { url, headers: all, body };
    if (this.#authorizer !== null) {
      return { ...all, ...(await this.#authorizer.authorize(request, signal)) };
    }
    const token = bearerOf(client);
    return scheme === "Bearer" || token === ""
      ? all
      : { ...all, authorization: `${scheme} ${token}` };
  }

  /**
   * Sends a batch, compressed as `body`, once. Resolves to how many of its samples were not stored, as far as the target says.
   * Throws RULE_REMOTE with the status, 0 where nothing came back, RULE_AUTH, or the signal's reason.
   */
  async post(
    batch: WriteBatch,
    body: Uint8Array,
    attempt: number,
    hard: AbortSignal,
  ): Promise<number> {
    const { url, timeoutMs, message } = this.#target;
    const answer = await withinDeadline(
      hard,
      timeoutMs,
      "context deadline exceeded",
      async (signal) => {
        const headers = await this.#headers(body, attempt, signal);
        const response = await this.#client.send({ method: "POST", url, headers, body, signal });
        const text = (await readBody(response, answerBytesMax)).toString("utf8").trim();
        return { status: response.statusCode ?? 0, headers: response.headers, text };
      },
    );
    const { status, headers, text } = answer;
    if (status >= 200 && status <= 299) {
      if (message === writeMessages[0]) return 0;
      const written = writtenOf(headers);
      if (batch.samples > 0 && written === 0) {
        throw new RuleError("RULE_REMOTE", unwrittenText, { status });
      }
      return Math.max(0, batch.samples - written);
    }
    const reason = `server returned HTTP status ${status}: ${text.split("\n")[0]}`;
    const retryAfterMs = retryAfterOf(headers["retry-after"] ?? "", this.#now());
    throw new RuleError("RULE_REMOTE", reason, { status, retryAfterMs });
  }

  close(): void {
    this.#client.close();
    this.#authorizer?.close();
  }
}
