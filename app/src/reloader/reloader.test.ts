// The reloader: what counts as a change, what is written, and how often Prometheus is told.
import assert from "node:assert/strict";
import { mkdir, mkdtemp, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { silentLog } from "@deucalion/base";
import { Registry } from "prom-client";
import { hashFiles } from "./hash-files.ts";
import { Reloader } from "./reloader.ts";
import { ReloaderMetrics } from "./reloader-metrics.ts";
import { findProcess } from "./trigger-reload.ts";

async function inFolder(run: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "reloader-"));
  try {
    await run(folder);
  } finally {
    await rm(folder, { recursive: true });
  }
}

async function until(check: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 500; i++) {
    if (check()) return;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  assert.fail(`${what} did not happen`);
}

test("Reloader fills in the environment and reloads once for each change", () =>
  inFolder(async (folder) => {
    const [config, out, rules] = [
      join(folder, "in.yml"),
      join(folder, "out.yml"),
      join(folder, "rules"),
    ];
    await mkdir(rules);
    await writeFile(config, gzipSync("zone: $(ZONE)\n"));
    const calls: string[] = [];
    const registry = new Registry();
    let fail = 2;
    const reloader = new Reloader(
      {
        configFile: config,
        configEnvsubstFile: out,
        ruleDirs: [rules],
        watchIntervalMs: 60_000,
        retryIntervalMs: 10,
      },
      {
        trigger: async () => {
          calls.push("reload");
          if (fail-- > 0) throw new Error("not yet");
        },
        metrics: new ReloaderMetrics(registry, "http"),
        log: silentLog,
        now: () => 5000,
        env: { ZONE: "eu" },
      },
    );
    const running = reloader.execute();
    try {
      await until(() => calls.length === 3, "the first reload, at the third try");
      assert.equal(await readFile(out, "utf8"), "zone: eu\n");
      await writeFile(join(rules, "a.yml"), "groups: []");
      await until(() => calls.length === 4, "a reload after a new rule");
      await writeFile(`${config}.new`, "zone: $(ZONE)-1\n");
      await rename(`${config}.new`, config);
      await until(() => calls.length === 5, "a reload after a new configuration");
      // What the reloader writes itself is no change.
      await new Promise((resolve) => setTimeout(resolve, 2500));
      assert.equal(calls.length, 5);
      assert.equal(await readFile(out, "utf8"), "zone: eu-1\n");
      const text = await registry.metrics();
      assert.match(text, /^thanos_sidecar_reloader_reloads_total 5$/m);
      assert.match(text, /^thanos_sidecar_reloader_reloads_failed_total 2$/m);
      assert.match(text, /^thanos_sidecar_reloader_last_reload_successful 1$/m);
      assert.match(text, /^thanos_sidecar_reloader_last_reload_success_timestamp_seconds 5$/m);
    } finally {
      reloader.interrupt();
      await running;
    }
  }));

test("Reloader ends with an error if a variable is not set at the start", () =>
  inFolder(async (folder) => {
    const config = join(folder, "in.yml");
    await writeFile(config, "zone: $(NOWHERE)\n");
    const reloader = new Reloader(
      {
        configFile: config,
        configEnvsubstFile: join(folder, "out.yml"),
        ruleDirs: [],
        watchIntervalMs: 1000,
        retryIntervalMs: 10,
      },
      {
        trigger: async () => undefined,
        metrics: new ReloaderMetrics(new Registry(), "http"),
        log: silentLog,
        now: Date.now,
        env: {},
      },
    );
    await assert.rejects(reloader.execute(), /unset environment variable "NOWHERE"/);
  }));

test("hashFiles() sees contents through links, and names", () =>
  inFolder(async (folder) => {
    const [real, rules] = [join(folder, "real"), join(folder, "rules")];
    await mkdir(real);
    await symlink(real, rules);
    await writeFile(join(real, "a.yml"), "1");
    const first = await hashFiles([], [rules]);
    assert.equal(await hashFiles([], [rules]), first);
    await writeFile(join(real, "a.yml"), "2");
    const second = await hashFiles([], [rules]);
    await rename(join(real, "a.yml"), join(real, "b.yml"));
    assert.equal(new Set([first, second, await hashFiles([], [rules])]).size, 3);
    assert.equal(await hashFiles([], []), "");
  }));

test("findProcess() finds an executable by its name", async () => {
  const name = process.execPath.split("/").at(-1)!;
  assert.ok((await findProcess(name)) > 0);
  await assert.rejects(findProcess("no-such-program"), /no process found/);
});
