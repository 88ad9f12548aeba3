// What of a write could not be stored, and why: counted by kind, with the first series of each by name.
import { decodeLabels, type LabelBytes } from "@deucalion/model";
import { ReceiveError } from "../errors.ts";

/** Kinds of faults with the words that senders read. */
export const faultText = {
  labelsOutOfOrder: ["series", "out of order labels"],
  labelsDuplicate: ["series", "duplicate labels"],
  labelsEmpty: ["series", "label set contains a label with empty name or value"],
  outOfOrder: ["samples", "out of order sample"],
  duplicate: ["samples", "duplicate sample for timestamp"],
  outOfBounds: ["samples", "out of bounds"],
  tooOld: ["samples", "too old sample"],
  badHistogram: ["samples", "histogram is not sound"],
  exemplarOutOfOrder: ["exemplars", "out of order exemplar"],
  exemplarDuplicate: ["exemplars", "duplicate exemplar"],
  exemplarLength: [
    "exemplars",
    "label length for exemplar exceeds maximum of 128 UTF-8 characters",
  ],
} as const;
export type Fault = keyof typeof faultText;

/** Series of one kind of fault that are named. */
const namedMax = 3;

/** The faults of one write. */
export class WriteReport {
  readonly #counts = new Map<Fault, { count: number; names: string[] }>();
  stored = 0;

  get isClean(): boolean {
    return this.#counts.size === 0;
  }

  get counts(): ReadonlyMap<Fault, { readonly count: number }> {
    return this.#counts;
  }

  add(fault: Fault, labels: LabelBytes): void {
    let entry = this.#counts.get(fault);
    if (entry === undefined) {
      entry = { count: 0, names: [] };
      this.#counts.set(fault, entry);
    }
    entry.count++;
    if (entry.names.length >= namedMax) return;
    let name: string;
    try {
      name = decodeLabels(labels).toString();
    } catch {
      name = "{?}";
    }
    if (name.length > 512) name = `${name.slice(0, 512)}…`;
    if (!entry.names.includes(name)) entry.names.push(name);
  }

  /** Null if everything was stored. */
  error(): ReceiveError | null {
    if (this.isClean) return null;
    const parts: string[] = [];
    for (const [fault, { count, names }] of this.#counts) {
      const [what, why] = faultText[fault];
      parts.push(
        `add ${count} ${what}: ${why} (${names.join(", ")}${count > names.length ? ", …" : ""})`,
      );
    }
    return new ReceiveError("RECEIVE_CONFLICT", parts.join("; "));
  }
}
