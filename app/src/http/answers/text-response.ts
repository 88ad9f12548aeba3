// Plain answers: text with a status, redirects.
import type { Exchange } from "../exchange.ts";

/** Sends text. `error` adds what Go's http.Error adds. */
export function respondText(
  exchange: Exchange,
  status: number,
  text: string,
  error = status >= 400,
): void {
  const { response } = exchange;
  const body = Buffer.from(error ? `${text}\n` : text);
  response.writeHead(status, {
    "Content-Type": "text/plain; charset=utf-8",
    ...(error ? { "X-Content-Type-Options": "nosniff" } : {}),
    "Content-Length": body.length,
  });
  response.end(exchange.method === "HEAD" ? undefined : body);
}

export function redirect(exchange: Exchange, location: string): void {
  exchange.response.writeHead(302, { Location: location, "Content-Length": 0 });
  exchange.response.end();
}
