// Ports for servers that must be told theirs before they run.
import { createServer } from "node:net";

/** Below the ports that systems hand out on their own, so that nobody who asks for any port gets ours in between. */
const portMin = 15_000;
const portMax = 32_000;

const taken = new Set<number>();

/** A port of 127.0.0.1 at which nobody listens, another one at each call. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = portMin + Math.floor(Math.random() * (portMax - portMin));
    if (taken.has(port)) continue;
    taken.add(port);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(error);
    });
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
