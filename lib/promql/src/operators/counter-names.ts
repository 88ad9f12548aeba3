// Infos about rates of metrics whose name, or type, does not look like that of a counter.
import { decodeText, type LabelBytes, LabelCursor } from "@deucalion/model";
import { infos } from "../annotations/messages.ts";
import type { Range } from "../parse/ast.ts";
import type { Row } from "../row.ts";
import type { Evaluation } from "./evaluation.ts";

/** Tells the user, once for each name, about metrics that do not look like counters. */
export class CounterNames {
  readonly #ev: Evaluation;
  readonly #range: Range;
  readonly #cursor = new LabelCursor();
  #last: LabelBytes | null = null;
  #lastName = "";

  constructor(ev: Evaluation, range: Range) {
    this.#ev = ev;
    this.#range = range;
  }

  see(source: Row): void {
    if (source.metadataDropped) return;
    const typed = this.#ev.options.typeAndUnitLabels;
    if (!typed && source.labelBytes !== null && this.#sameName(source.labelBytes)) return;
    const name =
      typed || source.labelBytes === null ? source.labels.get("__name__") : this.#lastName;
    if (name === "") return;
    const { annotations } = this.#ev;
    if (typed) {
      const type = source.labels.get("__type__");
      if (type !== "counter" && type !== "histogram") {
        annotations.info(infos.possibleNonCounterLabel(name, type), this.#range);
      }
    } else if (!/_(total|sum|count|bucket)$/.test(name)) {
      annotations.info(infos.possibleNonCounter(name), this.#range);
    }
  }

  /** True if the name is that of the series before; else notes it. */
  #sameName(bytes: LabelBytes): boolean {
    const cursor = this.#cursor.reset(bytes);
    const { data } = bytes;
    while (cursor.next()) {
      if (cursor.nameEnd - cursor.nameStart !== 8) continue;
      if (data[cursor.nameStart] !== 95 || data[cursor.nameStart + 2] !== 110) continue;
      if (decodeText(data, cursor.nameStart, cursor.nameEnd) !== "__name__") continue;
      const last = this.#last;
      if (last !== null && sameBytes(last, data, cursor.valueStart, cursor.valueEnd)) return true;
      this.#last = { data, start: cursor.valueStart, end: cursor.valueEnd };
      this.#lastName = decodeText(data, cursor.valueStart, cursor.valueEnd);
      return false;
    }
    this.#last = null;
    this.#lastName = "";
    return false;
  }
}

function sameBytes(known: LabelBytes, data: Uint8Array, start: number, end: number): boolean {
  if (known.end - known.start !== end - start) return false;
  for (let i = start; i < end; i++)
    if (known.data[known.start + i - start] !== data[i]) return false;
  return true;
}
