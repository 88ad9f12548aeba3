// Strings out of the label bytes of many series: what a series has in common with the one before is made once.
import { decodeText, type LabelBytes, LabelCursor, Labels } from "@deucalion/model";
import { metadataLabels } from "../../row.ts";

/** Text last decoded at one place, and its bytes. */
interface Known {
  data: Uint8Array;
  start: number;
  end: number;
  text: string;
}

const nothing: Known = { data: new Uint8Array(0), start: 0, end: 0, text: "" };

/** Neighbours in order of labels share all names and most values; so do their strings. */
export class LabelDecoder {
  readonly #cursor = new LabelCursor();
  readonly #known: Known[] = [];

  /** Labels with an empty value are left out, and with `dropMetadata` name, type and unit too. */
  decode(bytes: LabelBytes, dropMetadata: boolean): Labels {
    const cursor = this.#cursor.reset(bytes);
    const { data } = bytes;
    const pairs: string[] = [];
    let place = 0;
    while (cursor.next()) {
      const name = this.#text(place++, data, cursor.nameStart, cursor.nameEnd);
      const value = this.#text(place++, data, cursor.valueStart, cursor.valueEnd);
      if (value === "" || (dropMetadata && metadataLabels.has(name))) continue;
      pairs.push(name, value);
    }
    return new Labels(pairs);
  }

  #text(place: number, data: Uint8Array, start: number, end: number): string {
    const known = this.#known[place] ?? nothing;
    const length = end - start;
    if (known.end - known.start === length) {
      let same = 0;
      while (same < length && known.data[known.start + same] === data[start + same]) same++;
      if (same === length) return known.text;
    }
    const text = decodeText(data, start, end);
    this.#known[place] = { data, start, end, text };
    return text;
  }
}
