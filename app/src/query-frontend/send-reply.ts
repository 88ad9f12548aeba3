// Sends answers that are there as bytes, and errors.
import { messageOf } from "@deucalion/base";
import { ApiError, type ApiErrorType, apiErrorStatus } from "../http/answers/api-error.ts";
import { respondError } from "../http/answers/envelope.ts";
import { ResponseBody } from "../http/answers/response-body.ts";
import { respondText } from "../http/answers/text-response.ts";
import type { Exchange } from "../http/exchange.ts";
import type { DownstreamReply } from "./downstream.ts";
import { DownstreamAnswer, FrontendError, type FrontendErrorCode } from "./errors.ts";
import type { QueryFrontendOptions } from "./options.ts";

const statuses: Readonly<Record<FrontendErrorCode, number>> = {
  FRONTEND_BAD_REQUEST: 400,
  FRONTEND_ANSWER: 500,
  FRONTEND_UNREACHABLE: 500,
  FRONTEND_TIMEOUT: 504,
  FRONTEND_CACHE: 500,
};

/** What a querier calls them. */
const types: Readonly<Record<FrontendErrorCode, ApiErrorType>> = {
  FRONTEND_BAD_REQUEST: "bad_data",
  FRONTEND_ANSWER: "internal",
  FRONTEND_UNREACHABLE: "internal",
  FRONTEND_TIMEOUT: "timeout",
  FRONTEND_CACHE: "internal",
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

/** Sends what went wrong: the querier's own answer, else plain text or, in the querier's process, an answer like the querier's. */
export async function sendError(
  exchange: Exchange,
  { compress, inQuerier }: Pick<QueryFrontendOptions, "compress" | "inQuerier">,
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
  if (inQuerier) {
    const type = error instanceof FrontendError ? types[error.code] : null;
    return respondError(
      exchange,
      type === null ? error : new ApiError(type, messageOf(error), { cause: error }),
    );
  }
  let status = 500;
  if (error instanceof FrontendError) status = statuses[error.code];
  else if (error instanceof ApiError) status = apiErrorStatus[error.type];
  respondText(exchange, status, messageOf(error));
}
