// Draws one lane per replica and one for the merge: ticks are samples, tall and strong where chosen, empty where there are none.
import { seriesColor } from "../graph/palette.ts";
import type { Merged, ReplicaLane } from "./trace.ts";

/** Height of one lane in CSS pixels. */
export const laneHeight = 26;

interface Picture {
  readonly lanes: readonly ReplicaLane[];
  readonly merged: Merged;
  readonly fromMs: number;
  readonly toMs: number;
  readonly dark: boolean;
  readonly line: string;
}

/** Paints the lanes, the merged one last, onto a canvas as wide as it is on screen. */
export function drawLanes(canvas: HTMLCanvasElement, picture: Picture): void {
  const { lanes, merged, fromMs, toMs } = picture;
  const width = canvas.clientWidth;
  const height = (lanes.length + 1) * laneHeight;
  const scale = devicePixelRatio;
  canvas.width = Math.round(width * scale);
  canvas.height = Math.round(height * scale);
  const ctx = canvas.getContext("2d");
  if (ctx === null) return;
  ctx.scale(scale, scale);
  const x = (ms: number): number => ((ms - fromMs) / (toMs - fromMs)) * width;
  ctx.fillStyle = picture.line;
  for (let n = 0; n <= lanes.length; n++) {
    ctx.fillRect(0, n * laneHeight + laneHeight / 2 - 0.5, width, 1);
  }
  const tick = Math.max(1, Math.min(3, x(fromMs + (lanes[0]?.spacingMs ?? 0)) * 0.4));
  lanes.forEach((lane, n) => {
    ctx.fillStyle = seriesColor(n, picture.dark);
    ctx.globalAlpha = 0.35;
    for (const time of lane.times) {
      ctx.fillRect(x(time) - tick / 2, n * laneHeight + laneHeight / 2 - 3, tick, 6);
    }
    ctx.globalAlpha = 1;
  });
  for (let i = 0; i < merged.times.length; i++) {
    const n = merged.lanes[i] ?? 0;
    const at = x(merged.times[i] ?? 0) - tick / 2;
    ctx.fillStyle = seriesColor(n, picture.dark);
    ctx.fillRect(at, n * laneHeight + 4, tick, laneHeight - 8);
    ctx.fillRect(at, lanes.length * laneHeight + 4, tick, laneHeight - 8);
  }
}
