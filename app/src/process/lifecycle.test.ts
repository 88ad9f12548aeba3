// The executable as a child process: start, logs, probes, signals, exit codes.
import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const main = fileURLToPath(new URL("../main.js", import.meta.url));

interface Running {
  readonly child: ChildProcess;
  readonly lines: string[];
  /** Resolves with the first line that matches. */
  line(pattern: RegExp): Promise<string>;
  /** Resolves with exit code or signal. */
  readonly ended: Promise<number | string>;
}

function start(args: readonly string[]): Running {
  const child = spawn(process.execPath, [main, ...args], { stdio: ["ignore", "pipe", "pipe"] });
  const lines: string[] = [];
  const waiting: { readonly pattern: RegExp; readonly found: (line: string) => void }[] = [];
  let rest = "";
  child.stderr.on("data", (data: Buffer) => {
    const parts = (rest + data.toString()).split("\n");
    rest = parts.pop()!;
    for (const line of parts) {
      lines.push(line);
      for (const { pattern, found } of waiting) if (pattern.test(line)) found(line);
    }
  });
  const ended = new Promise<number | string>((resolve) => {
    child.on("exit", (code, signal) => resolve(code ?? signal ?? ""));
  });
  const line = (pattern: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const known = lines.find((l) => pattern.test(l));
      if (known !== undefined) return resolve(known);
      waiting.push({ pattern, found: resolve });
      void ended.then((how) =>
        reject(new Error(`ended (${how}) without ${pattern}:\n${lines.join("\n")}`)),
      );
      setTimeout(
        () => reject(new Error(`no line ${pattern}:\n${lines.join("\n")}`)),
        20_000,
      ).unref();
    });
  return { child, lines, line, ended };
}

const free = ["--http-address=127.0.0.1:0", "--grpc-address=127.0.0.1:0"];

async function url(running: Running): Promise<string> {
  const found = /address=(\S+)/.exec(await running.line(/listening for requests and metrics/));
  return `http://${found![1]}`;
}

test("a querier starts, serves probes, survives SIGHUP, and ends with 0 on SIGTERM", async () => {
  const dir = mkdtempSync(join(tmpdir(), "deucalion-"));
  const running = start(["query", ...free, `--query.active-query-path=${dir}`]);
  try {
    const base = await url(running);
    await running.line(/status=ready/);
    const text = async (path: string) => {
      const answer = await fetch(base + path);
      return [answer.status, await answer.text()];
    };
    assert.deepEqual(await text("/-/ready"), [200, "OK"]);
    assert.deepEqual(await text("/-/healthy"), [200, "OK"]);
    const [, metrics] = await text("/metrics");
    assert.match(String(metrics), /thanos_status\{component="query",check="ready"\} 1/);
    assert.match(String(metrics), /thanos_build_info\{/);
    running.child.kill("SIGHUP");
    await running.line(/received SIGHUP/);
    assert.deepEqual(await text("/-/ready"), [200, "OK"]);
    running.child.kill("SIGTERM");
    assert.equal(await running.ended, 0);
    assert.match(running.lines.at(-1)!, /^ts=\S+Z level=info msg=exiting$/);
    assert.ok(running.lines.some((l) => l.includes("status=not-ready")));
  } finally {
    running.child.kill("SIGKILL");
  }
});

test("SIGINT ends a process that was asked for JSON logs", async () => {
  const running = start(["query", ...free, "--log.format=json", "--debug.name=q1"]);
  try {
    const line = await running.line(/listening for requests and metrics/);
    const { level, name, msg } = JSON.parse(line) as Record<string, string>;
    assert.deepEqual([level, name, msg], ["info", "q1", "listening for requests and metrics"]);
    running.child.kill("SIGINT");
    assert.equal(await running.ended, 0);
  } finally {
    running.child.kill("SIGKILL");
  }
});

test("what a crash left in queries.active is told at the next start", async () => {
  const dir = mkdtempSync(join(tmpdir(), "deucalion-"));
  writeFileSync(
    join(dir, "queries.active"),
    `[{"query":"rate(up[5m])","timestamp_sec":1700000000},${"\0".repeat(1900)}`,
  );
  const running = start(["query", ...free, `--query.active-query-path=${dir}`]);
  try {
    const line = await running.line(/didn't finish/);
    assert.match(line, /rate\(up\[5m\]\)/);
    await url(running);
    assert.equal(readFileSync(join(dir, "queries.active"))[0], 0x5b);
    running.child.kill("SIGTERM");
    assert.equal(await running.ended, 0);
  } finally {
    running.child.kill("SIGKILL");
  }
});

test("an address that is taken ends the process with 1", async () => {
  const first = start(["query", ...free]);
  try {
    const address = (await url(first)).replace("http://", "");
    const second = start(["query", `--http-address=${address}`, "--grpc-address=127.0.0.1:0"]);
    assert.equal(await second.ended, 1);
    assert.ok(
      second.lines.some((l) => /level=error .*EADDRINUSE/.test(l)),
      second.lines.join("\n"),
    );
    first.child.kill("SIGTERM");
    assert.equal(await first.ended, 0);
  } finally {
    first.child.kill("SIGKILL");
  }
});

const once: readonly (readonly [string, number, RegExp])[] = [
  ["--version", 0, /^deucalion, version 0\.1\.0 /],
  ["query --help", 0, /^usage: deucalion query \[<flags>\]/],
  ["", 0, /^usage: deucalion \[<flags>\] <command>/],
  ["query --nope", 2, /error parsing commandline arguments: .*unknown long flag '--nope'/],
  ["rule", 1, /no query configuration parameter was given/],
  ["query --auto-gomemlimit.ratio=2", 1, /must be greater than 0/],
  ["query --grpc-server-tls-cert=x", 1, /both server key and certificate must be provided/],
  ["query --tracing.config={type:NOPE}", 1, /tracing/],
  ["tools bucket ls", 1, /objstore\.config is required/],
];

for (const [line, code, output] of once) {
  test(`deucalion ${line} ends with ${code}`, () => {
    const args = line === "" ? [] : line.split(" ");
    const done = spawnSync(process.execPath, [main, ...args], {
      encoding: "utf8",
      timeout: 20_000,
    });
    assert.equal(done.status, code, done.stderr);
    assert.match(done.stdout + done.stderr, output);
  });
}
