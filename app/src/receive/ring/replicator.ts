// Spreads series over the receivers of the hashring, as many copies as asked for, and waits for a quorum of each.
import { ProtoWriter } from "@deucalion/rpc";
import { ReceiveError, type ReceiveErrorCode } from "../errors.ts";
import { isTenantName } from "../tenants/tenant-stores.ts";
import type { LocalWriter } from "../write/local-writer.ts";
import { SeriesList, type TenantSeries } from "../write/series-list.ts";
import { takeLabel } from "../write/take-label.ts";
import { TimeSeriesView } from "../write/time-series.ts";
import { lateField } from "../write/write-service.ts";
import type { Hashrings, SeriesHasher } from "./hashring.ts";
import type { Peers } from "./peers.ts";

export type ReceiverMode = "RouterOnly" | "IngestorOnly" | "RouterIngestor";

export interface ReplicatorOptions {
  readonly mode: ReceiverMode;
  readonly replicationFactor: number;
  /** This receiver's address in the hashrings. */
  readonly localEndpoint: string;
  /** Label that names the tenant of a series; "" for none. */
  readonly splitTenantLabel: string;
  readonly timeoutMs: number;
}

export interface ReplicatorDeps {
  readonly local: LocalWriter;
  readonly peers: Peers;
  readonly hasher: SeriesHasher;
  /** Null while there is none: everything is written here. */
  readonly hashrings: () => Hashrings | null;
  readonly forwarded: (ok: boolean, replication: boolean) => void;
  /** Keeps what a receiver could not be given; null keeps nothing. */
  readonly handoff: HandoffQueues | null;
}

/** Where requests wait for receivers that are away. */
export interface HandoffQueues {
  /** True while something waits: what comes now belongs behind it. */
  isWaiting(address: string): boolean;
  /** Keeps an encoded thanos.WriteRequest; drops it where there is no room. */
  push(address: string, request: Uint8Array): void;
  /** Keeps an encoded thanos.WriteRequest; false where there is no room, and then it is still the caller's. */
  offer(address: string, request: Uint8Array): boolean;
}

/** Copies of some series that go to one receiver in one request. */
interface Group {
  readonly address: string;
  readonly local: boolean;
  /** From 0. */
  readonly replica: number;
  readonly tenants: Map<string, SeriesList[]>;
  /** Numbers of the series, over all tenants of the request. */
  readonly ids: number[];
}

/** Writes requests to all receivers that own their series. */
export class Replicator {
  readonly #options: ReplicatorOptions;
  readonly #deps: ReplicatorDeps;
  readonly #view = new TimeSeriesView();

  constructor(options: ReplicatorOptions, deps: ReplicatorDeps) {
    this.#options = options;
    this.#deps = deps;
  }

  /** Copies that must be written before a series counts as written. */
  get quorum(): number {
    const { replicationFactor } = this.#options;
    return replicationFactor === 2 ? 1 : Math.floor(replicationFactor / 2) + 1;
  }

  /**
   * A request of another receiver, for the copy `replica` (from 1, 0 for one that was not replicated yet). A copy stays
   * here even if this receiver's hashring says otherwise: rings change at different moments, and two receivers that each
   * think it the other's would hand it to and fro. `late` requests were kept while this receiver was away. Throws
   * ReceiveError.
   */
  async writeReceived(
    parts: readonly TenantSeries[],
    replica: number,
    late: boolean,
  ): Promise<void> {
    const { mode, replicationFactor } = this.#options;
    if (mode !== "RouterIngestor" || replica === 0 || replica > replicationFactor) {
      await this.write(parts, replica, late);
      return;
    }
    await this.#deps.local.writeAll(this.#split(parts), late);
  }

  /** `replica` is from 1, 0 for a request that was not replicated yet. Throws ReceiveError. */
  async write(parts: readonly TenantSeries[], replica: number, late = false): Promise<void> {
    const { mode, replicationFactor } = this.#options;
    // In these modes the number only comes from a receiver of another kind.
    const number = mode === "RouterIngestor" ? replica : 0;
    if (number > replicationFactor) {
      throw new ReceiveError(
        "RECEIVE_REPLICA",
        "request replica exceeds receiver replication factor",
      );
    }
    const rings = this.#deps.hashrings();
    const split = this.#split(parts);
    if (rings === null || mode === "IngestorOnly") {
      await this.#deps.local.writeAll(split, late);
      return;
    }
    const replicated = number > 0;
    const replicas = replicated
      ? [number - 1]
      : Array.from({ length: replicationFactor }, (_, n) => n);
    const { groups, count } = this.#distribute(split, replicas, rings);
    const only = groups.length === 1 ? groups[0]! : null;
    if (only?.local === true && replicas.length === 1) {
      await this.#send(only, { replicated, late });
      return;
    }
    const quorum = replicated ? 1 : this.quorum;
    await this.#await(groups, count, quorum, replicas.length, { replicated, late });
  }

