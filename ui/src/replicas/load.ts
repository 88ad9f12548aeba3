// Fetches the raw samples of each replica, and the server's own merge to compare with.
import { call, type Params } from "../api/client.ts";
import type { Messages } from "../api/messages.ts";
import type { MatrixSeries, QueryData } from "../api/types.ts";
import { commonParams } from "../query/panel-model.ts";
import { newestDataMs, replicaLabels } from "../state/stores.ts";
import type { PanelState } from "../url/panel-state.ts";
import { type DedupFunc, groupReplicas, type ReplicaGroup, type ReplicaLane } from "./trace.ts";

/** At most this many series are compared. */
export const groupsMax = 20;
/** `fill` looks this far around the window, in milliseconds, as the server does. */
const marginMs = 1_800_000;

/** What the tab shows. */
export interface ReplicaData {
  readonly func: DedupFunc;
  readonly replicaLabels: readonly string[];
  readonly groups: readonly ReplicaGroup[];
  /** The server's merge, by the same order as `groups`. */
  readonly server: ReadonlyArray<ReplicaLane | null>;
  readonly messages: Messages;
  /** How many series there are; only some of them are compared. */
  readonly groupCount: number;
  readonly fromMs: number;
  readonly toMs: number;
}

async function dedupFunc(): Promise<DedupFunc> {
  try {
    const { data } = await call<Record<string, string>>("status/flags");
    const func = data["deduplication.func"];
    if (func === "penalty" || func === "chain" || func === "fill") return func;
    // Thanos writes an empty flag for its default.
    return "deduplication.func" in data ? "penalty" : "fill";
  } catch {
    return "fill";
  }
}

function matrix(data: QueryData): readonly MatrixSeries[] {
  return data.resultType === "matrix" ? data.result : [];
}

/** Reads the raw samples of `selector` over the panel's range. Throws as `call` does. */
export async function loadReplicas(
  state: PanelState,
  selector: string,
  abort: AbortSignal,
): Promise<ReplicaData> {
  const toMs = state.endMs ?? newestDataMs();
  const fromMs = toMs - state.rangeMs;
  const labels = replicaLabels.value ?? [];
  const func = await dedupFunc();
  const margin = func === "fill" ? marginMs : 0;
  const ask = (dedup: boolean, from: number, to: number) => {
    const params: Params = {
      ...commonParams(state),
      // A range selector leaves out its start, so it begins a millisecond before.
      query: `${selector}[${Math.round(to - from) + 1}ms]`,
      time: to / 1000,
      dedup: String(dedup),
      max_source_resolution: "0s",
    };
    return call<QueryData>("query", params, { post: true, signal: abort, tenant: state.tenant });
  };
  const [raw, merged] = await Promise.all([
    ask(false, fromMs - margin, toMs + margin),
    ask(true, fromMs, toMs),
  ]);
  const all = groupReplicas(matrix(raw.data), labels);
  const groups = all.slice(0, groupsMax);
  const theirs = new Map(
    groupReplicas(matrix(merged.data), labels).map((g) => [JSON.stringify(g.labels), g.lanes[0]]),
  );
  return {
    func,
    replicaLabels: labels,
    groups,
    server: groups.map((g) => theirs.get(JSON.stringify(g.labels)) ?? null),
    messages: raw.messages,
    groupCount: all.length,
    fromMs,
    toMs,
  };
}
