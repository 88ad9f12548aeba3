// The metrics of an entry's rows, each as what differs from the one before, since neighbours differ little.
//
//   delta = piece ("," piece)…     the metric cut at its commas
//   piece = count, rest            the first characters are those of the same piece of the metric before: so many after "-"

const none: readonly string[] = [];
/** The character for no characters; as it is, and those behind it, no comma. */
const zero = 0x2d;
const sharedMax = 80;

function isHighSurrogate(code: number): boolean {
  return code >= 0xd800 && code <= 0xdbff;
}

/** UTF-16 units that both begin with; a character is not taken apart. */
function sharedStart(a: string, b: string): number {
  const most = Math.min(a.length, b.length, sharedMax);
  let at = 0;
  while (at < most && a.charCodeAt(at) === b.charCodeAt(at)) at++;
  return at > 0 && isHighSurrogate(a.charCodeAt(at - 1)) ? at - 1 : at;
}

export class MetricWriter {
  #before = none;

  /** The delta of the next metric. */
  next(metric: string): string {
    const before = this.#before;
    const pieces = metric.split(",");
    this.#before = pieces;
    return pieces
      .map((piece, i) => {
        const shared = sharedStart(before[i] ?? "", piece);
        return String.fromCharCode(zero + shared) + piece.slice(shared);
      })
      .join(",");
  }
}

export class MetricReader {
  #before = none;

  /** The metric of the next delta. */
  next(delta: string): string {
    const before = this.#before;
    const pieces = delta
      .split(",")
      .map((piece, i) => (before[i] ?? "").slice(0, piece.charCodeAt(0) - zero) + piece.slice(1));
    this.#before = pieces;
    return pieces.join(",");
  }
}
