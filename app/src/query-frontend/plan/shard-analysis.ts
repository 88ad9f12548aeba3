// By which labels a query can be cut into shards so that each shard computes whole groups and whole matches.
import { type Expr, typeOf } from "@deucalion/promql";

/** Labels whose hash says to which shard a series belongs: the ones listed, or all but those. */
export interface ShardLabels {
  readonly by: boolean;
  readonly labels: readonly string[];
}

/** Constraint of a part of the tree: null is "cannot be sharded"; "any" is "no constraint". */
type Verdict = ShardLabels | "any" | null;

/** Functions that give the same for every shard, or look at all series together. */
const notShardable = new Set([
  "absent",
  "absent_over_time",
  "scalar",
  "vector",
  "info",
  "histogram_quantiles",
  "label_names",
]);

/** The name never takes part: functions drop it, and series that differ in it alone would part. */
const metricName = "__name__";

function without(labels: Iterable<string>): ShardLabels {
  return { by: false, labels: [...new Set([...labels, metricName])] };
}

function by(labels: Iterable<string>): ShardLabels {
  return { by: true, labels: [...new Set(labels)].filter((label) => label !== metricName) };
}

function both(a: Verdict, b: Verdict): Verdict {
  if (a === null || b === null) return null;
  if (a === "any") return b;
  if (b === "any") return a;
  if (a.by && b.by) return by(a.labels.filter((label) => b.labels.includes(label)));
  if (!a.by && !b.by) return without([...a.labels, ...b.labels]);
  const [listed, excluded] = a.by ? [a, b] : [b, a];
  return by(listed.labels.filter((label) => !excluded.labels.includes(label)));
}

/** Labels that a node sets anew cannot say where its series came from. */
function excluding(verdict: Verdict, labels: readonly string[]): Verdict {
  return verdict === "any" ? without(labels) : both(verdict, without(labels));
}

function stringArg(expr: Expr | undefined): string | null {
  let bare = expr;
  while (bare?.kind === "paren") bare = bare.expr;
  return bare?.kind === "string" ? bare.value : null;
}

function judgeCall(node: Extract<Expr, { kind: "call" }>): Verdict {
  if (notShardable.has(node.func)) return null;
  const verdicts = node.args.map(judge);
  const verdict = verdicts.reduce(both, "any");
  if (verdict === null) return null;
  const series = node.args.filter((arg) => {
    const type = typeOf(arg);
    return type === "vector" || type === "matrix";
  });
  // A vector out of nothing (`hour()`) would come once per shard.
  if (series.length === 0 && typeOf(node) === "vector") return null;
  if (series.length > 1) return null;
  switch (node.func) {
    case "histogram_quantile":
    case "histogram_fraction":
      return excluding(verdict, ["le"]);
    case "label_replace":
    case "label_join": {
      const label = stringArg(node.args[1]);
      return label === null ? null : excluding(verdict, [label]);
    }
    default:
      return verdict;
  }
}

function judgeBinary(node: Extract<Expr, { kind: "binary" }>): Verdict {
  const verdict = both(judge(node.left), judge(node.right));
  const { matching } = node;
  if (verdict === null || matching === undefined) return verdict;
  if (typeOf(node.left) !== "vector" || typeOf(node.right) !== "vector") return verdict;
  if (matching.fillLeft !== undefined || matching.fillRight !== undefined) return null;
  const own = matching.on ? by(matching.labels) : without(matching.labels);
  return excluding(both(verdict, own), matching.include);
}

function judge(node: Expr): Verdict {
  switch (node.kind) {
    case "number":
    case "string":
    case "vector":
    case "matrix":
      return "any";
    case "subquery":
    case "paren":
    case "unary":
    case "stepInvariant":
      return judge(node.expr);
    case "call":
      return judgeCall(node);
    case "binary":
      return judgeBinary(node);
    case "aggregate": {
      const param = node.param === undefined ? "any" : judge(node.param);
      const own = node.without ? without(node.grouping) : by(node.grouping);
      const verdict = both(both(judge(node.expr), param), own);
      if (node.op !== "count_values") return verdict;
      const label = stringArg(node.param);
      return label === null ? null : excluding(verdict, [label]);
    }
  }
}

/** The labels to shard by; null if the query cannot be sharded, or gains nothing by it. */
export function shardLabels(expr: Expr): ShardLabels | null {
  if (typeOf(expr) !== "vector") return null;
  const verdict = judge(expr);
  if (verdict === null || verdict === "any") return null;
  return verdict.by && verdict.labels.length === 0 ? null : verdict;
}

/** True where the order of an instant vector is part of its meaning. */
export function isOrdered(expr: Expr): boolean {
  switch (expr.kind) {
    case "paren":
    case "unary":
    case "stepInvariant":
      return isOrdered(expr.expr);
    case "binary":
      return isOrdered(expr.left) || isOrdered(expr.right);
    case "call":
      return expr.func.startsWith("sort") || expr.args.some(isOrdered);
    case "aggregate":
      return ["topk", "bottomk", "limitk", "limit_ratio"].includes(expr.op);
    default:
      return false;
  }
}
