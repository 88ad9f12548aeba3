// Labels of binary operations between vectors: of results, of match groups, and in errors about them.
import type { Labels } from "@deucalion/model";
import { PromqlError } from "../../errors.ts";
import type { BinaryExpr, VectorMatching } from "../../parse/ast.ts";
import { metadataLabels } from "../../row.ts";
import { changesMeaning } from "./float-operators.ts";

/** Labels of the result of a pair. */
export function resultLabels(
  many: Labels,
  one: Labels,
  node: BinaryExpr,
  matching: VectorMatching,
  delayed: boolean,
): Labels {
  let labels = many;
  if (changesMeaning(node.op) || (node.returnBool && !delayed))
    labels = labels.drop(metadataLabels);
  if (matching.card === "one-to-one") {
    const names = new Set(matching.labels);
    labels = matching.on ? labels.keep(names) : labels.drop(names);
  }
  for (const name of matching.include) labels = labels.with(name, one.get(name));
  return labels;
}

/** Labels that a match group has in common. */
export function groupLabels(labels: Labels, matching: VectorMatching): Labels {
  const names = new Set(matching.labels);
  if (matching.on) return labels.keep(names);
  return labels.drop(new Set([...names, "__name__"]));
}

/** A group with several series on the side that must be unique. */
export function duplicateError(a: Labels, b: Labels, matching: VectorMatching): PromqlError {
  const side = matching.card === "one-to-many" ? "left" : "right";
  const texts = [a.toString(), b.toString()].sort();
  const group = groupLabels(a, matching).toString();
  return new PromqlError(
    "PROMQL_EXECUTION",
    `found duplicate series for the match group ${group} on the ${side} hand-side of the operation: ` +
      `[${texts.join(", ")}];many-to-many matching not allowed: matching labels must be unique on one side`,
  );
}
