// Whether the rows of a node stay distinct when their metric names are dropped: then nothing has to be checked.

import { LabelCursor } from "@deucalion/model";
import type { QueryLimits } from "../limits.ts";
import type { Expr } from "../parse/ast.ts";
import type { Row } from "../row.ts";
import { sameLabelset } from "./merge-rows.ts";

/** Functions that keep the labels of their argument apart from the metric name. */
const relabels = new Set(["label_replace", "label_join", "info", "histogram_quantiles"]);

/** True if no two rows of a node differ in the metric name alone. */
export function distinctWithoutName(root: Expr): boolean {
  let node = root;
  for (;;) {
    switch (node.kind) {
      case "number":
        return true;
      case "vector":
        return node.matchers.some((m) => m.name === "__name__" && m.type === "=");
      case "matrix":
        node = node.selector;
        break;
      case "unary":
      case "paren":
      case "subquery":
      case "stepInvariant":
        node = node.expr;
        break;
      case "aggregate":
        return (
          node.op !== "count_values" &&
          keepsOnlyGroups(node.op) &&
          !node.grouping.includes("__name__")
        );
      case "call": {
        if (relabels.has(node.func)) return false;
        const vectors = node.args.filter((arg) => arg.kind !== "number" && arg.kind !== "string");
        if (vectors.length !== 1) return false;
        node = vectors[0]!;
        break;
      }
      default:
        return false;
    }
  }
}

function keepsOnlyGroups(op: string): boolean {
  return op !== "topk" && op !== "bottomk" && op !== "limitk" && op !== "limit_ratio";
}

/** Watches rows go by whose names have been dropped, and throws when labels come twice. */
export class DistinctGuard {
  readonly #trusted: boolean;
  readonly #limits: QueryLimits;
  #held = 0;
  readonly #seen = new Set<string>();
  readonly #cursor = new LabelCursor();

  /** `trusted`: names were all the same, so only `__type__` and `__unit__` could have told rows apart. */
  constructor(trusted: boolean, limits: QueryLimits) {
    this.#trusted = trusted;
    this.#limits = limits;
  }

  check(row: Row): void {
    if (this.#trusted && !this.#hasTypeOrUnit(row)) return;
    const before = this.#seen.size;
    const { key } = row.labels;
    this.#seen.add(key);
    if (this.#seen.size === before) throw sameLabelset();
    const bytes = 64 + key.length;
    this.#held += bytes;
    this.#limits.holdBytes(bytes);
  }

  /** Gives up what it remembers. */
  end(): void {
    this.#limits.holdBytes(-this.#held);
    this.#held = 0;
    this.#seen.clear();
  }

  #hasTypeOrUnit(row: Row): boolean {
    const bytes = row.labelBytes;
    if (bytes === null) return row.labels.has("__type__") || row.labels.has("__unit__");
    const cursor = this.#cursor.reset(bytes);
    while (cursor.next()) {
      const length = cursor.nameEnd - cursor.nameStart;
      if (length !== 8) continue;
      const first = bytes.data[cursor.nameStart]!;
      const third = bytes.data[cursor.nameStart + 2]!;
      // __type__ and __unit__, but not __name__
      if (first === 95 && (third === 116 || third === 117)) return true;
    }
    return false;
  }
}
