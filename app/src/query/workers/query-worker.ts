// A thread that evaluates queries. Sockets stay with the main thread, which sends the series as they come.
import { parentPort, workerData } from "node:worker_threads";
import { type ByteBudget, Engine, type QueryOptions } from "@deucalion/promql";
import { DedupSource } from "@deucalion/storeapi";
import { decodeChunkInto } from "@deucalion/tsdb";
import { RequestSource } from "../request-source.ts";
import type { FromWorker, RunMessage, ToWorker, WorkerSettings } from "./messages.ts";
import { packResult } from "./pack-result.ts";
import { plainError, thrownError } from "./plain.ts";
import { PortSource } from "./port-source.ts";

const port = parentPort!;
const engine = new Engine((workerData as WorkerSettings).engine);

function post(message: FromWorker, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

/** Fewer bytes than these are not worth a message. */
const toldBytes = 1 << 20;

/** One query under way. */
class Run {
  readonly source: PortSource;
  readonly stop = new AbortController();
  over = false;
  readonly #message: RunMessage;
  #bytes = 0;
  #series = 0;

  constructor(message: RunMessage) {
    this.#message = message;
    this.source = new PortSource(message, post, decodeChunkInto);
  }

  #tell(): void {
    post({ type: "progress", id: this.#message.id, bytes: this.#bytes, series: this.#series });
    this.#bytes = 0;
    this.#series = 0;
  }

  #budget(maxBytes: number): ByteBudget {
    return {
      maxBytes,
      take: (bytes) => {
        if (this.over && bytes > 0) return false;
        this.#bytes += bytes;
        if (Math.abs(this.#bytes) >= toldBytes) this.#tell();
        return true;
      },
    };
  }

  async result() {
    const { query, times, options, rules, dedup, maxBytes, id } = this.#message;
    const source = new RequestSource(
      new DedupSource(this.source, dedup, { decode: decodeChunkInto }),
      rules,
      (series) => {
        this.#series += series;
      },
      null,
    );
    const given: QueryOptions = {
      ...options,
      signal: this.stop.signal,
      hasYounger: () => isYoungerThan(id),
      ...(maxBytes === null ? {} : { byteBudget: this.#budget(maxBytes) }),
    };
    try {
      return await (times.kind === "instant"
        ? engine.instant(query, source, times.timeMs, given)
        : engine.range(query, source, times.startMs, times.endMs, times.stepMs, given));
    } finally {
      this.#tell();
    }
  }
}

const runs = new Map<number, Run>();

/** True if a query that came later is under way in this thread. */
function isYoungerThan(id: number): boolean {
  for (const other of runs.keys()) if (other > id) return true;
  return false;
}

async function run(message: RunMessage): Promise<void> {
  const { id } = message;
  const one = new Run(message);
  runs.set(id, one);
  try {
    const { packed, transfer } = packResult(await one.result());
    post({ type: "done", id, result: packed }, transfer);
  } catch (error) {
    post({ type: "failed", id, error: plainError(error) });
  } finally {
    runs.delete(id);
  }
}

port.on("message", (message: ToWorker) => {
  if (message.type === "run") return void run(message);
  const one = runs.get(message.id);
  if (message.type === "stop") one?.stop.abort(thrownError(message.error));
  else if (message.type === "over") {
    if (one !== undefined) one.over = true;
  } else one?.source.receive(message);
});
