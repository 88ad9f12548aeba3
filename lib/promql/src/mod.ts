// Public names of @deucalion/promql.

export { Annotations } from "./annotations/annotations.ts";
export type { EngineOptions, QueryOptions, QueryResult, QueryStats } from "./engine.ts";
export { Engine, engineDefaults } from "./engine.ts";
export type { PromqlErrorCode } from "./errors.ts";
export { PromqlError } from "./errors.ts";
export type { ByteBudget, LimitOptions } from "./limits.ts";
export { QueryLimits } from "./limits.ts";
export type { NodeStats } from "./operators/node-analysis.ts";
export type {
  AggregateExpr,
  AggregateOp,
  AtModifier,
  BinaryExpr,
  BinaryOp,
  Call,
  DurationExpr,
  Expr,
  MatchCardinality,
  MatrixSelector,
  NumberLiteral,
  ParenExpr,
  ParseOptions,
  Range,
  StepInvariantExpr,
  StringLiteral,
  SubqueryExpr,
  UnaryExpr,
  ValueType,
  VectorMatching,
  VectorSelector,
} from "./parse/ast.ts";
export type { FunctionSignature } from "./parse/function-signatures.ts";
export { functions } from "./parse/function-signatures.ts";
export { durationSeconds, numberValue } from "./parse/lex/number-value.ts";
export { parseExpr, parseMetricSelector } from "./parse/parse.ts";
export { lineColumn, positionText } from "./parse/position.ts";
export { astJson } from "./parse/print/ast-json.ts";
export { describeRune, quoteGo, quoteRune, unquoteGo } from "./parse/print/go-quote.ts";
export { prettyExpr } from "./parse/print/pretty.ts";
export { printDuration, printExpr } from "./parse/print/print.ts";
export { typeName, typeOf } from "./parse/types.ts";
export { childrenOf, transformExpr, walkExpr } from "./parse/walk.ts";
export type {
  OtherStore,
  RemoteEngine,
  RemoteRequest,
  Remotes,
} from "./plan/distributed/remote-engine.ts";
export { timeDependentFunctions } from "./plan/step-invariant.ts";
export type { MatrixSeries, QueryValue, VectorSample } from "./result.ts";
