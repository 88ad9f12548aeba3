// Answers other gateways of a groupcache.
import { messageOf } from "@deucalion/base";
import { expireHeader, type Groupcache, peerPath } from "@deucalion/blocks";
import { isNotFound } from "@deucalion/objstore";
import { respondText } from "../http/answers/text-response.ts";
import type { Exchange } from "../http/exchange.ts";
import type { HttpServer } from "../http/http-server.ts";

/** Name of the group, and key; undefined if the path is no such. */
function partsOf(path: string): readonly [group: string, key: string] | undefined {
  const rest = path.slice(peerPath.length);
  const at = rest.indexOf("/");
  if (at < 0) return undefined;
  try {
    return [decodeURIComponent(rest.slice(0, at)), decodeURIComponent(rest.slice(at + 1))];
  } catch {
    return undefined;
  }
}

/** Routes GET `/_galaxycache/<group>/<key>`, by HTTP/1 and HTTP/2. */
export function servePeers(server: HttpServer, cache: Groupcache): void {
  server.enableH2c();
  server.route(["GET"], `${peerPath}*`, "", async (exchange: Exchange) => {
    const parts = partsOf(exchange.path);
    if (parts === undefined) return respondText(exchange, 400, "bad request");
    const [group, key] = parts;
    if (group !== cache.options.group)
      return respondText(exchange, 404, `no such galaxy: ${group}`);
    try {
      const { value, untilMs } = await cache.answer(key);
      const { response } = exchange;
      response.setHeader("Content-Type", "application/octet-stream");
      response.setHeader("Content-Length", value.length);
      response.setHeader(expireHeader, String(Math.floor(untilMs)));
      response.end(value);
    } catch (error) {
      respondText(exchange, isNotFound(error) ? 404 : 500, messageOf(error));
    }
  });
}
