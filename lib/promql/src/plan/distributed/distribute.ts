// Rewrites a planned query so that other queriers evaluate what they can, each over its own data.
import type { AggregateExpr, AggregateOp, Expr, VectorSelector } from "../../parse/ast.ts";
import { typeOf } from "../../parse/types.ts";
import type { QueryTimes } from "../durations.ts";
import { childrenOf, postOrder, withChildren } from "../tree.ts";
import { mayMatch, type Partitions, partitionsOf, selectorsOf } from "./partitions.ts";
import type { OtherStore, RemoteEngine, Remotes } from "./remote-engine.ts";
import { remoteText } from "./remote-text.ts";
import { type SharedTimesOptions, sharedTimes, type TimedEngine } from "./shared-times.ts";
import { keepsPartitions, type Split, splitsOf } from "./splittable.ts";

/** A part of a query that other queriers evaluate. */
export interface RemotePart {
  readonly expr: Expr;
  readonly text: string;
  /** Oldest data first. */
  readonly engines: readonly TimedEngine[];
  /** Asked even if it has no data at the time of the query: the part may be about what is not there. */
  readonly always: boolean;
}

export interface Distribution {
  readonly root: Expr;
  /** Selectors that stand for remote parts. */
  readonly parts: ReadonlyMap<VectorSelector, RemotePart>;
  /** Stores that are away and may have something. */
  readonly missing: readonly OtherStore[];
}

/** What puts the results of partitions together. */
const joins: Partial<Record<AggregateOp, AggregateOp>> = {
  sum: "sum",
  min: "min",
  max: "max",
  group: "group",
  count: "sum",
  topk: "topk",
  bottomk: "bottomk",
};

const ordered = new Set(["sort", "sort_desc", "sort_by_label", "sort_by_label_desc"]);

/** True for queries whose order is part of the answer, or that read more than their selectors tell. */
function mustEndHere(root: Expr): boolean {
  return postOrder(root).some(
    (node) =>
      (node.kind === "call" && (ordered.has(node.func) || node.func === "info")) ||
      (node.kind === "aggregate" && (node.op === "topk" || node.op === "bottomk")),
  );
}

function wholeSeconds(...times: number[]): boolean {
  return times.every((ms) => ms % 1000 === 0);
}

class Distributor {
  readonly #engines: readonly RemoteEngine[];
  readonly #partitions: Partitions;
  readonly #splits: ReadonlyMap<Expr, Split>;
  readonly #times: QueryTimes;
  readonly #options: SharedTimesOptions;
  readonly parts = new Map<VectorSelector, RemotePart>();

  constructor(
    root: Expr,
    engines: readonly RemoteEngine[],
    partitions: Partitions,
    times: QueryTimes,
    options: SharedTimesOptions,
  ) {
    this.#engines = engines;
    this.#partitions = partitions;
    this.#splits = splitsOf(root, partitions.labels);
    this.#times = times;
    this.#options = options;
  }

