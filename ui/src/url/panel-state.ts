// Everything that one query panel shows, and its form in the address: Prometheus' and Thanos' own parameter names
// (`g0.expr`, `g0.range_input`, …), so that links of theirs open here, and links of ours open there.
import { formatDurationMs, parseDurationMs } from "../format/duration.ts";
import { formatTime, parseTime } from "../format/time.ts";

/** What is shown below the expression. */
export type PanelTab = "table" | "graph" | "replicas" | "raw";

/** How far apart the points of a graph are: a density for the range, or a fixed step. */
export type Resolution =
  | { readonly kind: "auto"; readonly density: "low" | "medium" | "high" }
  | { readonly kind: "fixed"; readonly stepMs: number };

/** The state of one panel; all of it is in the address. */
export interface PanelState {
  readonly expr: string;
  readonly tab: PanelTab;
  readonly rangeMs: number;
  /** Null: now. */
  readonly endMs: number | null;
  readonly resolution: Resolution;
  readonly stacked: boolean;
  readonly fromZero: boolean;
  readonly dedup: boolean;
  /** Whether an answer without some of the stores is accepted. */
  readonly partial: boolean;
  /** `max_source_resolution`: "auto", "0s" (raw only), "5m" or "1h". */
  readonly maxSource: string;
  /** Addresses of the only stores to ask; empty: all. */
  readonly stores: readonly string[];
  /** Empty: the default tenant. */
  readonly tenant: string;
  /** Asks again this often while it shows "now"; 0: never. */
  readonly refreshMs: number;
}

/** What a new panel starts with, and what a missing parameter means. */
export const panelDefaults: PanelState = {
  expr: "",
  tab: "table",
  rangeMs: 3_600_000,
  endMs: null,
  resolution: { kind: "auto", density: "medium" },
  stacked: false,
  fromZero: false,
  dedup: true,
  partial: true,
  maxSource: "auto",
  stores: [],
  tenant: "",
  refreshMs: 0,
};

/** More panels than this in one address are not opened. */
export const panelsMax = 20;

function addressTab(text: string): PanelTab {
  if (text === "0" || text === "graph") return "graph";
  if (text === "replicas" || text === "raw") return text;
  return "table";
}

/** `[{"name":"a:10901"}]` as Thanos writes it; anything else is no filter. */
function storeAddresses(text: string): string[] {
  try {
    const list: unknown = JSON.parse(text);
    if (!Array.isArray(list)) return [];
    return list.flatMap((entry: unknown) => {
      if (typeof entry === "string") return [entry];
      if (typeof entry !== "object" || entry === null || !("name" in entry)) return [];
      return typeof entry.name === "string" ? [entry.name] : [];
    });
  } catch {
    return [];
  }
}

function decodeResolution(get: (name: string) => string | null): Resolution {
  const density = get("res_density");
  const type = get("res_type");
  const step = parseDurationMs(get("res_step") ?? get("step_input") ?? "");
  if (type !== "auto" && step !== null) return { kind: "fixed", stepMs: step };
  return {
    kind: "auto",
    density: density === "low" || density === "high" ? density : "medium",
  };
}

/** Not more often than every five seconds, whatever a link says. */
function refreshOf(ms: number | null): number {
  return ms === null ? 0 : Math.max(5_000, ms);
}

