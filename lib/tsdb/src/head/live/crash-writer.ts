// A process that writes to a head until it is killed; for tests of crashes. Prints each step once it is in the log.
import { writeSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { encodeLabels, Labels, Matcher } from "@deucalion/model";
import { untilDone } from "../../testing/write-and-kill.ts";
import { LiveDatabase, liveDatabaseDefaults } from "./live-database.ts";

const stepMs = 1000;
const chunkRangeMs = 60_000;
/** How late the out-of-order samples of a step are. */
export const crashLateMs = 30_500;
export const crashSeries = 20;
/**
 * Samples that are left of the series that is deleted step by step. More than one: of a step that was not acknowledged
 * the deletion may be in the log without the sample, and the next run begins two steps later.
 */
export const crashKept = 4;

const deletedMatcher = new Matcher("=", "i", String(crashSeries + 1));

/** Labels of series `i`; the one behind the last takes samples that come late, the next is deleted as it goes. */
export function crashLabels(i: number): Labels {
  return Labels.from({ __name__: "crash", i: String(i) });
}

async function run(dir: string, first: number): Promise<void> {
  let step = first;
  const open = (): Promise<LiveDatabase> =>
    LiveDatabase.open(
      dir,
      {
        ...liveDatabaseDefaults,
        chunkRangeMs,
        outOfOrderWindowMs: 2 * chunkRangeMs,
        segmentBytes: 32 * 1024,
        retentionMs: 0,
      },
      { now: () => step * stepMs, report: () => undefined },
    );
  const db = await untilDone("TSDB_WAL_SYNC", open);
  const { head } = db;
  const value = new Float64Array(1);
  const words = new Uint32Array(value.buffer);
  const append = (i: number, time: number): void => {
    const { data, start, end } = encodeLabels(crashLabels(i));
    let series = head.find(data, start, end);
    if (series < 0) series = head.create(data, start, end);
    value[0] = step;
    head.append(series, time, words[1]!, words[0]!);
  };
  let compacting = false;
  for (; ; step++) {
    await untilDone("TSDB_WAL_SYNC", async () => {
      for (let i = 0; i < crashSeries; i++) append(i, step * stepMs);
      append(crashSeries, step * stepMs);
      append(crashSeries, step * stepMs - crashLateMs);
      append(crashSeries + 1, step * stepMs);
      head.delete([deletedMatcher], 0, (step - crashKept) * stepMs);
      head.commit();
    });
    writeSync(1, `${step}\n`);
    if (!compacting) {
      compacting = true;
      void db.compact().then(
        () => {
          compacting = false;
        },
        () => {
          compacting = false;
        },
      );
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  await run(process.argv[2]!, Number(process.argv[3]));
}