  get #shared(): boolean {
    return this.#partitions.shared.size > 0;
  }

  /** A selector in place of an expression. */
  standIn(expr: Expr, engines: readonly TimedEngine[], always: boolean): VectorSelector {
    const text = remoteText(expr, this.#options.defaultStepMs);
    const selector: VectorSelector = {
      kind: "vector",
      name: `remote(${text})`,
      matchers: [],
      offsetMs: 0,
      anchored: false,
      smoothed: false,
      range: expr.range,
    };
    this.parts.set(selector, { expr, text, engines, always });
    return selector;
  }

  /** Null if it has to be evaluated here after all. */
  #remote(expr: Expr): VectorSelector | null {
    const timed = this.#shared
      ? sharedTimes(expr, this.#engines, this.#partitions, this.#times, this.#options)
      : this.#engines.map((engine) => ({ engine, startMs: null }));
    if (timed === null) return null;
    const selectors = selectorsOf(expr);
    const asked = timed.filter(({ engine }) =>
      selectors.some((selector) => mayMatch(selector, engine.labelSets)),
    );
    return this.standIn(expr, asked, false);
  }

  visit(node: Expr): Expr {
    const split = this.#splits.get(node);
    if (split === "constant") return node;
    if (split === "split" && typeOf(node) === "vector") return this.#remote(node) ?? node;
    switch (node.kind) {
      case "vector":
      case "matrix":
        return node;
      case "aggregate":
        return this.#aggregate(node) ?? this.#below(node);
      case "subquery": {
        // Its steps are multiples of its step.
        const step = node.stepMs > 0 ? node.stepMs : this.#options.defaultStepMs;
        return this.#shared || !wholeSeconds(step) ? node : this.#below(node);
      }
      case "call":
        // The labels of what is absent come from the selector itself; `info` looks for selectors as well.
        if (node.func === "info" || node.func === "absent_over_time") return node;
        if (node.func === "absent" && node.args[0]?.kind === "vector") return node;
        return this.#below(node);
      default:
        return this.#below(node);
    }
  }

  #below(node: Expr): Expr {
    return withChildren(
      node,
      childrenOf(node).map((child) => this.visit(child)),
    );
  }

  /** An aggregation over partitions of what they aggregate; null where there is no such thing. */
  #aggregate(node: AggregateExpr): Expr | null {
    const { param, expr } = node;
    if (this.#splits.get(expr) !== "split" || keepsPartitions(node, this.#partitions.labels)) {
      return null;
    }
    if (param !== undefined && this.#splits.get(param) !== "constant") return null;
    if (node.op !== "avg") return this.#joined(node, node.op);
    const sum = this.#joined(node, "sum");
    const count = this.#joined(node, "count");
    if (sum === null || count === null) return null;
    return {
      kind: "binary",
      op: "/",
      left: sum,
      right: count,
      matching: { card: "one-to-one", labels: [], on: false, include: [] },
      returnBool: false,
      range: node.range,
      opRange: node.range,
    };
  }

  #joined(node: AggregateExpr, op: AggregateOp): Expr | null {
    const join = joins[op];
    if (join === undefined) return null;
    const { labels } = this.#partitions;
    const grouping = node.without
      ? node.grouping.filter((label) => !labels.has(label))
      : [...new Set([...node.grouping, ...labels])];
    const remote = this.#remote({ ...node, op, grouping });
    return remote === null ? null : { ...node, op: join, expr: remote };
  }
}

/**
 * Null if the query is to be evaluated here as it is. `root` has its times resolved and no parentheses. What comes out
 * is equal as long as queriers have different partitions; those with the same are taken for replicas of each other.
 */
export function distribute(
  root: Expr,
  remotes: Remotes,
  times: QueryTimes,
  options: SharedTimesOptions,
): Distribution | null {
  if (!wholeSeconds(times.startMs, times.stepMs, options.lookbackMs)) return null;
  const selectors = selectorsOf(root);
  const concerns = ({ labelSets }: { readonly labelSets: OtherStore["labelSets"] }): boolean =>
    selectors.some((selector) => mayMatch(selector, labelSets));
  if (selectors.length === 0 || remotes.others.some(concerns)) return null;
  const engines = remotes.engines.filter(concerns).sort((a, b) => a.minTime - b.minTime);
  if (engines.length === 0) return null;
  const partitions = partitionsOf(engines);
  if (partitions === null) return null;
  const distributor = new Distributor(root, engines, partitions, times, options);
  const single = engines.length === 1 && typeOf(root) === "vector" && !mustEndHere(root);
  const rewritten = single
    ? distributor.standIn(root, [{ engine: engines[0]!, startMs: null }], true)
    : distributor.visit(root);
  if (distributor.parts.size === 0) return null;
  return { root: rewritten, parts: distributor.parts, missing: remotes.missing.filter(concerns) };
}