function decodePanel(get: (name: string) => string | null): PanelState {
  const d = panelDefaults;
  const flag = (name: string, missing: boolean): boolean => {
    const text = get(name);
    return text === null ? missing : text === "1" || text === "true";
  };
  const end = get("end_input") ?? get("moment_input");
  const maxSource = get("max_source_resolution");
  return {
    expr: get("expr") ?? d.expr,
    tab: addressTab(get("tab") ?? ""),
    rangeMs: parseDurationMs(get("range_input") ?? "") ?? d.rangeMs,
    endMs: end === null || end === "" ? null : parseTime(end, "UTC"),
    resolution: decodeResolution(get),
    stacked: flag("stacked", false) || get("display_mode") === "stacked",
    fromZero: get("y_axis_min") === "0",
    dedup: flag("deduplicate", d.dedup),
    partial: flag("partial_response", d.partial),
    maxSource: maxSource === null || maxSource === "" ? d.maxSource : maxSource,
    stores: storeAddresses(get("store_matches") ?? ""),
    tenant: get("tenant") ?? d.tenant,
    refreshMs: refreshOf(parseDurationMs(get("refresh") ?? "")),
  };
}

/** Reads the panels out of a query string (with or without "?"); always at least one. */
export function decodePanels(search: string): PanelState[] {
  const params = new URLSearchParams(search);
  const numbers = new Set<number>();
  for (const key of params.keys()) {
    const m = /^g(\d{1,4})\./.exec(key);
    if (m !== null) numbers.add(Number(m[1]));
  }
  const panels = [...numbers]
    .sort((a, b) => a - b)
    .slice(0, panelsMax)
    .map((n) => decodePanel((name) => params.get(`g${n}.${name}`)));
  return panels.length === 0 ? [panelDefaults] : panels;
}

function encodePanel(panel: PanelState): Array<readonly [string, string]> {
  const d = panelDefaults;
  const out: Array<readonly [string, string]> = [
    ["expr", panel.expr],
    ["tab", panel.tab],
    ["range_input", formatDurationMs(panel.rangeMs)],
  ];
  if (panel.endMs !== null) {
    const time = formatTime(panel.endMs, "UTC", true);
    out.push(["end_input", time], ["moment_input", time]);
  }
  if (panel.resolution.kind === "fixed") {
    out.push(["res_type", "fixed"], ["res_step", String(panel.resolution.stepMs / 1000)]);
  } else if (panel.resolution.density !== "medium") {
    out.push(["res_type", "auto"], ["res_density", panel.resolution.density]);
  }
  if (panel.stacked) out.push(["display_mode", "stacked"], ["stacked", "1"]);
  if (panel.fromZero) out.push(["y_axis_min", "0"]);
  if (panel.dedup !== d.dedup) out.push(["deduplicate", "0"]);
  if (panel.partial !== d.partial) out.push(["partial_response", "0"]);
  if (panel.maxSource !== d.maxSource) out.push(["max_source_resolution", panel.maxSource]);
  if (panel.stores.length > 0) {
    out.push(["store_matches", JSON.stringify(panel.stores.map((name) => ({ name })))]);
  }
  if (panel.tenant !== "") out.push(["tenant", panel.tenant]);
  if (panel.refreshMs > 0) out.push(["refresh", formatDurationMs(panel.refreshMs)]);
  return out;
}

/** Writes the panels as a query string with "?"; empty if there is nothing but one untouched panel. */
export function encodePanels(panels: readonly PanelState[]): string {
  const [only] = panels;
  if (panels.length === 1 && only !== undefined && isUntouched(only)) return "";
  const parts = panels.flatMap((panel, i) =>
    encodePanel(panel).map(([name, value]) => `g${i}.${name}=${encodeURIComponent(value)}`),
  );
  return `?${parts.join("&")}`;
}

function isUntouched(panel: PanelState): boolean {
  return JSON.stringify(panel) === JSON.stringify(panelDefaults);
}

const densityPoints = { low: 100, medium: 250, high: 750 } as const;

/** The step of a range query in milliseconds: at least one second when automatic, and never past 11,000 points. */
export function stepMs(panel: PanelState): number {
  if (panel.resolution.kind === "fixed") {
    return Math.max(panel.resolution.stepMs, Math.ceil(panel.rangeMs / 11_000));
  }
  const points = densityPoints[panel.resolution.density];
  return Math.max(1000, Math.floor(panel.rangeMs / points / 1000) * 1000);
}
