// A value as an action of a template prints it.
import { sprintf } from "./go-print.ts";
import { indirect, textOf } from "./go-type.ts";
import { GoPointer, type GoValue } from "./go-value.ts";

/** Pointers are followed; what is not there is `<no value>`. */
export function printed(value: GoValue): string {
  const at = value instanceof GoPointer ? indirect(value).value : value;
  if (at === undefined) return "<no value>";
  return textOf(at) ?? sprintf("%v", [at]);
}
