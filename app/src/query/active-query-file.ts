// The file `queries.active`: what was running when a process died. Its form is Prometheus'.
import { closeSync, existsSync, mkdirSync, openSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Log } from "@deucalion/base";

const entryBytes = 1000;

/** Tells the log which queries a previous process left unfinished. */
function reportLeftovers(path: string, log: Log): void {
  if (!existsSync(path)) return;
  const text = readFileSync(path, "utf8").replaceAll("\u0000", "");
  const entries = [...text.matchAll(/\{"query":.*?"timestamp_sec":\d+\}/g)].map(
    (found) => found[0],
  );
  if (entries.length > 0) {
    log.info("These queries didn't finish in the last run:", { queries: `[${entries.join(",")}]` });
  }
}

/** Fixed places in a file, written in place: the page cache survives the process. */
export class ActiveQueryFile {
  readonly #fd: number;
  readonly #free: number[];

  /** Makes `dir` if it is missing, reports what an earlier run left, and begins anew. */
  constructor(dir: string, places: number, log: Log) {
    mkdirSync(dir, { recursive: true });
    const path = join(dir, "queries.active");
    reportLeftovers(path, log);
    this.#fd = openSync(path, "w+");
    const blank = Buffer.alloc(1 + places * entryBytes);
    blank[0] = 0x5b;
    writeSync(this.#fd, blank, 0, blank.length, 0);
    this.#free = Array.from({ length: places }, (_, i) => 1 + i * entryBytes).reverse();
  }

  /** Writes a query down; returns its place, or −1 if all are taken. */
  insert(query: string, startMs: number): number {
    const place = this.#free.pop();
    if (place === undefined) return -1;
    const seconds = Math.floor(startMs / 1000);
    const room = entryBytes - 64;
    let cut = query;
    while (Buffer.byteLength(JSON.stringify(cut)) > room)
      cut = cut.slice(0, Math.floor(cut.length * 0.8));
    const text = `{"query":${JSON.stringify(cut)},"timestamp_sec":${seconds}},`;
    this.#write(place, text);
    return place;
  }

  delete(place: number): void {
    if (place < 0) return;
    this.#write(place, "");
    this.#free.push(place);
  }

  #write(place: number, text: string): void {
    const entry = Buffer.alloc(entryBytes);
    entry.write(text);
    writeSync(this.#fd, entry, 0, entryBytes, place);
  }

  close(): void {
    closeSync(this.#fd);
  }
}
