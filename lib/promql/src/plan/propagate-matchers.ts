// Both sides of a binary operation need only those series that can meet: what one side asks of a label, the other may ask too.
import type { Matcher } from "@deucalion/model";
import type { BinaryExpr, Expr, VectorSelector } from "../parse/ast.ts";

/** Labels that do not take part in matching. */
const metadata = new Set(["__name__", "__type__", "__unit__"]);

/** True if the selector asks for one metric by its name: then no two of its series differ in their metadata alone. */
function hasOneName(selector: VectorSelector): boolean {
  return selector.matchers.some(({ name, type, value }) => {
    return name === "__name__" && type === "=" && value !== "";
  });
}

/** A selector that asks what another one asks as well; itself if there is nothing new. */
function narrowed(selector: VectorSelector, by: VectorSelector): VectorSelector {
  const more = by.matchers.filter(
    (one) => !metadata.has(one.name) && !selector.matchers.some((own) => isSame(own, one)),
  );
  return more.length === 0 ? selector : { ...selector, matchers: [...selector.matchers, ...more] };
}

function isSame(a: Matcher, b: Matcher): boolean {
  return a.name === b.name && a.type === b.type && a.value === b.value;
}

/** True if series meet that agree in all labels but their metadata, and one without partner gives nothing. */
function meetsOnAllLabels(node: BinaryExpr): boolean {
  const { matching } = node;
  return (
    matching !== undefined &&
    !matching.on &&
    matching.labels.length === 0 &&
    matching.include.length === 0 &&
    matching.fillLeft === undefined &&
    matching.fillRight === undefined &&
    matching.card !== "many-to-one" &&
    matching.card !== "one-to-many"
  );
}

/**
 * `a{x="1"} / b` reads only those `b` with x="1". Done for plain selectors of one metric each: nothing else is told of series that
 * find no partner, neither an error (of two series that look alike) nor a note.
 */
export function propagateMatchers(node: Expr): Expr {
  if (node.kind !== "binary" || node.op === "or" || !meetsOnAllLabels(node)) return node;
  const { left, right } = node;
  if (left.kind !== "vector" || right.kind !== "vector") return node;
  if (!hasOneName(left) || !hasOneName(right)) return node;
  const newRight = narrowed(right, left);
  // What `unless` takes away has no say in what is there.
  const newLeft = node.op === "unless" ? left : narrowed(left, right);
  return newLeft === left && newRight === right
    ? node
    : { ...node, left: newLeft, right: newRight };
}
