// The items of an `@st` line: how long before or after its sample each start timestamp lies.
import { parsePromDuration } from "@deucalion/base";
import { ScriptError } from "./errors.ts";

const item = /^([+-]?)(\d+[a-wyzA-Z]*)(?:([+-])(\d+[a-wyzA-Z]*))?(?:x(\d+))?$/;

/** Offsets in ms, null where there is none. Throws PROMQLTEST_SERIES. */
export function parseStartTimes(text: string): (number | null)[] {
  const offsets: (number | null)[] = [];
  for (const part of text.trim().split(/\s+/)) {
    const omitted = /^_(?:x(\d+))?$/.exec(part);
    if (omitted !== null) {
      for (let i = 0; i < Number(omitted[1] ?? 1); i++) offsets.push(null);
      continue;
    }
    const found = item.exec(part);
    if (found === null || (found[3] !== undefined && found[5] === undefined))
      throw new ScriptError("PROMQLTEST_SERIES", `bad item of an @st line: ${part}`);
    let offset = parsePromDuration(found[2]!) * (found[1] === "-" ? -1 : 1);
    const step =
      found[3] === undefined ? 0 : parsePromDuration(found[4]!) * (found[3] === "-" ? -1 : 1);
    for (let i = 0; i <= Number(found[5] ?? 0); i++) {
      offsets.push(offset);
      offset += step;
    }
  }
  return offsets;
}
