// Starts real processes on free loopback ports and ends them by their ids.
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "./repository.ts";

/** A process under test, with what it printed. */
export class Running {
  readonly child: ChildProcess;
  readonly name: string;
  #output = "";
  readonly exited: Promise<number | null>;

  constructor(name: string, command: string, args: readonly string[]) {
    this.name = name;
    this.child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], cwd: repositoryRoot });
    const keep = (data: Buffer): void => {
      this.#output = (this.#output + data.toString()).slice(-200_000);
    };
    this.child.stdout?.on("data", keep);
    this.child.stderr?.on("data", keep);
    this.exited = new Promise((resolve) => this.child.on("exit", (code) => resolve(code)));
  }

  get output(): string {
    return this.#output;
  }

  /** Waits until a URL answers 200; throws with the output after `timeoutMs` or when the process ends before. */
  async ready(url: string, timeoutMs = 30_000): Promise<this> {
    const deadline = Date.now() + timeoutMs;
    while (Date.now() < deadline) {
      if (this.child.exitCode !== null) break;
      try {
        const response = await fetch(url, { signal: AbortSignal.timeout(2000) });
        await response.arrayBuffer();
        if (response.status === 200) return this;
      } catch {
        // Not listening yet.
      }
      await sleep(50);
    }
    throw new Error(`${this.name} is not ready at ${url}:\n${this.#output.slice(-4000)}`);
  }

  /** Asks it to stop and waits; kills it after `graceMs`. Returns its exit code. */
  async stop(graceMs = 10_000): Promise<number | null> {
    if (this.child.exitCode !== null) return this.child.exitCode;
    this.child.kill("SIGTERM");
    const timer = setTimeout(() => this.child.kill("SIGKILL"), graceMs);
    const code = await this.exited;
    clearTimeout(timer);
    return code;
  }

  /** kill -9, as a power cut. */
  async kill(): Promise<void> {
    this.child.kill("SIGKILL");
    await this.exited;
  }
}

function changedAt(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** The bundle, as users run it; the compiled modules where they are newer than it. */
function executable(): string {
  const bundle = join(repositoryRoot, "app/dist/bundle/main.js");
  const workspaces = readdirSync(join(repositoryRoot, "lib")).map((name) => join("lib", name));
  const compiled = ["app", ...workspaces].map((path) =>
    changedAt(join(repositoryRoot, path, "dist/tsconfig.tsbuildinfo")),
  );
  return changedAt(bundle) >= Math.max(...compiled)
    ? bundle
    : join(repositoryRoot, "app/dist/src/main.js");
}

/** Starts a command of ours. */
export function deucalion(name: string, args: readonly string[]): Running {
  return new Running(name, process.execPath, [executable(), ...args]);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** GETs JSON; the status goes along. */
export async function getJson(url: string): Promise<{ status: number; body: unknown }> {
  const response = await fetch(url, { signal: AbortSignal.timeout(30_000) });
  return { status: response.status, body: await response.json() };
}

/** Polls until `check` gives something; throws after `timeoutMs` with the last error. */
export async function eventually<T>(
  check: () => Promise<T | undefined>,
  timeoutMs: number,
  what: string,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  let last: unknown;
  while (Date.now() < deadline) {
    try {
      const value = await check();
      if (value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    await sleep(100);
  }
  throw new Error(`${what} did not happen within ${timeoutMs} ms`, { cause: last });
}
