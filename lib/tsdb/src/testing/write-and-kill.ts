// Writers that are killed, for tests of crashes: processes that print the number of each step once it is stored.
import { spawn } from "node:child_process";
import type { FileFaults } from "./faulty-files.ts";
import { withFileFaults } from "./with-file-faults.ts";

export interface KilledWriter {
  readonly script: string;
  /** Arguments of the script. The number of the first step comes behind them. */
  readonly args: readonly string[];
  readonly first: number;
  /** Kills it so long after it printed something. */
  readonly afterMs: number;
  /** Null for none. */
  readonly faults: FileFaults | null;
}

/** Runs a writer and kills it; returns the last step that it printed, or the one before its first. */
export function writeAndKill(writer: KilledWriter): Promise<number> {
  const { script, first, afterMs } = writer;
  const { args, env } = withFileFaults(writer.faults);
  const child = spawn(process.execPath, [...args, script, ...writer.args, String(first)], {
    stdio: ["ignore", "pipe", "inherit"],
    env,
  });
  let last = first - 1;
  let rest = "";
  child.stdout.once("data", () => setTimeout(() => child.kill("SIGKILL"), afterMs));
  child.stdout.on("data", (data: Buffer) => {
    const lines = (rest + data.toString()).split("\n");
    rest = lines.pop()!;
    if (lines.length > 0) last = Number(lines.at(-1));
  });
  return new Promise((resolve, reject) => {
    child.on("close", (code, signal) => {
      if (signal === "SIGKILL") resolve(last);
      else reject(new Error(`the writer ended by itself: ${code}`));
    });
  });
}

/** Faults for every second run, of one call in a hundred. */
export function faultsOfRun(run: number, dir: string): FileFaults | null {
  const seed = Math.floor(Math.random() * 2 ** 32);
  return run % 2 === 1 ? { dir, rate: 0.01, seed } : null;
}

/** Does it again where the file system failed, as senders do: EIO, ENOSPC, or the code given. Others end the process. */
export async function untilDone<T>(code: string, work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (thrown) {
      const got = (thrown as { code?: string }).code ?? "";
      if (!["EIO", "ENOSPC", code].includes(got)) throw thrown;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
}
