// A text that tells lists of matchers apart.
import type { Matcher } from "@deucalion/model";

/** Equal for equal lists in equal order only. */
export function matchersKey(matchers: readonly Matcher[]): string {
  return matchers
    .map((m) => `${m.name.length}:${m.name}${m.type}${m.value.length}:${m.value}`)
    .join();
}
