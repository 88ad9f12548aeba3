// Asks queriers over HTTP, one after the other until one answers.
import type { IncomingMessage } from "node:http";
import { type Log, messageOf } from "@deucalion/base";
import { RulesError } from "@deucalion/rules";
import { type HttpCall, type HttpClient, readBody } from "../../prometheus/http-client.ts";
import type { HttpTargets } from "../clients/http-targets.ts";
import { withinDeadline } from "../clients/within-deadline.ts";
import type { ApiEnvelope } from "./answer-json.ts";

/** Largest answer that is read. */
const answerBytesMax = 256 * 1024 * 1024;
/** A querier that has not answered by then is given up; its own limit is shorter. */
const answerMs = 150_000;
/** A querier that could not be reached is asked after all others for so long. */
const avoidMs = 10_000;

export interface HttpQueriersDeps {
  readonly method: "GET" | "POST";
  readonly targets: readonly HttpTargets[];
  readonly send: (client: HttpClient, call: HttpCall) => Promise<IncomingMessage>;
  readonly log: Log;
  readonly now: () => number;
  /** In [0, 1). */
  readonly random: () => number;
  /** An address is there twice. */
  readonly duplicate: () => void;
}

interface Querier {
  readonly base: URL;
  readonly targets: HttpTargets;
}

/** An answer, or what the last querier that could be reached says against the query. */
export type Asked =
  | { readonly envelope: ApiEnvelope }
  | { readonly envelope: null; readonly refused: RulesError | null };

/** Queriers of all sections, asked in an order by chance; those that did not answer come last. */
export class HttpQueriers {
  readonly #deps: HttpQueriersDeps;
  readonly #avoidUntil = new Map<string, number>();
  #lists: readonly (readonly URL[])[] = [];
  #queriers: readonly Querier[] = [];

  constructor(deps: HttpQueriersDeps) {
    this.#deps = deps;
  }

  /** Every known querier once; made anew when an endpoint comes or goes. */
  #known(): readonly Querier[] {
    const { targets, log, duplicate } = this.#deps;
    const lists = targets.map((one) => one.urls());
    const same =
      lists.length === this.#lists.length && lists.every((list, i) => list === this.#lists[i]);
    if (same) return this.#queriers;
    this.#lists = lists;
    const seen = new Set<string>();
    this.#queriers = targets.flatMap((one, i) =>
      lists[i]!.flatMap((base) => {
        if (seen.has(base.href)) {
          log.warn("duplicate query address is provided", { addr: base.href });
          duplicate();
          return [];
        }
        seen.add(base.href);
        return [{ base, targets: one }];
      }),
    );
    return this.#queriers;
  }

  #order(): Querier[] {
    const { now, random } = this.#deps;
    const order = [...this.#known()];
    for (let i = order.length - 1; i > 0; i--) {
      const j = Math.floor(random() * (i + 1));
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    if (this.#avoidUntil.size === 0) return order;
    const at = now();
    const avoided = ({ base }: Querier): number =>
      (this.#avoidUntil.get(base.href) ?? 0) > at ? 1 : 0;
    return order.sort((a, b) => avoided(a) - avoided(b));
  }

  /** Asks until one answers with a success. */
  async ask(path: string, params: URLSearchParams, signal: AbortSignal): Promise<Asked> {
    const { log, now } = this.#deps;
    let refused: RulesError | null = null;
    for (const { base, targets } of this.#order()) {
      signal.throwIfAborted();
      const fields = { addr: base.host, query: params.get("query") };
      try {
        const { status, envelope } = await this.#send(targets, base, path, params, signal);
        this.#avoidUntil.delete(base.href);
        if (envelope.status === "success") return { envelope };
        refused = refusal(status, envelope);
        log.error("a querier does not answer a query", { err: refused.message, ...fields });
        // What one querier cannot parse none can.
        if (status === 400) break;
      } catch (error) {
        signal.throwIfAborted();
        this.#avoidUntil.set(base.href, now() + avoidMs);
        log.error("a querier cannot be reached", { err: messageOf(error), ...fields });
      }
    }
    return { envelope: null, refused };
  }

  #send(
    targets: HttpTargets,
    base: URL,
    path: string,
    params: URLSearchParams,
    signal: AbortSignal,
  ): Promise<{ readonly status: number; readonly envelope: ApiEnvelope }> {
    const { method, send } = this.#deps;
    const post = method === "POST";
    const text = params.toString();
    const url = new URL(base);
    url.pathname = `${url.pathname.replace(/\/$/, "")}${path}`;
    if (!post) url.search = text;
    return withinDeadline(signal, answerMs, "the querier does not answer", async (limited) => {
      const response = await send(targets.client, {
        method,
        url,
        headers: post ? { "content-type": "application/x-www-form-urlencoded" } : {},
        ...(post ? { body: text } : {}),
        signal: limited,
      });
      return { status: response.statusCode ?? 0, envelope: await envelopeOf(response) };
    });
  }
}

async function envelopeOf(response: IncomingMessage): Promise<ApiEnvelope> {
  const text = (await readBody(response, answerBytesMax)).toString("utf8");
  try {
    const json: unknown = JSON.parse(text);
    if (typeof json === "object" && json !== null) return json;
  } catch {
    // A proxy in between answers as it likes.
  }
  const errorType = `status ${response.statusCode ?? 0}`;
  return { status: "error", errorType, error: text.slice(0, 500) };
}

/** Stores that are missing make an execution fail, too, where nothing may be missing. */
const missing = /store|endpoint|unavailable|connect|deadline|timeout|timed out|EOF|partial/i;

function refusal(status: number, { errorType, error }: ApiEnvelope): RulesError {
  const type = String(errorType ?? `status ${status}`);
  const text = String(error ?? "");
  const lasting = type === "bad_data" || (type === "execution" && !missing.test(text));
  const code = lasting ? "RULES_QUERY" : "RULES_UNAVAILABLE";
  return new RulesError(code, `${type}: ${text}`, { status });
}
