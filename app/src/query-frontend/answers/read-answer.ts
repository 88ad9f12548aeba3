// Reads an answer of the query APIs: a matrix becomes rows of columns, all else stays text.
import { FrontendError } from "../errors.ts";
import { floatOf, JsonScan } from "./json-scan.ts";
import { noIndexes, type Row } from "./row.ts";

/** The steps that an answer may have samples at. */
export interface Grid {
  readonly startMs: number;
  readonly stepMs: number;
}

/** Everything beside the result. */
export interface AnswerNotes {
  readonly warnings: readonly string[];
  /** Prometheus puts infos apart; Thanos among the warnings. */
  readonly infos: readonly string[];
  readonly stats: unknown;
  readonly analysis: unknown;
  /** Members of `data` that we do not know, JSON. */
  readonly more: ReadonlyMap<string, string>;
}

export interface RangeAnswer extends AnswerNotes {
  readonly rows: readonly Row[];
}

export interface InstantAnswer extends AnswerNotes {
  readonly resultType: string;
  /** Elements of a vector or matrix with the text of their label sets; null for scalars and strings. */
  readonly elements: readonly { readonly metric: string; readonly text: Buffer }[] | null;
}

interface Document extends AnswerNotes {
  readonly resultType: string;
  readonly resultAt: number;
}

function strings(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function readDocument(data: Buffer): Document {
  const scan = new JsonScan(data);
  let status = "";
  let resultType = "";
  let resultAt = -1;
  let warnings: string[] = [];
  let infos: string[] = [];
  let stats: unknown;
  let analysis: unknown;
  const more = new Map<string, string>();
  scan.object((name) => {
    if (name === "status") status = String(scan.value());
    else if (name === "warnings") warnings = strings(scan.value());
    else if (name === "infos") infos = strings(scan.value());
    else if (name === "data") {
      scan.object((member) => {
        if (member === "resultType") resultType = String(scan.value());
        else if (member === "result") {
          scan.peek();
          resultAt = scan.at;
          scan.skip();
        } else if (member === "stats") stats = scan.value();
        else if (member === "analysis") analysis = scan.value();
        else more.set(member, scan.slice().toString());
      });
    } else scan.skip();
  });
  if (status !== "success" || resultAt < 0) scan.fail();
  return { resultType, resultAt, warnings, infos, stats, analysis, more };
}

/** Unix ms of a number such as `1700000000.123`. */
function timeOf(scan: JsonScan): number {
  scan.peek();
  const { data } = scan;
  const from = scan.at;
  let seconds = 0;
  let at = from;
  for (; data[at]! >= 0x30 && data[at]! <= 0x39; at++) seconds = seconds * 10 + (data[at]! - 0x30);
  const code = data[at];
  if (code === 0x2c && at > from) {
    scan.at = at;
    return seconds * 1000;
  }
  scan.skip();
  return Math.round(Number(data.toString("latin1", from, scan.at)) * 1000);
}

/** Reads the rows of one answer after the other; its columns are scratch for all rows. */
class RowReader {
  readonly #scan: JsonScan;
  readonly #grid: Grid;
  #indexes = new Uint32Array(1024);
  #values = new Float64Array(1024);
  #count = 0;

  constructor(scan: JsonScan, grid: Grid) {
    this.#scan = scan;
    this.#grid = grid;
  }

  #index(timeMs: number): number {
    const { startMs, stepMs } = this.#grid;
    const index = (timeMs - startMs) / stepMs;
    if (!Number.isInteger(index) || index < 0) {
      throw new FrontendError("FRONTEND_ANSWER", "a sample of the answer is at no step", {
        timeMs,
        startMs,
        stepMs,
      });
    }
    return index;
  }

  #floats(): void {
    const scan = this.#scan;
    scan.array(() => {
      scan.expect(0x5b);
      const index = this.#index(timeOf(scan));
      scan.expect(0x2c);
      scan.expect(0x22);
      const from = scan.at;
      const to = scan.data.indexOf(0x22, from);
      if (to < 0) scan.fail();
      const at = this.#count++;
      if (at === this.#values.length) this.#grow();
      this.#indexes[at] = index;
      this.#values[at] = floatOf(scan.data, from, to);
      scan.at = to + 1;
      scan.expect(0x5d);
    });
  }

  #grow(): void {
    const indexes = new Uint32Array(this.#indexes.length * 2);
    indexes.set(this.#indexes);
    this.#indexes = indexes;
    const values = new Float64Array(this.#values.length * 2);
    values.set(this.#values);
    this.#values = values;
  }

  /** One element of the result. */
  read(): Row {
    const scan = this.#scan;
    let metric = "{}";
    const histogramIndexes: number[] = [];
    const histograms: Buffer[] = [];
    this.#count = 0;
    scan.object((name) => {
      if (name === "metric") metric = scan.slice().toString();
      else if (name === "values") this.#floats();
      else if (name === "histograms") {
        scan.array(() => {
          scan.expect(0x5b);
          histogramIndexes.push(this.#index(timeOf(scan)));
          scan.expect(0x2c);
          histograms.push(Buffer.from(scan.slice()));
          scan.expect(0x5d);
        });
      } else scan.skip();
    });
    const count = this.#count;
    const first = this.#indexes[0]!;
    // Without holes the indexes are not kept. With histograms they are, so that both count from the same start.
    const dense =
      histograms.length === 0 && count > 0 && this.#indexes[count - 1] === first + count - 1;
    const { startMs, stepMs } = this.#grid;
    return {
      metric,
      startMs: dense ? startMs + first * stepMs : startMs,
      stepMs,
      indexes: dense ? null : this.#indexes.slice(0, count),
      values: this.#values.slice(0, count),
      histogramIndexes: histograms.length === 0 ? noIndexes : Uint32Array.from(histogramIndexes),
      histograms,
    };
  }
}

/** Reads the answer of a range query; null if its result is no matrix. Throws FRONTEND_ANSWER, SyntaxError. */
export function readRangeAnswer(data: Buffer, grid: Grid): RangeAnswer | null {
  const { resultType, resultAt, ...notes } = readDocument(data);
  if (resultType !== "matrix") return null;
  const scan = new JsonScan(data, resultAt);
  const rows: Row[] = [];
  const reader = new RowReader(scan, grid);
  if (scan.peek() === 0x5b) scan.array(() => void rows.push(reader.read()));
  return { ...notes, rows };
}

/** Reads the answer of an instant query. Throws FRONTEND_ANSWER, SyntaxError. */
export function readInstantAnswer(data: Buffer): InstantAnswer {
  const { resultType, resultAt, ...notes } = readDocument(data);
  if (resultType !== "vector" && resultType !== "matrix") {
    return { ...notes, resultType, elements: null };
  }
  const scan = new JsonScan(data, resultAt);
  const elements: { metric: string; text: Buffer }[] = [];
  if (scan.peek() === 0x5b) {
    scan.array(() => {
      const text = scan.slice();
      const inner = new JsonScan(text);
      let metric = "{}";
      inner.object((name) => {
        if (name === "metric") metric = inner.slice().toString();
        else inner.skip();
      });
      elements.push({ metric, text });
    });
  }
  return { ...notes, resultType, elements };
}
