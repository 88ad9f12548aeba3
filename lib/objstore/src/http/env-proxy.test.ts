// Proxies from the environment: which requests go through them, and that they arrive.
import assert from "node:assert/strict";
import { createServer, request as httpRequest, type Server } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { test } from "node:test";
import { ConfigReader } from "../config/config-reader.ts";
import { createAgents } from "./agents.ts";
import { proxyAuthorization, proxyOf } from "./env-proxy.ts";
import { readHttpConfig } from "./http-config.ts";
import { openTunnel } from "./proxy-tunnel.ts";

test("proxyOf() reads the environment as Go's programs do", () => {
  const env = { HTTP_PROXY: "http://plain:1", https_proxy: "secure:2" };
  const of = (protocol: "http:" | "https:", host: string, port = "443", NO_PROXY = "") =>
    proxyOf(protocol, host, port, { ...env, NO_PROXY })?.href;
  assert.equal(of("http:", "store"), "http://plain:1/");
  assert.equal(of("https:", "store"), "http://secure:2/");
  assert.equal(proxyOf("http:", "store", "80", {}), undefined);
  for (const host of ["localhost", "127.0.0.1", "127.1.2.3", "::1"])
    assert.equal(of("http:", host), undefined);
  const excluded = (list: string, host: string, port = "443") =>
    of("https:", host, port, list) === undefined;
  assert.ok(excluded("*", "store"));
  assert.ok(excluded("a, example.com", "example.com"));
  assert.ok(excluded("example.com", "s3.example.com"));
  assert.ok(!excluded("example.com", "myexample.com"));
  assert.ok(excluded(".example.com", "s3.example.com"));
  assert.ok(!excluded(".example.com", "example.com"));
  assert.ok(excluded("example.com:9000", "example.com", "9000"));
  assert.ok(!excluded("example.com:9000", "example.com", "443"));
  assert.ok(excluded("10.0.0.0/8", "10.1.2.3"));
  assert.ok(!excluded("10.0.0.0/8", "11.1.2.3"));
  assert.ok(excluded("10.1.2.3", "10.1.2.3"));
  assert.ok(excluded("fd00::/8", "fd00::1"));
  assert.equal(proxyAuthorization(new URL("http://proxy")), undefined);
  const proof = proxyAuthorization(new URL("http://us%40er:pa%3Ass@proxy"));
  assert.equal(proof, `Basic ${Buffer.from("us@er:pa:ss").toString("base64")}`);
});

async function listen(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

test("plain requests go to the proxy with their whole URL", async () => {
  const seen: string[] = [];
  const proxy = createServer((request, response) => {
    seen.push(`${request.url} ${request.headers["proxy-authorization"]}`);
    response.end("through");
  });
  const port = await listen(proxy);
  const before = { ...process.env };
  process.env.HTTP_PROXY = `http://u:p@127.0.0.1:${port}`;
  const agents = createAgents(readHttpConfig(new ConfigReader({}, "x")));
  try {
    const answer = await new Promise<string>((resolve, reject) => {
      const url = "http://store.invalid:9000/a?b=c";
      httpRequest(url, { agent: agents.http }, (response) => {
        response.on("data", (data: Buffer) => resolve(data.toString()));
      })
        .on("error", reject)
        .end();
    });
    assert.equal(answer, "through");
    assert.deepEqual(seen, ["http://store.invalid:9000/a?b=c Basic dTpw"]);
  } finally {
    process.env = before;
    agents.close();
    proxy.close();
  }
});

test("openTunnel() connects through the proxy, or says what it answered", async () => {
  const store = createServer((_, response) => response.end("store"));
  const storePort = await listen(store);
  const sockets: Socket[] = [];
  const proxy = createServer();
  proxy.on("connect", (request, client: Socket) => {
    if (request.headers["proxy-authorization"] === undefined) {
      client.end("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n");
      return;
    }
    const [host, port] = (request.url ?? "").split(":");
    const upstream = connect(Number(port), host, () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      upstream.pipe(client).pipe(upstream);
    });
    sockets.push(client, upstream);
  });
  const port = await listen(proxy);
  try {
    const target = `127.0.0.1:${storePort}`;
    const socket = await openTunnel(new URL(`http://u:p@127.0.0.1:${port}`), target);
    sockets.push(socket);
    socket.resume();
    socket.write("GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    let text = "";
    for await (const data of socket) text += String(data);
    assert.match(text, /^HTTP\/1\.1 200 OK[\s\S]*store$/);
    const refused = openTunnel(new URL(`http://127.0.0.1:${port}`), target);
    await assert.rejects(refused, { code: "OBJSTORE_IO", message: /it answered 407/ });
  } finally {
    for (const socket of sockets) socket.destroy();
    proxy.close();
    store.close();
  }
});
