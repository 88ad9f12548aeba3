// Makes Prometheus read its configuration again: over HTTP, or by a signal whose effect is looked for.
import { readdir, readFile, readlink } from "node:fs/promises";
import { basename } from "node:path";
import { AppError } from "../errors.ts";
import type { PrometheusClient } from "../prometheus/prometheus-client.ts";
import { pause } from "../prometheus/prometheus-watch.ts";

/** Throws if the reload did not work. */
export type TriggerReload = (signal: AbortSignal) => Promise<void>;

const pollMs = 1000;

/** POSTs `/-/reload`; anything but 200 is a failure. */
export function reloadOverHttp(client: PrometheusClient): TriggerReload {
  return (signal) => client.reload(signal);
}

interface ConfigStatus {
  readonly ok: boolean;
  readonly loadedMs: number;
}

async function configStatus(client: PrometheusClient, signal: AbortSignal): Promise<ConfigStatus> {
  const { data } = await client.api("/api/v1/status/runtimeinfo", [], signal);
  const { reloadConfigSuccess, lastConfigTime } = (data ?? {}) as Record<string, unknown>;
  return { ok: reloadConfigSuccess === true, loadedMs: Date.parse(String(lastConfigTime)) || 0 };
}

/** Process id of the first process whose executable has this name. */
export async function findProcess(name: string, proc = "/proc"): Promise<number> {
  for (const entry of await readdir(proc)) {
    if (!/^\d+$/.test(entry)) continue;
    const path = await readlink(`${proc}/${entry}/exe`).catch(() => "");
    const found = basename(path.replace(/ \(deleted\)$/, ""));
    if (found === name) return Number(entry);
    if (path !== "") continue;
    // Executables of other users cannot be read; their short names can.
    const short = await readFile(`${proc}/${entry}/comm`, "utf8").catch(() => "");
    if (short.trim() === name) return Number(entry);
  }
  throw new AppError("APP_CONFIG", `no process found whose executable is named ${name}`);
}

/** Sends SIGHUP and waits until a newer configuration is loaded. */
export function reloadBySignal(client: PrometheusClient, processName: string): TriggerReload {
  return async (signal) => {
    const before = await configStatus(client, signal);
    process.kill(await findProcess(processName), "SIGHUP");
    for (;;) {
      const now = await configStatus(client, signal);
      if (now.ok && now.loadedMs > before.loadedMs) return;
      if (before.ok && !now.ok) throw new AppError("APP_CONFIG", "configuration reload has failed");
      await pause(pollMs, signal);
      signal.throwIfAborted();
    }
  };
}
