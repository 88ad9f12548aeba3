// A process with a hard limit on its memory: a cgroup where one can be made, else watched by its high-water mark.
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Running, repositoryRoot } from "../support/mod.ts";

const roots = [
  { folder: "/sys/fs/cgroup/memory", limit: "memory.limit_in_bytes" },
  { folder: "/sys/fs/cgroup", limit: "memory.max" },
];

/** A cgroup that may use so many bytes, or null where none can be made. */
function makeGroup(name: string, bytes: number): string | null {
  for (const { folder, limit } of roots) {
    const group = join(folder, name);
    try {
      if (!existsSync(folder)) continue;
      mkdirSync(group);
    } catch {
      continue;
    }
    try {
      writeFileSync(join(group, limit), String(bytes));
      return group;
    } catch {
      rmdirSync(group);
    }
  }
  return null;
}

/** A command of ours within a limit of memory. */
export class Confined {
  readonly running: Running;
  readonly #group: string | null;
  readonly bytes: number;

  constructor(name: string, args: readonly string[], bytes: number) {
    this.bytes = bytes;
    this.#group = makeGroup(`deucalion-${process.pid}-${name}`, bytes);
    const main = join(repositoryRoot, "app/dist/src/main.js");
    const enter = this.#group === null ? "" : `echo $$ > ${join(this.#group, "cgroup.procs")} && `;
    const heapMb = Math.floor((bytes / 2 ** 20) * 0.6);
    const command = `${enter}exec "$0" --max-old-space-size=${heapMb} "$@"`;
    this.running = new Running(name, "sh", ["-c", command, process.execPath, main, ...args]);
  }

  /** True if the kernel ends the process past its limit. */
  get hard(): boolean {
    return this.#group !== null;
  }

  /** Most bytes that the process has had in memory. */
  peakBytes(): number {
    const status = readFileSync(`/proc/${this.running.child.pid}/status`, "utf8");
    return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
  }

  get alive(): boolean {
    return this.running.child.exitCode === null && this.running.child.signalCode === null;
  }

  async stop(): Promise<void> {
    await this.running.stop(5000);
    try {
      if (this.#group !== null) rmdirSync(this.#group);
    } catch {
      // The kernel may need a moment to see that it is empty.
    }
  }
}
