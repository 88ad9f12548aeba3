// Series that name their tenant in a label: the label goes, the tenant gets the series.
import { decodeText, LabelCursor } from "@deucalion/model";
import { ProtoWriter } from "@deucalion/rpc";
import { SeriesList, type TenantSeries } from "./series-list.ts";
import { TimeSeriesView } from "./time-series.ts";

/** Splits a list by the value of a label, which is taken off; series without it stay with `tenant`. */
export function takeLabel(
  series: SeriesList,
  label: string,
  tenant: string,
  check: (tenant: string) => void,
): TenantSeries[] {
  const out = new ProtoWriter(series.data.length);
  const found: { tenant: string; start: number; end: number }[] = [];
  const view = new TimeSeriesView();
  const cursor = new LabelCursor();
  for (let i = 0; i < series.count; i++) {
    const start = series.starts[i]!;
    const end = series.ends[i]!;
    view.read(series.data, start, end);
    const { labels } = view;
    cursor.reset(labels);
    let from = labels.start;
    let name = tenant;
    let labelStart = -1;
    let labelEnd = -1;
    while (cursor.next()) {
      const stop = Math.max(cursor.nameEnd, cursor.valueEnd);
      const same = decodeText(labels.data, cursor.nameStart, cursor.nameEnd) === label;
      if (same && cursor.valueEnd > cursor.valueStart) {
        name = decodeText(labels.data, cursor.valueStart, cursor.valueEnd);
        labelStart = from;
        labelEnd = stop;
      }
      from = stop;
    }
    const at = out.length;
    if (labelStart < 0 || labels.data !== series.data) {
      out.raw(series.data, start, end);
    } else {
      check(name);
      out.raw(series.data, start, labelStart);
      out.raw(series.data, labelEnd, end);
    }
    found.push({ tenant: labelStart < 0 ? tenant : name, start: at, end: out.length });
  }
  const data = out.finish();
  const lists = new Map<string, SeriesList>();
  for (const one of found) {
    let list = lists.get(one.tenant);
    if (list === undefined) {
      list = new SeriesList(data);
      lists.set(one.tenant, list);
    }
    list.add(one.start, one.end);
  }
  return [...lists].map(([of, list]) => ({ tenant: of, series: list }));
}
