// The answer of JSON APIs: {"status", "data", "errorType", "error", "warnings"}.
import { messageOf } from "@deucalion/base";
import type { Exchange } from "../exchange.ts";
import { ApiError, apiErrorStatus } from "./api-error.ts";
import { JsonWriter } from "./json-writer.ts";
import { ResponseBody } from "./response-body.ts";

/** Data that writes itself, for what is large. */
export interface JsonStream {
  writeJson(out: JsonWriter): Promise<void>;
}

/** What an API handler answers; null is "204 No Content". */
export interface ApiReply {
  /** A JSON value, or data that writes itself. */
  readonly data: unknown;
  readonly warnings?: readonly string[];
}

function isStream(data: unknown): data is JsonStream {
  return typeof data === "object" && data !== null && "writeJson" in data;
}

/** Annotations of PromQL do not keep an answer out of caches; anything else that is missing does. */
function isPromqlAnnotation(warning: string): boolean {
  return warning.startsWith("PromQL warning:") || warning.startsWith("PromQL info:");
}

/** Sends a success. */
export async function respond(exchange: Exchange, reply: ApiReply): Promise<void> {
  const { response } = exchange;
  const warnings = reply.warnings ?? [];
  response.setHeader("Content-Type", "application/json");
  if (warnings.some((w) => !isPromqlAnnotation(w))) response.setHeader("Cache-Control", "no-store");
  const body = new ResponseBody(exchange, 200);
  const out = new JsonWriter((slab) => body.write(slab));
  out.ascii('{"status":"success"');
  if (reply.data !== undefined) {
    out.ascii(',"data":');
    if (isStream(reply.data)) await reply.data.writeJson(out);
    else out.value(reply.data);
  }
  if (warnings.length > 0) {
    out.ascii(',"warnings":');
    out.value(warnings);
  }
  out.ascii("}");
  await body.end(await out.finish());
}

/** Sends an error. What is not an ApiError is internal. */
export async function respondError(exchange: Exchange, error: unknown): Promise<void> {
  const { response } = exchange;
  if (response.headersSent) {
    // Too late for a status: break the connection so that the client does not take a part for the whole.
    response.destroy();
    return;
  }
  const type = error instanceof ApiError ? error.type : "internal";
  response.setHeader("Content-Type", "application/json");
  response.setHeader("Cache-Control", "no-store");
  // The rest of the body is not read, so the connection is of no use any more.
  if (type === "too_large") response.setHeader("Connection", "close");
  const body = new ResponseBody(exchange, apiErrorStatus[type]);
  const errorType = type === "too_large" ? "bad_data" : type;
  const text = JSON.stringify({ status: "error", errorType, error: messageOf(error) });
  await body.end(Buffer.from(text));
}
