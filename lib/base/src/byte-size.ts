// Sizes as Thanos' flags take them: `250MB`, `64GB`, `0`; all units are powers of two.
import { BaseError } from "./errors.ts";

const exponents: Readonly<Record<string, number>> = { "": 0, K: 1, M: 2, G: 3, T: 4, P: 5, E: 6 };

/** Parses a size to bytes. A bare number needs a unit except `0`. Throws BASE_BYTES. */
export function parseByteSize(text: string): number {
  if (text === "0") return 0;
  const found = /^(\d+(?:\.\d+)?)\s*([KMGTPE]?)(i?)B$/i.exec(text);
  if (found === null || (found[3] && !found[2])) {
    throw new BaseError(
      "BASE_BYTES",
      `not a size in bytes: ${JSON.stringify(text)} (write 512MB, 2GiB, 0)`,
      { text },
    );
  }
  return Math.floor(Number(found[1]) * 1024 ** exponents[found[2]!.toUpperCase()]!);
}
