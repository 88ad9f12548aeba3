// One port for HTTP/1 and for HTTP/2 without TLS.
import assert from "node:assert/strict";
import { Agent, createServer, request } from "node:http";
import { connect as connectHttp2 } from "node:http2";
import { type AddressInfo, connect } from "node:net";
import { test } from "node:test";
import { acceptH2c } from "./accept-h2c.ts";

test("acceptH2c() answers HTTP/1 and HTTP/2, however the first bytes come", async () => {
  const server = createServer();
  const onRequest: Parameters<typeof acceptH2c>[1] = (asked, response) => {
    let bytes = 0;
    asked.on("data", (part: Buffer) => {
      bytes += part.length;
    });
    asked.on("end", () =>
      response.end(`${asked.httpVersion} ${asked.method} ${asked.url} ${bytes}`),
    );
  };
  server.on("request", onRequest);
  const h2c = acceptH2c(server, onRequest);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ask = (method: string, path: string, body = ""): Promise<string> =>
    new Promise((resolve, reject) => {
      const call = request({ host: "127.0.0.1", port, method, path, agent }, (response) => {
        let text = "";
        response.on("data", (part: Buffer) => {
          text += part.toString();
        });
        response.on("end", () => resolve(text));
      });
      call.on("error", reject);
      call.end(body);
    });
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  const ask2 = (path: string): Promise<string> =>
    new Promise((resolve, reject) => {
      const call = session.request({ ":path": path });
      let text = "";
      call.on("data", (part: Buffer) => {
        text += part.toString();
      });
      call.on("end", () => resolve(text));
      call.on("error", reject);
      call.end();
    });
  try {
    const body = "x".repeat(300_000);
    assert.equal(await ask("POST", "/a", body), "1.1 POST /a 300000");
    // The same connection again.
    assert.equal(await ask("PUT", "/b", "y"), "1.1 PUT /b 1");
    const both = await Promise.all([ask2("/c"), ask2("/d"), ask("GET", "/e")]);
    assert.deepEqual(both, ["2.0 GET /c 0", "2.0 GET /d 0", "1.1 GET /e 0"]);
    const slow = connect(port, "127.0.0.1");
    slow.setNoDelay(true);
    const answer = new Promise<string>((resolve, reject) => {
      slow.on("data", (part: Buffer) => resolve(part.toString()));
      slow.on("error", reject);
    });
    // Begins like HTTP/2's first bytes.
    slow.write("P");
    await new Promise((resolve) => setTimeout(resolve, 20));
    slow.write("ROPFIND /f HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    assert.match(await answer, /1\.1 PROPFIND \/f 0/);
    slow.destroy();
  } finally {
    agent.destroy();
    const silent = connect(port, "127.0.0.1");
    await new Promise((resolve) => silent.once("connect", resolve));
    silent.on("error", () => undefined);
    await new Promise((resolve) => setTimeout(resolve, 20));
    const closed = new Promise((resolve) => server.close(resolve));
    h2c.close();
    await closed;
    session.destroy();
  }
});
