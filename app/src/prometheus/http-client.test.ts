// The HTTP client through proxies: who is asked, for what, and with which headers.
import assert from "node:assert/strict";
import { createServer, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { test } from "node:test";
import { parse } from "yaml";
import { parseRemoteWrite } from "../rule/remote-write/remote-write-config.ts";
import { HttpClient, type HttpProxy, httpClientDefaults, readBody } from "./http-client.ts";
import { parseHttpClientConfig } from "./http-client-config.ts";
import { readProxy } from "./proxy-config.ts";
import { proxyFor } from "./proxy-route.ts";

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

async function ask(client: HttpClient, url: string): Promise<string> {
  const { signal } = new AbortController();
  const answer = await client.send({ method: "POST", url: new URL(url), body: "body", signal });
  return String(await readBody(answer, 1000));
}

test("HttpClient sends plain requests to its proxy, whole, but for those of no_proxy", async () => {
  const seen: string[] = [];
  const proxy = createServer((request, response) => {
    const { host, authorization, "proxy-authorization": proof } = request.headers;
    seen.push(`${request.method} ${request.url} ${host} ${authorization} ${proof}`);
    request.pipe(response);
  });
  const target = createServer((_, response) => response.end("direct"));
  const [port, targetPort] = [await listen(proxy), await listen(target)];
  const url = `http://u:p%3A@127.0.0.1:${port}`;
  const config = parseHttpClientConfig(`{proxy_url: "${url}", bearer_token: t}`, "test");
  const client = new HttpClient(config);
  const some: HttpProxy = { url, noProxy: "elsewhere", connectHeaders: {} };
  const other = new HttpClient({ ...httpClientDefaults, proxy: some });
  try {
    assert.equal(await ask(client, "http://target.invalid:9/a?b=c"), "body");
    // A proxy that is named alone is asked for loopback, too.
    assert.equal(await ask(client, `http://127.0.0.1:${targetPort}/x`), "body");
    assert.equal(await ask(other, `http://127.0.0.1:${targetPort}/x`), "direct");
    const proof = `Basic ${Buffer.from("u:p:").toString("base64")}`;
    assert.deepEqual(seen, [
      `POST http://target.invalid:9/a?b=c target.invalid:9 Bearer t ${proof}`,
      `POST http://127.0.0.1:${targetPort}/x 127.0.0.1:${targetPort} Bearer t ${proof}`,
    ]);
  } finally {
    client.close();
    other.close();
    proxy.close();
    target.close();
  }
});

test("HttpClient has its proxy connect to targets with TLS, and sends it the headers for that", async () => {
  const asked: string[] = [];
  const sockets: Socket[] = [];
  let hello = Buffer.alloc(0);
  const target = createServer();
  const targetPort = await listen(target);
  // No certificate is at hand: what matters is that TLS begins, and with whom.
  target.removeAllListeners("connection");
  target.on("connection", (socket: Socket) => {
    sockets.push(socket);
    socket.once("data", (data) => {
      hello = data;
      socket.destroy();
    });
  });
  const proxy = createServer();
  proxy.on("connect", (request, client: Socket) => {
    asked.push(`${request.url} ${request.headers["x-who"]}`);
    client.on("error", () => undefined);
    if (asked.length > 1) {
      client.end("HTTP/1.1 403 Forbidden\r\n\r\n");
      return;
    }
    const upstream = connect(targetPort, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 OK\r\n\r\n");
      upstream.pipe(client).pipe(upstream);
    });
    upstream.on("error", () => undefined);
    sockets.push(client, upstream);
  });
  const port = await listen(proxy);
  const text = `remote_write: [{url: "https://target.invalid/w", proxy_url: "http://127.0.0.1:${port}", proxy_connect_header: {X-Who: [me, too]}}]`;
  const client = new HttpClient(parseRemoteWrite(parse(text), "test")[0]!.client);
  try {
    const wrong = { code: "PROMETHEUS_UNREACHABLE" };
    await assert.rejects(ask(client, "https://target.invalid/w"), wrong);
    assert.equal(hello[0], 0x16);
    assert.ok(hello.includes("target.invalid"));
    const refused = { ...wrong, message: /on the way to target.invalid:443: it answered 403/ };
    await assert.rejects(ask(client, "https://target.invalid/w"), refused);
    assert.deepEqual(asked, ["target.invalid:443 me, too", "target.invalid:443 me, too"]);
  } finally {
    client.close();
    for (const socket of sockets) socket.destroy();
    proxy.close();
    target.close();
  }
});

test("readProxy() checks keys as Prometheus does", () => {
  const url = "http://proxy:3128/";
  const none = { noProxy: "", connectHeaders: {} };
  assert.equal(readProxy({}, "x"), null);
  assert.equal(readProxy({ proxy_url: "", proxy_from_environment: false }, "x"), null);
  assert.deepEqual(readProxy({ proxy_url: url }, "x"), { url, ...none });
  assert.deepEqual(readProxy({ proxy_from_environment: true }, "x"), { url: "", ...none });
  const refused = (fields: Readonly<Record<string, unknown>>, message: RegExp) =>
    assert.throws(() => readProxy(fields, "x"), { code: "APP_CONFIG", message });
  refused({ no_proxy: "a" }, /if no_proxy is configured, proxy_url must also/);
  refused({ proxy_connect_header: { A: ["b"] } }, /proxy_url or proxy_from_environment must also/);
  refused({ proxy_url: url, proxy_from_environment: true }, /proxy_url must not be configured/);
  refused({ no_proxy: "a", proxy_from_environment: true }, /no_proxy must not be configured/);
  refused({ proxy_url: "socks5://a:1" }, /scheme socks5 are not supported/);
  refused({ proxy_url: url, proxy_connect_header: { "a b": ["c"] } }, /is no header/);
  refused({ proxy_url: url, proxy_connect_header: { a: ["c\r\nd: e"] } }, /is no header/);
});

test("proxyFor() leaves out what no_proxy names", () => {
  const some: HttpProxy = {
    url: "http://proxy:1/",
    noProxy: "a.org,10.0.0.0/8",
    connectHeaders: {},
  };
  const through = (url: string): boolean => proxyFor(some, new URL(url)) !== undefined;
  const urls = [
    "https://b.org",
    "https://x.a.org:9",
    "http://10.1.2.3",
    "http://[::1]",
    "http://c",
  ];
  assert.deepEqual(urls.map(through), [true, false, false, false, true]);
});
