// Numbers as Prometheus' JSON writes them.

/** A float of its text. */
export function valueOfJson(text: string): number {
  switch (text) {
    case "NaN":
      return Number.NaN;
    case "+Inf":
    case "Inf":
      return Number.POSITIVE_INFINITY;
    case "-Inf":
      return Number.NEGATIVE_INFINITY;
    default:
      return Number(text);
  }
}
