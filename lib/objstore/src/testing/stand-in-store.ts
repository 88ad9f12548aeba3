// The objects behind stand-ins of stores for which no server can be had: kept in memory, told over HTTP.
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface StandInObject {
  readonly data: Buffer;
  readonly etag: string;
  readonly modified: Date;
  /** Headers that go out with it. */
  readonly headers: Readonly<Record<string, string>>;
}

/** Objects by name, and what HTTP says of them. */
export class StandInObjects {
  readonly all = new Map<string, StandInObject>();

  put(name: string, data: Buffer, headers: Readonly<Record<string, string>> = {}): StandInObject {
    const etag = createHash("md5").update(data).digest("hex");
    const object = { data, etag, modified: new Date(), headers };
    this.all.set(name, object);
    return object;
  }

  /** Answers GET and HEAD of one object, ranges included. */
  serve(name: string, request: IncomingMessage, response: ServerResponse): void {
    const object = this.all.get(name);
    if (object === undefined) return void response.writeHead(404).end();
    const { data, etag, modified, headers } = object;
    const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
    const from = range === null ? 0 : Number(range[1]);
    if (range !== null && from >= data.length) return void response.writeHead(416).end();
    const to = range?.[2] ? Math.min(Number(range[2]) + 1, data.length) : data.length;
    response.writeHead(range === null ? 200 : 206, {
      ...headers,
      etag,
      "content-length": to - from,
      "last-modified": modified.toUTCString(),
    });
    response.end(request.method === "HEAD" ? undefined : data.subarray(from, to));
  }

  /** One level or all, ascending, after `marker`. */
  list(
    prefix: string,
    delimiter: string,
    marker: string,
  ): ({ name: string; object: StandInObject } | { folder: string })[] {
    const found = new Map<string, { name: string; object: StandInObject } | { folder: string }>();
    for (const [name, object] of this.all) {
      if (!name.startsWith(prefix)) continue;
      const slash = delimiter === "" ? -1 : name.indexOf(delimiter, prefix.length);
      const key = slash < 0 ? name : name.slice(0, slash + 1);
      if (key > marker) found.set(key, slash < 0 ? { name, object } : { folder: key });
    }
    return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry);
  }
}

/** Reads a request's body. */
export async function requestBody(request: IncomingMessage): Promise<Buffer> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  return Buffer.concat(parts);
}

/** Serves until `close`. */
export async function startStandIn(
  answer: (request: IncomingMessage, url: URL, body: Buffer, response: ServerResponse) => void,
): Promise<{ url: string; close: () => void }> {
  const server = createServer((request, response) => {
    requestBody(request).then(
      (body) => answer(request, new URL(request.url ?? "/", "http://stand-in"), body, response),
      () => response.destroy(),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", () => resolve()));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
