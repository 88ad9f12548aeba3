// Writes merged answers as the query API writes them.

import { JsonWriter } from "../../http/answers/json-writer.ts";
import { ResponseBody } from "../../http/answers/response-body.ts";
import type { Exchange } from "../../http/exchange.ts";
import { writeTime, writeValue } from "../../query/api/result-json.ts";
import { isComplete, type MergedSeries } from "./merge-answers.ts";
import type { AnswerNotes } from "./read-answer.ts";
import type { Row } from "./row.ts";

function writeFloats(out: JsonWriter, row: Row, before: number): number {
  const { startMs, stepMs, indexes, values } = row;
  let written = before;
  for (let i = 0; i < values.length; i++) {
    if (written++ === 0) out.ascii(',"values":[[');
    else out.ascii(",[");
    writeTime(out, startMs + (indexes === null ? i : indexes[i]!) * stepMs);
    out.byte(0x2c);
    writeValue(out, values[i]!);
    out.byte(0x5d);
  }
  return written;
}

function writeHistograms(out: JsonWriter, row: Row, before: number): number {
  let written = before;
  for (let i = 0; i < row.histograms.length; i++) {
    if (written++ === 0) out.ascii(',"histograms":[[');
    else out.ascii(",[");
    writeTime(out, row.startMs + row.histogramIndexes[i]! * row.stepMs);
    out.byte(0x2c);
    out.bytes(row.histograms[i]!);
    out.byte(0x5d);
  }
  return written;
}

function writeSeries(out: JsonWriter, series: MergedSeries): void {
  out.ascii('{"metric":');
  out.raw(series.metric);
  let written = 0;
  for (const piece of series.pieces) written = writeFloats(out, piece, written);
  if (written > 0) out.byte(0x5d);
  written = 0;
  for (const piece of series.pieces) written = writeHistograms(out, piece, written);
  if (written > 0) out.byte(0x5d);
  out.byte(0x7d);
}

async function writeEnvelope(
  exchange: Exchange,
  compress: boolean,
  resultType: string,
  notes: AnswerNotes,
  writeResult: (out: JsonWriter) => Promise<void>,
): Promise<void> {
  const { response } = exchange;
  response.setHeader("Content-Type", "application/json");
  if (!isComplete(notes)) response.setHeader("Cache-Control", "no-store");
  const body = new ResponseBody(exchange, 200, compress);
  const out = new JsonWriter((slab) => body.write(slab));
  out.raw(`{"status":"success","data":{"resultType":"${resultType}","result":[`);
  await writeResult(out);
  out.byte(0x5d);
  if (notes.stats !== undefined) {
    out.ascii(',"stats":');
    out.value(notes.stats);
  }
  if (notes.analysis !== undefined) {
    out.ascii(',"analysis":');
    out.value(notes.analysis);
  }
  for (const [name, text] of notes.more) out.raw(`,${JSON.stringify(name)}:${text}`);
  out.byte(0x7d);
  for (const name of ["warnings", "infos"] as const) {
    if (notes[name].length > 0) out.raw(`,"${name}":${JSON.stringify(notes[name])}`);
  }
  out.byte(0x7d);
  await body.end(await out.finish());
}

/** Sends a matrix. */
export function sendMatrix(
  exchange: Exchange,
  compress: boolean,
  series: readonly MergedSeries[],
  notes: AnswerNotes,
): Promise<void> {
  return writeEnvelope(exchange, compress, "matrix", notes, async (out) => {
    for (let i = 0; i < series.length; i++) {
      if (i > 0) out.byte(0x2c);
      writeSeries(out, series[i]!);
      if (out.isFull) await out.drain();
    }
  });
}

/** Sends elements whose JSON is there. */
export function sendElements(
  exchange: Exchange,
  compress: boolean,
  resultType: string,
  elements: readonly { readonly text: Buffer }[],
  notes: AnswerNotes,
): Promise<void> {
  return writeEnvelope(exchange, compress, resultType, notes, async (out) => {
    for (let i = 0; i < elements.length; i++) {
      if (i > 0) out.byte(0x2c);
      out.bytes(elements[i]!.text);
      if (out.isFull) await out.drain();
    }
  });
}
