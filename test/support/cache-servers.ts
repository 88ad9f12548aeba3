// Real cache servers for tests: memcached and redis.
import { type ChildProcess, spawn } from "node:child_process";
import { connect, type Socket } from "node:net";
import { after } from "node:test";
import { freePort } from "@deucalion/base/testing";
import { memcachedPeer, type Peer, redisPeer } from "./peers.ts";
import { eventually } from "./processes.ts";

const children: ChildProcess[] = [];
after(() => {
  for (const child of children) child.kill("SIGKILL");
});

async function start(
  peer: Peer,
  args: readonly string[],
  port: number,
  argv0: string,
): Promise<void> {
  children.push(spawn(peer.path, args, { env: peer.env, stdio: "ignore", argv0 }));
  await eventually(
    () =>
      new Promise<true>((resolve, reject) => {
        const socket: Socket = connect(port, "127.0.0.1", () => {
          socket.destroy();
          resolve(true);
        });
        socket.on("error", reject);
      }),
    10_000,
    `${argv0} listens`,
  );
}

/** Starts memcached of Debian; ended with the tests of the file. Gives host:port. */
export async function startMemcached(): Promise<string> {
  const port = await freePort();
  const user = process.getuid?.() === 0 ? ["-u", "nobody"] : [];
  await start(memcachedPeer(), ["-l", "127.0.0.1", "-p", String(port), ...user], port, "memcached");
  return `127.0.0.1:${port}`;
}

/** Starts redis of Debian with the password `secret`; ended with the tests of the file. Gives host:port. */
export async function startRedis(): Promise<string> {
  const port = await freePort();
  const args = [
    "--port",
    String(port),
    "--bind",
    "127.0.0.1",
    "--save",
    "",
    "--requirepass",
    "secret",
  ];
  await start(redisPeer(), args, port, "redis-server");
  return `127.0.0.1:${port}`;
}
