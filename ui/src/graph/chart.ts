// A uPlot chart of many lines on one time axis: drag zooms, gaps stay gaps, lone points get a dot.
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { shortNumber } from "../format/number.ts";
import { timeParts, type Zone } from "../format/time.ts";
import { lonePoints, stackRows } from "./columns.ts";
import { seriesColor } from "./palette.ts";

/** What is drawn, and what the chart tells. Times in Unix seconds. */
export interface ChartInput {
  readonly times: readonly number[];
  readonly rows: ReadonlyArray<ReadonlyArray<number | null>>;
  readonly shown: readonly boolean[];
  readonly stacked: boolean;
  readonly fromZero: boolean;
  readonly zone: Zone;
  readonly dark: boolean;
  readonly height: number;
  /** The user dragged over a range. */
  readonly zoomed: (fromMs: number, toMs: number) => void;
  /** The cursor is on a step (null: left), nearest to this series (null: none near). */
  readonly hovered: (step: number | null, series: number | null, x: number, y: number) => void;
}

/** A drawn chart. */
export interface Chart {
  resize(width: number): void;
  setShown(shown: readonly boolean[]): void;
  /** Lifts one line out of the others; null: all equal. */
  highlight(series: number | null): void;
  destroy(): void;
}

const months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** Axis texts in the zone: clock times, with the day below where it changes. */
function timeLabels(splits: readonly number[], stepSeconds: number, zone: Zone): string[] {
  let before = "";
  return splits.map((s) => {
    const p = timeParts(s * 1000, zone);
    const day = `${Number(p.day)} ${months[Number(p.month) - 1]}`;
    if (stepSeconds >= 86_400 * 28) return `${months[Number(p.month) - 1]}\n${p.year}`;
    if (stepSeconds >= 86_400) return day;
    const clock = `${p.hour}:${p.minute}${stepSeconds < 60 ? `:${p.second}` : ""}`;
    const text = day === before ? clock : `${clock}\n${day}`;
    before = day;
    return text;
  });
}

function cssColor(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}

/** Draws into `parent`, whose width the chart takes. */
export function drawChart(parent: HTMLElement, input: ChartInput): Chart {
  const { rows, stacked } = input;
  const times = [...input.times];
  let shown = input.shown;
  // Stacked areas reach down to zero and are painted over each other from the highest to the lowest, so the last row comes
  // first: where a lower row has a gap, the area above it reaches further down, as the sum does.
  const order = rows.map((_row, i) => (stacked ? rows.length - 1 - i : i));
  const place = (n: number): number => (stacked ? rows.length - n : n + 1);
  const data = (): uPlot.AlignedData => {
    const made = stacked ? stackRows(rows, shown) : rows;
    return [times, ...order.map((n) => made[n] ?? [])] as uPlot.AlignedData;
  };
  const many = rows.length > 60;
  const axisInk = cssColor("--ink-3");
  const gridInk = cssColor("--grid");
  const ground = cssColor("--surface");
  const line = (n: number): uPlot.Series => {
    const color = seriesColor(n, input.dark);
    return {
      label: String(n),
      show: shown[n] ?? true,
      stroke: color,
      width: many ? 1 : 1.5,
      spanGaps: false,
      ...(stacked ? { fill: mix(color, ground) } : {}),
      points: {
        show: false,
        size: 5,
        fill: color,
        filter: (u, s) => lonePoints(u.data[s] as Array<number | null>),
      },
    };
  };
  const tz = input.zone === "local" ? null : input.zone;
  const options: uPlot.Options = {
    width: Math.max(200, parent.clientWidth),
    height: input.height,
    legend: { show: false },
    ...(tz === null
      ? {}
      : {
          tzDate: (ts: number) => uPlot.tzDate(new Date(ts * 1000), tz === "UTC" ? "Etc/UTC" : tz),
        }),
    padding: [12, 22, 0, 0],
    focus: { alpha: many ? 0.15 : 0.3 },
    cursor: {
      focus: { prox: 24 },
      points: { size: 7, width: 2 },
      drag: { x: true, y: false, setScale: false },
      bind: { dblclick: () => null },
    },
    scales: {
      x: { time: true, range: (_u, min, max) => [min, max === min ? min + 1 : max] },
      y: {
        range: (_u, min, max) => {
          const zero = input.fromZero || stacked;
          const lo = zero ? Math.min(0, min) : min;
          const hi = zero ? Math.max(0, max) : max;
          if (!Number.isFinite(lo) || !Number.isFinite(hi)) return [0, 1];
          if (lo === hi)
            return lo === 0 ? [-1, 1] : [lo - Math.abs(lo) * 0.1, hi + Math.abs(hi) * 0.1];
          const pad = (hi - lo) * 0.05;
          return [zero && lo === 0 ? 0 : lo - pad, hi + pad];
        },
      },
    },
    axes: [
      {
        stroke: axisInk,
        grid: { stroke: gridInk, width: 1 },
        ticks: { stroke: gridInk, size: 5 },
        size: 46,
        font: "12px system-ui, sans-serif",
        space: 80,
        values: (_u, splits, _axis, _space, step) => timeLabels(splits, step, input.zone),
      },
      {
        stroke: axisInk,
        grid: { stroke: gridInk, width: 1 },
        ticks: { show: false },
        size: (_u, values) => {
          const longest = Math.max(3, ...(values ?? []).map((v) => v.length));
          return 16 + longest * 7.2;
        },
        font: "12px system-ui, sans-serif",
        values: (_u, splits) => splits.map((v) => shortNumber(v, 6)),
      },
    ],
    series: [{}, ...order.map(line)],
    hooks: {
      setSelect: [
        (u) => {
          const { left, width } = u.select;
          if (width < 4) return;
          const from = u.posToVal(left, "x");
          const to = u.posToVal(left + width, "x");
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          input.zoomed(Math.round(from * 1000), Math.round(to * 1000));
        },
      ],
      setCursor: [(u) => tell(u)],
      setSeries: [(u) => tell(u)],
    },
  };
  let focused: number | null = null;
  function tell(u: uPlot): void {
    const step = u.cursor.idx ?? null;
    const left = u.cursor.left ?? -1;
    if (step === null || left < 0) {
      focused = null;
      input.hovered(null, null, 0, 0);
      return;
    }
    const at = u.series.findIndex((s, i) => i > 0 && (s as { _focus?: boolean })._focus === true);
    focused = at > 0 ? (order[at - 1] ?? null) : null;
    input.hovered(step, focused, left + u.bbox.left / devicePixelRatio, u.cursor.top ?? 0);
  }
  const plot = new uPlot(options, data(), parent);
  return {
    resize: (width) => plot.setSize({ width: Math.max(200, width), height: input.height }),
    setShown: (next) => {
      shown = next;
      plot.batch(() => {
        rows.forEach((_row, n) => {
          const want = shown[n] ?? true;
          if (plot.series[place(n)]?.show !== want) plot.setSeries(place(n), { show: want });
        });
        if (stacked) plot.setData(data());
      });
    },
    highlight: (n) => {
      if (n === focused) return;
      plot.setSeries(n === null ? null : place(n), { focus: true });
    },
    destroy: () => plot.destroy(),
  };
}

/** A third of `color` on `ground`, opaque; both as #rrggbb. */
function mix(color: string, ground: string): string {
  const part = (text: string, at: number): number => Number.parseInt(text.slice(at, at + 2), 16);
  return `rgb(${[1, 3, 5].map((at) => Math.round(part(color, at) * 0.35 + part(ground, at) * 0.65)).join(",")})`;
}