  /** Gives series that name their tenant to it. */
  #split(parts: readonly TenantSeries[]): readonly TenantSeries[] {
    const label = this.#options.splitTenantLabel;
    if (label === "") return parts;
    return parts.flatMap(({ tenant, series }) =>
      takeLabel(series, label, tenant, (name) => {
        if (!isTenantName(name)) throw new ReceiveError("RECEIVE_TENANT", "tenant name not valid");
      }),
    );
  }

  #distribute(
    parts: readonly TenantSeries[],
    replicas: readonly number[],
    rings: Hashrings,
  ): { groups: Group[]; count: number } {
    const { hasher } = this.#deps;
    const { localEndpoint } = this.#options;
    const groups = new Map<string, Group>();
    const view = this.#view;
    let id = 0;
    for (const { tenant, series } of parts) {
      const ring = rings.ringOf(tenant);
      const lists = new Map<Group, SeriesList>();
      for (let i = 0; i < series.count; i++, id++) {
        view.read(series.data, series.starts[i]!, series.ends[i]!);
        hasher.hash(tenant, view.labels);
        const { high, low } = hasher;
        for (const replica of replicas) {
          const endpoint = ring.pick(tenant, high, low, replica);
          const key = `${replica} ${endpoint.address}`;
          let group = groups.get(key);
          if (group === undefined) {
            const local =
              endpoint.address === localEndpoint || endpoint.capnprotoAddress === localEndpoint;
            group = { address: endpoint.address, local, replica, tenants: new Map(), ids: [] };
            groups.set(key, group);
          }
          let list = lists.get(group);
          if (list === undefined) {
            list = new SeriesList(series.data);
            lists.set(group, list);
            const known = group.tenants.get(tenant);
            if (known === undefined) group.tenants.set(tenant, [list]);
            else known.push(list);
          }
          list.addFrom(series, i);
          group.ids.push(id);
        }
      }
    }
    return { groups: [...groups.values()], count: id };
  }

  async #send(group: Group, { replicated, late }: Origin): Promise<void> {
    if (group.local) {
      const parts = [...group.tenants].flatMap(([tenant, lists]) =>
        lists.map((series) => ({ tenant, series })),
      );
      await this.#deps.local.writeAll(parts, late);
      return;
    }
    try {
      await this.#deps.peers.write(group.address, encodeWriteRequest(group, late));
      this.#deps.forwarded(true, !replicated);
    } catch (error) {
      const conflict = error instanceof ReceiveError && error.code === "RECEIVE_CONFLICT";
      if (!conflict) this.#deps.forwarded(false, !replicated);
      throw error;
    }
  }

  /** Sends all groups and answers as soon as every series is decided; what is under way goes on. */
  #await(
    groups: readonly Group[],
    count: number,
    quorum: number,
    replicas: number,
    origin: Origin,
  ): Promise<void> {
    const failuresMax = replicas - quorum + 1;
    const successes = new Uint8Array(count);
    const failures = new Uint8Array(count);
    const conflicts = new Uint8Array(count);
    const errors: { readonly error: unknown; readonly ids: readonly number[] }[] = [];
    const handoff = origin.replicated ? null : this.#deps.handoff;
    // What already waits for a receiver is older: this would overtake it.
    let waiting = groups.filter(
      ({ local, address }) => !local && handoff?.isWaiting(address) === true,
    );
    if (waiting.length === groups.length) waiting = [];
    const missed: Group[] = [];
    let open = groups.length;
    let undecided = count;
    let outcome: "open" | "taken" | "failed" = "open";
    return new Promise((resolve, reject) => {
      const keep = (group: Group): void =>
        handoff?.push(group.address, encodeWriteRequest(group, true));
      const finish = (): void => {
        if (outcome !== "open") return;
        clearTimeout(timer);
        const error = decide(errors, failures, quorum, failuresMax);
        // After a fault that may be mended the sender repeats all of it.
        outcome = error === null || isPermanent(error.code) ? "taken" : "failed";
        if (outcome === "taken") {
          for (const group of missed) keep(group);
          // Without room the receiver is asked at once: it may be back, and would lack this for ever.
          for (const group of waiting)
            if (handoff?.offer(group.address, encodeWriteRequest(group, true)) !== true)
              send(group);
        }
        if (error === null) resolve();
        else reject(error);
      };
      const timer = setTimeout(() => {
        outcome = "failed";
        reject(
          new ReceiveError("RECEIVE_UNAVAILABLE", "context deadline exceeded: no quorum in time"),
        );
      }, this.#options.timeoutMs);
      const isOpen = (id: number): boolean =>
        successes[id]! < quorum && conflicts[id]! < failuresMax;
      const settle = (group: Group, error: unknown): void => {
        open--;
        const conflict = error instanceof ReceiveError && isPermanent(error.code);
        if (error !== null) errors.push({ error, ids: group.ids });
        if (!group.local && isAway(error)) {
          if (outcome === "taken") keep(group);
          else missed.push(group);
        }
        for (const id of group.ids) {
          const was = isOpen(id);
          if (error === null) successes[id]!++;
          else {
            failures[id]!++;
            if (conflict) conflicts[id]!++;
          }
          if (was && !isOpen(id)) undecided--;
        }
        if (open === 0 || undecided === 0) finish();
        else if (open === waiting.length && outcome === "open") {
          // There is no quorum without those that are still catching up.
          const rest = waiting;
          waiting = [];
          for (const one of rest) send(one);
        }
      };
      const send = (group: Group): void =>
        void this.#send(group, origin).then(
          () => settle(group, null),
          (error: unknown) => settle(group, error),
        );
      if (groups.length === 0) finish();
      for (const group of groups) if (!waiting.includes(group)) send(group);
    });
  }
}

