// What each node of a query took and gave: for `analyze`.
import type { Expr, VectorSelector } from "../parse/ast.ts";
import { printExpr } from "../parse/print/print.ts";
import { childrenOf } from "../parse/walk.ts";
import { presentCount } from "../row.ts";
import { evaluateNode } from "./evaluate.ts";
import type { Emit, Evaluation } from "./evaluation.ts";

/** One node of the tree that was evaluated, with those below it; may pass between threads. */
export interface NodeStats {
  readonly kind: Expr["kind"];
  /** The node as PromQL. */
  readonly text: string;
  /** Milliseconds from its begin to its end, with what is below and with waiting, without what its rows are used for. */
  readonly ms: number;
  /** Series that came out of it; of a selector, those that were read. */
  readonly series: number;
  /** Samples of these. */
  readonly samples: number;
  readonly children: readonly NodeStats[];
}

interface Found {
  ms: number;
  series: number;
  samples: number;
}

/** Looks on while a query is evaluated. */
export class NodeAnalysis {
  readonly #found = new Map<Expr, Found>();

  #of(node: Expr): Found {
    let found = this.#found.get(node);
    if (found === undefined) {
      found = { ms: 0, series: 0, samples: 0 };
      this.#found.set(node, found);
    }
    return found;
  }

  /** Evaluates a node as `evaluateNode` does, and takes the time. */
  readonly evaluate = async (node: Expr, ev: Evaluation, emit: Emit): Promise<void> => {
    const found = this.#of(node);
    const begin = performance.now();
    let away = 0;
    try {
      await evaluateNode(node, ev, (row) => {
        if (node.kind !== "vector") {
          found.series++;
          found.samples += presentCount(row.present);
        }
        const left = performance.now();
        emit(row);
        away += performance.now() - left;
      });
    } finally {
      found.ms += performance.now() - begin - away;
    }
  };

  /** A selector has read a series with so many samples. */
  read(selector: VectorSelector, samples: number): void {
    const found = this.#of(selector);
    found.series++;
    found.samples += samples;
  }

  /** Everything seen, as the tree of the plan; nodes that stand for repeating what is below are left out. */
  tree(node: Expr): NodeStats {
    if (node.kind === "stepInvariant" || node.kind === "paren") return this.tree(node.expr);
    // A range selector reads through its selector.
    const seen = node.kind === "matrix" ? node.selector : node;
    const { ms, series, samples } = this.#of(seen);
    const below = node.kind === "matrix" ? [] : childrenOf(node);
    const children = below.map((child) => this.tree(child));
    return { kind: node.kind, text: printExpr(node), ms, series, samples, children };
  }
}
