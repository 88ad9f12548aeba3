// Health and reflection as tools ask for them.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Channel } from "../client/channel.ts";
import { ProtoReader } from "../proto/proto-reader.ts";
import { ProtoWriter } from "../proto/proto-writer.ts";
import { reflectionServices } from "../reflection/reflection.ts";
import { GrpcServer } from "../server/grpc-server.ts";
import { Health, HealthCheckRequest, HealthCheckResponse, healthFile } from "./health.ts";

async function start() {
  const health = new Health();
  const server = new GrpcServer().add(health.service());
  for (const service of reflectionServices(() => server.serviceNames, [healthFile]))
    server.add(service);
  const { port } = await server.listen("127.0.0.1:0");
  return { health, server, channel: new Channel(`127.0.0.1:${port}`) };
}

test("Check and Watch follow what is set", async () => {
  const { health, server, channel } = await start();
  const check = async (service: string) =>
    HealthCheckResponse.decode(
      await channel.unary("/grpc.health.v1.Health/Check", HealthCheckRequest.encode({ service })),
    ).status;
  assert.equal(await check(""), 2);
  await assert.rejects(check("nope"), { code: "RPC_NOT_FOUND" });
  const watch = channel.stream(
    "/grpc.health.v1.Health/Watch",
    HealthCheckRequest.encode({ service: "" }),
  );
  const next = async () => HealthCheckResponse.decode((await watch.read())![0]!).status;
  assert.equal(await next(), 2);
  health.set(true);
  assert.equal(await next(), 1);
  assert.equal(await check(""), 1);
  watch.cancel();
  channel.close();
  await server.close(0);
});

test("reflection lists services and hands out descriptors", async () => {
  const { server, channel } = await start();
  for (const version of ["v1", "v1alpha"]) {
    const path = `/grpc.reflection.${version}.ServerReflection/ServerReflectionInfo`;
    const ask = async (field: number, text: string) => {
      const request = new ProtoWriter();
      request.string(field, text);
      return channel.unary(path, request.finish());
    };
    const names: string[] = [];
    const answer = new ProtoReader(await ask(7, "*"));
    while (answer.next()) {
      if (answer.field !== 6) {
        answer.skip();
        continue;
      }
      const list = answer.message();
      while (list.next()) {
        const item = list.message();
        while (item.next()) names.push(item.string());
      }
    }
    assert.deepEqual(names, [
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
    ]);
    const text = new TextDecoder().decode(await ask(4, "grpc.health.v1.Health.Check"));
    assert.match(text, /grpc\/health\/v1\/health\.proto/);
    assert.match(new TextDecoder().decode(await ask(4, "no.such.Thing")), /not found/);
  }
  channel.close();
  await server.close(0);
});
