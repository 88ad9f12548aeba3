// Reads the list of stores from our `/api/v1/endpoints` or from Thanos' `/api/v1/stores`, and what follows from it.
import type { Endpoint } from "../api/types.ts";
import type { LabelMap } from "../format/labels.ts";
import { formatLabels } from "../format/labels.ts";

/** Times beyond these mean "no bound": Thanos sends the extremes of a 64-bit integer. */
const farPastMs = Date.UTC(1971, 0, 1);
const farFutureMs = Date.UTC(2200, 0, 1);

type Json = Readonly<Record<string, unknown>>;

function isObject(value: unknown): value is Json {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A label set: `{a: "b"}`, or `{labels: [{name, value}]}` as older Thanos writes it. */
function readLabelSet(value: unknown): LabelMap {
  if (!isObject(value)) return {};
  const list = value["labels"];
  const pairs: Array<[string, string]> = Array.isArray(list)
    ? list.filter(isObject).map((l) => [String(l["name"]), String(l["value"])])
    : Object.entries(value).map(([k, v]) => [k, String(v)]);
  return Object.fromEntries(pairs);
}

function readMs(value: unknown): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "string" || value === "" || value.startsWith("0001-")) return null;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? null : ms;
}

function readError(value: unknown): string | null {
  if (typeof value === "string") return value === "" ? null : value;
  if (isObject(value)) {
    return typeof value["message"] === "string" ? value["message"] : "unknown error";
  }
  return null;
}

/** "store" for what some servers call "storeEndpoints". */
function apiName(value: unknown): string {
  return String(value).replace(/Endpoints?$/, "");
}

function readEndpoint(value: Json, component: string): Endpoint {
  const lastError = readError(value["lastError"]);
  const state = value["state"];
  const sets = value["labelSets"] ?? value["label_sets"];
  return {
    address: String(value["address"] ?? value["name"] ?? "?"),
    component: String(value["component"] ?? component) || "unknown",
    state:
      state === "up" || state === "down" || state === "never"
        ? state
        : lastError === null
          ? "up"
          : "down",
    lastCheckMs: readMs(value["lastCheck"] ?? value["last_check"]),
    lastError,
    labelSets: Array.isArray(sets) ? sets.map(readLabelSet) : [],
    minTime: Number(value["minTime"] ?? value["min_time"] ?? 0),
    maxTime: Number(value["maxTime"] ?? value["max_time"] ?? 0),
    strict: value["strict"] === true,
    apis: Array.isArray(value["apis"]) ? value["apis"].map(apiName) : [],
  };
}

/** Reads the `data` of either route. */
export function readEndpoints(data: unknown): Endpoint[] {
  if (!isObject(data)) return [];
  const list = data["endpoints"];
  if (Array.isArray(list)) return list.filter(isObject).map((e) => readEndpoint(e, "unknown"));
  return Object.entries(data).flatMap(([component, stores]) =>
    Array.isArray(stores) ? stores.filter(isObject).map((e) => readEndpoint(e, component)) : [],
  );
}

/** Whether the store is known to hold data: an empty one announces an inverted or extreme range. */
export function hasData(e: Endpoint): boolean {
  if (e.state === "never") return false;
  return e.minTime <= e.maxTime && e.minTime < farFutureMs && e.maxTime > farPastMs;
}

/** The announced range with "no bound" as null, in milliseconds. */
export function boundedRange(e: Endpoint): { from: number | null; to: number | null } {
  return {
    from: e.minTime < farPastMs ? null : e.minTime,
    to: e.maxTime > farFutureMs ? null : e.maxTime,
  };
}

/** What all answering stores hold together; null for "no bound", undefined if nothing is known. */
export function totalRange(
  endpoints: readonly Endpoint[],
): { from: number | null; to: number | null } | undefined {
  const up = endpoints.filter((e) => e.state === "up" && hasData(e));
  if (up.length === 0) return undefined;
  const ranges = up.map(boundedRange);
  const froms = ranges.flatMap((r) => (r.from === null ? [] : [r.from]));
  const openEnd = ranges.some((r) => r.to === null);
  return {
    from: froms.length === 0 ? null : Math.min(...froms),
    to: openEnd ? null : Math.max(...ranges.map((r) => r.to ?? 0)),
  };
}

/** Pairs of leaf stores that announce the same labels although both take live data: their samples would be mixed. */
export function sameLabels(endpoints: readonly Endpoint[]): Array<readonly [Endpoint, Endpoint]> {
  const seen = new Map<string, Endpoint>();
  const out: Array<readonly [Endpoint, Endpoint]> = [];
  for (const e of endpoints) {
    if (e.state !== "up" || (e.component !== "sidecar" && e.component !== "rule")) continue;
    for (const set of e.labelSets) {
      const key = `${e.component} ${formatLabels(set)}`;
      const before = seen.get(key);
      if (before !== undefined && before.address !== e.address) out.push([before, e]);
      else seen.set(key, e);
    }
  }
  return out;
}
