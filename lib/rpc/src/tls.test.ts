// TLS between client and server: verification both ways, and certificates that change.
import assert from "node:assert/strict";
import { copyFileSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { fileURLToPath } from "node:url";
import { Channel } from "./client/channel.ts";
import { type ClientTls, clientTlsDefaults } from "./client/client-options.ts";
import { GrpcServer } from "./server/grpc-server.ts";
import type { ServerTls } from "./server/server-options.ts";
import { unary } from "./server/service.ts";

const file = (name: string) => fileURLToPath(new URL(`../../testdata/${name}`, import.meta.url));
const serverTls: ServerTls = {
  certFile: file("server.crt"),
  keyFile: file("server.key"),
  clientCaFile: "",
  minVersion: "TLSv1.3",
  ciphers: "",
  curves: "",
};

async function serve(t: TestContext, tls: ServerTls): Promise<string> {
  const server = new GrpcServer({ tls });
  server.add({
    name: "test.Tls",
    methods: {
      Who: unary(async (_, call) =>
        new TextEncoder().encode(JSON.stringify(call.certificate?.subject ?? null)),
      ),
    },
  });
  const { port } = await server.listen("127.0.0.1:0");
  t.after(() => server.close(0));
  return `127.0.0.1:${port}`;
}

async function call(t: TestContext, address: string, tls: Partial<ClientTls>): Promise<unknown> {
  const client = new Channel(address, { tls: { ...clientTlsDefaults, ...tls } });
  t.after(() => client.close());
  return JSON.parse(
    new TextDecoder().decode(await client.unary("/test.Tls/Who", new Uint8Array(0))),
  );
}

test("a client accepts only a server that its CA vouches for, unless told otherwise", async (t) => {
  const address = await serve(t, serverTls);
  assert.equal(await call(t, address, { caFile: file("ca.crt") }), null);
  assert.equal(await call(t, address, { caFile: file("ca.crt"), serverName: "localhost" }), null);
  assert.equal(await call(t, address, { insecureSkipVerify: true }), null);
  await assert.rejects(call(t, address, {}), { code: "RPC_UNAVAILABLE" });
  await assert.rejects(call(t, address, { caFile: file("ca.crt"), serverName: "other" }), {
    code: "RPC_UNAVAILABLE",
  });
});

test("a server with a client CA wants a certificate, and handlers see it", async (t) => {
  const address = await serve(t, { ...serverTls, clientCaFile: file("ca.crt") });
  const own = { certFile: file("client.crt"), keyFile: file("client.key") };
  const subject = (await call(t, address, { caFile: file("ca.crt"), ...own })) as {
    O: string;
    CN: string;
  };
  assert.deepEqual([subject.O, subject.CN], ["team-a", "client"]);
  await assert.rejects(call(t, address, { caFile: file("ca.crt") }), { code: "RPC_UNAVAILABLE" });
});

test("a changed certificate is used from the next handshake on; a broken one is not", async (t) => {
  const dir = mkdtempSync(join(tmpdir(), "tls-"));
  t.after(() => rmSync(dir, { recursive: true }));
  const certFile = join(dir, "cert");
  const keyFile = join(dir, "key");
  copyFileSync(file("client.crt"), certFile);
  copyFileSync(file("client.key"), keyFile);
  const address = await serve(t, { ...serverTls, certFile, keyFile });
  assert.equal(await call(t, address, { caFile: file("ca.crt") }), null);
  writeFileSync(certFile, "not a certificate");
  utimesSync(certFile, 1, 1);
  assert.equal(await call(t, address, { caFile: file("ca.crt") }), null);
  copyFileSync(file("server.crt"), certFile);
  copyFileSync(file("server.key"), keyFile);
  assert.equal(await call(t, address, { caFile: file("ca.crt") }), null);
});
