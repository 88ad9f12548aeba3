// Requests and errors in a form that passes between threads, and back.
import { Matcher, type SeriesRequest } from "@deucalion/model";
import { PromqlError } from "@deucalion/promql";
import type { PlainError, PlainRequest } from "./messages.ts";

function plainMatcher({ type, name, value }: Matcher) {
  return { type, name, value };
}

export function plainRequest(request: SeriesRequest): PlainRequest {
  const { matchers, anyOf, blockMatchers, ...rest } = request;
  return {
    ...rest,
    matchers: matchers.map(plainMatcher),
    ...(anyOf === undefined ? {} : { anyOf: anyOf.map((list) => list.map(plainMatcher)) }),
    ...(blockMatchers === undefined ? {} : { blockMatchers: blockMatchers.map(plainMatcher) }),
  };
}

/** Throws MODEL_REGEX. */
export function seriesRequest(request: PlainRequest): SeriesRequest {
  const { matchers, anyOf, blockMatchers, ...rest } = request;
  const made = (list: PlainRequest["matchers"]) =>
    list.map(({ type, name, value }) => new Matcher(type, name, value));
  return {
    ...rest,
    matchers: made(matchers),
    ...(anyOf === undefined ? {} : { anyOf: anyOf.map(made) }),
    ...(blockMatchers === undefined ? {} : { blockMatchers: made(blockMatchers) }),
  };
}

export function plainError(error: unknown): PlainError {
  if (error instanceof PromqlError) {
    return { code: error.code, message: error.message, data: { ...error.data } };
  }
  const message = error instanceof Error ? error.message : String(error);
  return { code: null, message, data: {} };
}

export function thrownError({ code, message, data }: PlainError): Error {
  return code === null ? new Error(message) : new PromqlError(code, message, data);
}
