// Encoded labels of blocks by their symbols, kept between queries: dashboards ask for the same series again and again.
import { decodeText, encodeLabelParts } from "@deucalion/model";
import type { Symbols } from "../index-header/symbols.ts";

/** Of one block. Past it the memo is emptied: a query over more labels than that is paid by looking symbols up. */
const blockBytesMax = 8 << 20;

/** A label name of a block. */
export interface MemoName {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** By value symbol: where the encoded label begins in the memo. */
  readonly values: Map<number, number>;
}

/** The labels of one block that were asked for. */
export class LabelMemo {
  readonly #symbols: Symbols;
  readonly #names = new Map<number, MemoName>();
  /** BE32 length, then the encoded label, for each. May be replaced by a larger buffer. */
  data = new Uint8Array(4 << 10);
  #end = 0;

  constructor(symbols: Symbols) {
    this.#symbols = symbols;
  }

  get bytes(): number {
    return this.data.length;
  }

  name(symbol: number): MemoName {
    let name = this.#names.get(symbol);
    if (name === undefined) {
      const bytes = this.#symbols.bytes(symbol);
      name = { text: decodeText(bytes, 0, bytes.length), bytes, values: new Map() };
      this.#names.set(symbol, name);
    }
    return name;
  }

  /** Remembers a label and returns where it begins in `data`. */
  learn(name: MemoName, valueSymbol: number): number {
    const encoded = encodeLabelParts(name.bytes, this.#symbols.bytes(valueSymbol));
    if (this.#end + encoded.length > blockBytesMax) {
      for (const known of this.#names.values()) known.values.clear();
      this.#end = 0;
    }
    const at = this.#end;
    const end = at + 4 + encoded.length;
    if (end > this.data.length) {
      const grown = new Uint8Array(Math.max(end, this.data.length * 2));
      grown.set(this.data.subarray(0, at));
      this.data = grown;
    }
    const { data } = this;
    data[at] = encoded.length >>> 24;
    data[at + 1] = encoded.length >>> 16;
    data[at + 2] = encoded.length >>> 8;
    data[at + 3] = encoded.length;
    data.set(encoded, at + 4);
    this.#end = end;
    name.values.set(valueSymbol, at);
    return at;
  }
}

/** The memos of a process: at most `bytesMax`; that of the block asked longest ago goes first. */
export class LabelMemos {
  readonly #bytesMax: number;
  readonly #memos = new Map<string, LabelMemo>();

  constructor(bytesMax: number) {
    this.#bytesMax = bytesMax;
  }

  /** The memo of a block; `symbols` must be those of its index. */
  of(block: string, symbols: Symbols): LabelMemo {
    let memo = this.#memos.get(block);
    if (memo === undefined) memo = new LabelMemo(symbols);
    else this.#memos.delete(block);
    this.#memos.set(block, memo);
    let bytes = 0;
    for (const known of this.#memos.values()) bytes += known.bytes;
    for (const [id, known] of this.#memos) {
      if (bytes <= this.#bytesMax || id === block) break;
      bytes -= known.bytes;
      this.#memos.delete(id);
    }
    return memo;
  }

  forget(block: string): void {
    this.#memos.delete(block);
  }
}
