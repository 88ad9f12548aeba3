// A value as an action of a template prints it.
import { sprintf } from "./go-print.ts";
import { textOf } from "./go-type.ts";
import { GoPointer, type GoValue } from "./go-value.ts";

/** Pointers are followed, their `String()` is asked first; what is not there is `<no value>`. */
export function printed(value: GoValue): string {
  if (value === undefined) return "<no value>";
  if (!(value instanceof GoPointer)) return textOf(value) ?? sprintf("%v", [value]);
  const { target } = value;
  if (target === null) return sprintf("%v", [value]);
  return target.text ?? sprintf("%v", [target]);
}
