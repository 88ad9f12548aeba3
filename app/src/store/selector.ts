// Reads `--selector.relabel-config`.
import { messageOf } from "@deucalion/base";
import { parseSelectorRelabel, type SelectorRelabel } from "@deucalion/blocks";
import { parse } from "yaml";
import { AppError } from "../errors.ts";

/** The rules of a YAML text; "" for none. Throws APP_CONFIG. */
export function selectorRelabel(text: string): SelectorRelabel {
  try {
    return parseSelectorRelabel(text === "" ? null : parse(text));
  } catch (cause) {
    const message = `parse selector relabel config: ${messageOf(cause)}`;
    throw new AppError("APP_CONFIG", message, {}, { cause });
  }
}
