// Sends answers that are there as bytes, and errors.
import { messageOf } from "@deucalion/base";
import { ApiError, apiErrorStatus } from "../http/answers/api-error.ts";
import { ResponseBody } from "../http/answers/response-body.ts";
import { respondText } from "../http/answers/text-response.ts";
import type { Exchange } from "../http/exchange.ts";
import type { DownstreamReply } from "./downstream.ts";
import { DownstreamAnswer, FrontendError, type FrontendErrorCode } from "./errors.ts";

const statuses: Readonly<Record<FrontendErrorCode, number>> = {
  FRONTEND_BAD_REQUEST: 400,
  FRONTEND_ANSWER: 500,
  FRONTEND_UNREACHABLE: 500,
  FRONTEND_TIMEOUT: 504,
  FRONTEND_CACHE: 500,
};

/** Sends a success of the querier as it came. */
export async function sendReply(
  exchange: Exchange,
  compress: boolean,
  reply: DownstreamReply,
): Promise<void> {
  const { response } = exchange;
  response.setHeader("Content-Type", reply.headers["content-type"] ?? "application/json");
  const cacheControl = reply.headers["cache-control"];
  if (cacheControl !== undefined) response.setHeader("Cache-Control", cacheControl);
  await new ResponseBody(exchange, reply.status, compress).end(reply.body);
}

/** Sends what went wrong: the querier's own answer, or plain text. */
export async function sendError(
  exchange: Exchange,
  compress: boolean,
  error: unknown,
): Promise<void> {
  const { response } = exchange;
  if (response.headersSent || exchange.signal.aborted) {
    response.destroy();
    return;
  }
  response.setHeader("Cache-Control", "no-store");
  if (error instanceof DownstreamAnswer) {
    if (error.contentType !== "") response.setHeader("Content-Type", error.contentType);
    await new ResponseBody(exchange, error.status, compress).end(error.body);
    return;
  }
  let status = 500;
  if (error instanceof FrontendError) status = statuses[error.code];
  else if (error instanceof ApiError) status = apiErrorStatus[error.type];
  respondText(exchange, status, messageOf(error));
}