/** Where a request comes from: another receiver, which may have kept it for a while. */
interface Origin {
  readonly replicated: boolean;
  readonly late: boolean;
}

/** True for faults of receivers that are not there, or not yet. */
function isAway(error: unknown): boolean {
  if (!(error instanceof ReceiveError)) return false;
  return error.code === "RECEIVE_UNAVAILABLE" || error.code === "RECEIVE_NOT_READY";
}

/** Faults that no repetition mends. */
function isPermanent(code: ReceiveErrorCode): boolean {
  return code === "RECEIVE_CONFLICT" || code === "RECEIVE_BODY";
}

/** What the whole request has come to: what may be mended by repeating goes before what may not. */
function decide(
  errors: readonly { readonly error: unknown; readonly ids: readonly number[] }[],
  failures: Uint8Array,
  quorum: number,
  failuresMax: number,
): ReceiveError | null {
  const counts = new Map<number, Map<ReceiveErrorCode, number>>();
  const texts = new Map<ReceiveErrorCode, string>();
  let failed = 0;
  for (const { error, ids } of errors) {
    const code = error instanceof ReceiveError ? error.code : "RECEIVE_STORAGE";
    let concerned = false;
    for (const id of ids) {
      if (failures[id]! < failuresMax) continue;
      concerned = true;
      const of = counts.get(id) ?? new Map<ReceiveErrorCode, number>();
      counts.set(id, of);
      of.set(code, (of.get(code) ?? 0) + 1);
    }
    if (concerned && !texts.has(code)) {
      texts.set(code, error instanceof Error ? error.message : String(error));
    }
  }
  const causes = new Set<ReceiveErrorCode>();
  for (const of of counts.values()) {
    failed++;
    const [most] = [...of].sort((a, b) => b[1] - a[1]);
    if (most![1] >= quorum) causes.add(most![0]);
    else {
      const total = [...of.values()].reduce((sum, n) => sum + n, 0);
      causes.add(total >= quorum ? "RECEIVE_UNAVAILABLE" : most![0]);
    }
  }
  if (failed === 0) return null;
  const order: readonly ReceiveErrorCode[] = [
    "RECEIVE_UNAVAILABLE",
    "RECEIVE_NOT_READY",
    "RECEIVE_OVERLOADED",
    "RECEIVE_STORAGE",
    "RECEIVE_CONFLICT",
  ];
  const code = order.find((one) => causes.has(one)) ?? [...causes][0]!;
  const details = [...texts.values()].join("; ");
  return new ReceiveError(code, `${failed} series without quorum: ${details}`);
}

/** A thanos.WriteRequest with the series of a group, copied byte by byte. */
function encodeWriteRequest(group: Group, late: boolean): Uint8Array {
  const out = new ProtoWriter(1 << 16);
  for (const [tenant, lists] of group.tenants) {
    const mark = out.open(4);
    for (const { data, starts, ends } of lists) {
      for (let i = 0; i < starts.length; i++) {
        out.tag(1, 2);
        out.uvarint(ends[i]! - starts[i]!);
        out.raw(data, starts[i]!, ends[i]!);
      }
    }
    out.string(2, tenant);
    out.close(mark);
  }
  out.tag(3, 0);
  out.uvarint(group.replica + 1);
  if (late) {
    out.tag(lateField, 0);
    out.uvarint(1);
  }
  return out.finish();
}
