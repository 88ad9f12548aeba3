// info(): adds the labels of info series (target_info, build_info, …) to the series of the same target.
import { Labels, type Matcher } from "@deucalion/model";
import { PromqlError } from "../../errors.ts";
import { Row } from "../../row.ts";
import { unwrap } from "../arguments.ts";
import type { EvalContext, VectorFunction } from "../contract.ts";
import {
  identifyingLabels,
  identifyingMatchers,
  infoTime,
  nameMatchers,
} from "./info-selection.ts";

const nameLabel = "__name__";

/** Info series of one name and target; at every step the newest one counts. */
interface InfoGroup {
  readonly name: string;
  readonly rows: Row[];
  /** Index of the newest row at each step, −1 for none. */
  chosen: Int32Array;
}

function targetOf(labels: Labels): string {
  return identifyingLabels.map((name) => `${labels.get(name)}\u0000`).join("");
}

function fail(message: string): never {
  throw new PromqlError("PROMQL_EXECUTION", message, {});
}

/** Groups by target, then by name. `anyBase` marks the steps at which there is something to enrich. */
function groupInfo(
  rows: readonly Row[],
  anyBase: Uint8Array,
): ReadonlyMap<string, readonly InfoGroup[]> {
  const groups = new Map<string, InfoGroup>();
  const byTarget = new Map<string, InfoGroup[]>();
  for (const row of rows) {
    const name = row.labels.get(nameLabel);
    const target = targetOf(row.labels);
    const key = `${target}${name}`;
    let group = groups.get(key);
    if (group === undefined) {
      group = { name, rows: [], chosen: new Int32Array(0) };
      groups.set(key, group);
      const list = byTarget.get(target);
      if (list === undefined) byTarget.set(target, [group]);
      else list.push(group);
    }
    group.rows.push(row);
  }
  for (const group of groups.values()) group.chosen = newest(group.rows, anyBase);
  return byTarget;
}

function newest(rows: readonly Row[], anyBase: Uint8Array): Int32Array {
  const chosen = new Int32Array(anyBase.length).fill(-1);
  rows.forEach((row, index) => {
    for (let i = 0; i < chosen.length; i++) {
      if (row.present[i] === 0 || anyBase[i] === 0) continue;
      const before = chosen[i]!;
      const known = before < 0 ? -Infinity : rows[before]!.values[i]!;
      const time = row.values[i]!;
      if (time === known) {
        fail(
          `found duplicate series for info metric: existing ${seriesText(rows[before]!.labels)} @ ${known}, new ${seriesText(row.labels)} @ ${time}`,
        );
      }
      if (time > known) chosen[i] = index;
    }
  });
  return chosen;
}

function seriesText(labels: Labels): string {
  return labels.toString();
}

/** What the second argument asks of data labels: all matchers by label name, the metric name left out. */
type DataMatchers = ReadonlyMap<string, readonly Matcher[]>;

function matchesAbsence(matchers: DataMatchers): boolean {
  for (const list of matchers.values()) {
    if (list.some((matcher) => !matcher.matches(""))) return false;
  }
  return true;
}

/** Labels of `base` with the data labels of the chosen info series. */
function enrichedLabels(base: Labels, infoRows: readonly Row[], wanted: DataMatchers): Labels {
  const added = new Map<string, string>();
  for (const row of infoRows) {
    for (const [name, value] of row.labels) {
      if (name === nameLabel || (wanted.size > 0 && !wanted.has(name))) continue;
      const known = added.get(name);
      if (known !== undefined && known !== value) fail(`conflicting label: ${name}`);
      if (!base.has(name)) added.set(name, value);
    }
  }
  return added.size === 0 ? base : Labels.from([...base, ...added]);
}

/** Splits a row by the info series that hold at each step. */
function enrich(row: Row, groups: readonly InfoGroup[], wanted: DataMatchers): Row[] {
  const keepBare = matchesAbsence(wanted);
  const outputs = new Map<string, Row | null>();
  for (let i = 0; i < row.present.length; i++) {
    if (row.present[i] === 0) continue;
    let key = "";
    for (const group of groups) key += `${group.chosen[i]},`;
    let out = outputs.get(key);
    if (out === undefined) {
      const chosen = groups.filter((group) => group.chosen[i]! >= 0);
      if (chosen.length === 0 && !keepBare) out = null;
      else {
        const infoRows = chosen.map((group) => group.rows[group.chosen[i]!]!);
        const labels = enrichedLabels(row.labels, infoRows, wanted);
        out = Row.empty(labels, row.present.length, row.dropName);
      }
      outputs.set(key, out);
    }
    if (out === null) continue;
    const histogram = row.histograms?.[i];
    if (histogram === undefined) out.setFloat(i, row.values[i]!);
    else out.setHistogram(i, histogram);
  }
  return [...outputs.values()].filter((out) => out !== null);
}

const info: VectorFunction = {
  kind: "vector",
  apply: async (inputs, call, ctx) => {
    const rows = inputs[0] ?? [];
    const selector = call.args[1] === undefined ? undefined : unwrap(call.args[1]);
    const given = selector?.kind === "vector" ? selector.matchers : [];
    const names = nameMatchers(given.filter((matcher) => matcher.name === nameLabel));
    const dataMatchers = given.filter((matcher) => matcher.name !== nameLabel);
    const wanted = new Map<string, Matcher[]>();
    for (const matcher of dataMatchers) {
      const list = wanted.get(matcher.name);
      if (list === undefined) wanted.set(matcher.name, [matcher]);
      else list.push(matcher);
    }
    const isInfo = (row: Row): boolean => {
      const name = row.labels.get(nameLabel);
      return names.every((matcher) => matcher.matches(name));
    };
    const bases = rows.filter((row) => !isInfo(row));
    const infoRows = await selectInfo(bases, [...dataMatchers, ...names], call.args[0]!, ctx);
    const anyBase = new Uint8Array(ctx.steps.count);
    for (const row of rows) {
      for (let i = 0; i < anyBase.length; i++) anyBase[i]! |= row.present[i]!;
    }
    const groups = groupInfo(infoRows, anyBase);
    const out: Row[] = [];
    for (const row of rows) {
      if (isInfo(row)) out.push(row);
      else out.push(...enrich(row, groups.get(targetOf(row.labels)) ?? [], wanted));
    }
    return out;
  },
};

async function selectInfo(
  bases: readonly Row[],
  matchers: readonly Matcher[],
  expr: Parameters<typeof infoTime>[0],
  ctx: EvalContext,
): Promise<Row[]> {
  const identifying = identifyingMatchers(bases);
  if (identifying === null) return [];
  const { offsetMs, atMs } = infoTime(expr, ctx);
  return ctx.select({
    matchers: [...identifying, ...matchers],
    offsetMs,
    ...(atMs === undefined ? {} : { atMs }),
    sampleTimes: true,
  });
}

/** `info` by name. */
export const infoFunctions: ReadonlyMap<string, VectorFunction> = new Map([["info", info]]);
