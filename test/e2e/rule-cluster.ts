// Real processes around a ruler: receivers, a querier, rulers, Alertmanager with a webhook that notes what it is told.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { SnappyEncoder } from "@deucalion/kernels";
import { encodeLabels, Labels } from "@deucalion/model";
import { ProtoWriter } from "@deucalion/rpc";
import { alertmanagerBinary, deucalion, freePort, getJson, Running } from "../support/mod.ts";

/** What a webhook is told of one alert. */
export interface Notified {
  readonly status: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
  readonly startsAt: string;
  readonly generatorURL: string;
}

/** One time series as the API gives it. */
export interface ApiSeries {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
  readonly values: readonly (readonly [number, string])[];
}

export interface ApiRule {
  readonly name: string;
  readonly type: string;
  readonly state?: string;
  readonly health: string;
  readonly lastError?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly alerts?: readonly { readonly state: string; readonly activeAt: string }[];
}

/** Writes one sample for each label set to a receiver. */
export async function remoteWrite(
  url: string,
  samples: readonly { readonly labels: Record<string, string>; readonly value: number }[],
  timeMs = Date.now(),
): Promise<void> {
  const out = new ProtoWriter();
  for (const { labels, value } of samples) {
    const series = out.open(1);
    const { data, start, end } = encodeLabels(Labels.from(labels));
    out.raw(data, start, end);
    const sample = out.open(2);
    out.tag(1, 1);
    out.double(value);
    out.tag(2, 0);
    out.svarint(timeMs);
    out.close(sample);
    out.close(series);
  }
  const body = new SnappyEncoder().encode(out.finish()).slice();
  const headers = { "content-encoding": "snappy", "content-type": "application/x-protobuf" };
  const response = await fetch(`${url}/api/v1/receive`, { method: "POST", headers, body });
  if (!response.ok) throw new Error(`remote write: ${response.status} ${await response.text()}`);
}

/** The value of the series whose name and labels contain every text; undefined if there is none. */
export async function metric(url: string, ...texts: string[]): Promise<number | undefined> {
  const response = await fetch(`${url}/metrics`);
  const line = (await response.text())
    .split("\n")
    .find((one) => !one.startsWith("#") && texts.every((text) => one.includes(text)));
  return line === undefined ? undefined : Number(line.slice(line.lastIndexOf(" ") + 1));
}

/** A receiver: where it is written to and asked. */
export interface Receiver {
  readonly process: Running;
  readonly writeUrl: string;
  readonly grpc: string;
}

export class RuleCluster {
  readonly dir: string;
  readonly #t: TestContext;
  queryUrl = "";
  queryGrpc = "";

  constructor(t: TestContext) {
    this.#t = t;
    this.dir = mkdtempSync(join(tmpdir(), "deucalion-rules-"));
    t.after(() => rmSync(this.dir, { recursive: true, force: true }));
  }

  #keep(running: Running): Running {
    this.#t.after(() => running.stop());
    return running;
  }

  async receiver(name: string): Promise<Receiver> {
    const [http, grpc, write] = [await freePort(), await freePort(), await freePort()];
    const process = deucalion(`receive ${name}`, [
      "receive",
      `--http-address=127.0.0.1:${http}`,
      `--grpc-address=127.0.0.1:${grpc}`,
      `--remote-write.address=127.0.0.1:${write}`,
      `--tsdb.path=${join(this.dir, name)}`,
      `--label=receiver="${name}"`,
    ]);
    await this.#keep(process).ready(`http://127.0.0.1:${http}/-/ready`);
    return { process, writeUrl: `http://127.0.0.1:${write}`, grpc: `127.0.0.1:${grpc}` };
  }

  /** The querier; `endpoints` may not be there yet. Called again it takes the same ports. */
  async querier(endpoints: readonly string[], flags: readonly string[] = []): Promise<Running> {
    if (this.queryUrl === "") {
      this.queryUrl = `http://127.0.0.1:${await freePort()}`;
      this.queryGrpc = `127.0.0.1:${await freePort()}`;
    }
    const running = deucalion("query", [
      "query",
      `--http-address=${this.queryUrl.slice("http://".length)}`,
      `--grpc-address=${this.queryGrpc}`,
      "--endpoint.info-timeout=1s",
      ...endpoints.map((address) => `--endpoint=${address}`),
      ...flags,
    ]);
    return this.#keep(running).ready(`${this.queryUrl}/-/ready`);
  }

  /** Starts a ruler and waits until it has loaded its rules. */
  async ruler(
    ports: { readonly http: number; readonly grpc: number },
    flags: readonly string[],
  ): Promise<Running> {
    const running = deucalion("rule", [
      "rule",
      `--http-address=127.0.0.1:${ports.http}`,
      `--grpc-address=127.0.0.1:${ports.grpc}`,
      ...flags,
    ]);
    await this.#keep(running).ready(`http://127.0.0.1:${ports.http}/-/ready`);
    return running;
  }

  /** Writes a file below the cluster's folder and returns its path. */
  file(name: string, text: string): string {
    const path = join(this.dir, name);
    mkdirSync(join(path, ".."), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  /** A real Alertmanager that sends everything at once to a webhook; what that is told is in the list. */
  async alertmanager(): Promise<{ readonly url: string; readonly notified: Notified[] }> {
    const notified: Notified[] = [];
    const hook = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on("data", (part: Buffer) => parts.push(part));
      request.on("end", () => {
        const { alerts } = JSON.parse(Buffer.concat(parts).toString()) as { alerts: Notified[] };
        notified.push(...alerts);
        response.end();
      });
    });
    await new Promise<void>((resolve) => hook.listen(0, "127.0.0.1", resolve));
    this.#t.after(() => {
      hook.closeAllConnections();
      hook.close();
    });
    const address = hook.address();
    const hookPort = typeof address === "object" && address !== null ? address.port : 0;
    const config = this.file(
      "alertmanager.yml",
      `route: {receiver: hook, group_by: ["..."], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers:
- name: hook
  webhook_configs: [{url: "http://127.0.0.1:${hookPort}/", send_resolved: true}]
`,
    );
    const port = await freePort();
    const running = new Running("alertmanager", alertmanagerBinary(), [
      `--config.file=${config}`,
      `--storage.path=${join(this.dir, "alertmanager")}`,
      `--web.listen-address=127.0.0.1:${port}`,
      "--cluster.listen-address=",
    ]);
    await this.#keep(running).ready(`http://127.0.0.1:${port}/-/ready`);
    return { url: `http://127.0.0.1:${port}`, notified };
  }

  async query(expr: string, path = "query", more = ""): Promise<readonly ApiSeries[]> {
    const { body } = await getJson(
      `${this.queryUrl}/api/v1/${path}?query=${encodeURIComponent(expr)}${more}`,
    );
    return (body as { data: { result: ApiSeries[] } }).data.result;
  }
}

/** Rules as `/api/v1/rules` of a ruler or querier shows them. */
export async function rulesOf(url: string, params = ""): Promise<readonly ApiRule[]> {
  const { body } = await getJson(`${url}/api/v1/rules?${params}`);
  const { groups } = (body as { data: { groups: { rules: ApiRule[] }[] } }).data;
  return groups.flatMap(({ rules }) => rules);
}
