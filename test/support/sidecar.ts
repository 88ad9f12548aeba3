// A sidecar of ours over a Prometheus.
import type { TestContext } from "node:test";
import { freePort } from "@deucalion/base/testing";
import { Channel } from "@deucalion/rpc";
import { deucalion, type Running } from "./processes.ts";

export interface SidecarUnderTest {
  readonly process: Running;
  readonly channel: Channel;
}

/** Starts a sidecar over the Prometheus at `url` and waits until it is ready; it ends with the test. */
export async function startSidecar(t: TestContext, url: string): Promise<SidecarUnderTest> {
  const [http, grpc] = [await freePort(), await freePort()];
  const sidecar = deucalion("sidecar", [
    "sidecar",
    `--prometheus.url=${url}`,
    `--http-address=127.0.0.1:${http}`,
    `--grpc-address=127.0.0.1:${grpc}`,
  ]);
  t.after(() => sidecar.stop());
  await sidecar.ready(`http://127.0.0.1:${http}/-/ready`);
  const channel = new Channel(`127.0.0.1:${grpc}`);
  t.after(() => channel.close());
  return { process: sidecar, channel };
}
