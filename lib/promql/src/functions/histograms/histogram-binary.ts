// Binary operators with a native histogram on at least one side.
import {
  addHistograms,
  compactHistogram,
  divideHistogram,
  equalHistograms,
  type FloatHistogram,
  type HistogramOutcome,
  multiplyHistogram,
  subtractHistograms,
  trimHistogram,
  withHint,
} from "@deucalion/model";
import type { Annotations } from "../../annotations/annotations.ts";
import { type HistogramOperation, infos, warnings } from "../../annotations/messages.ts";
import type { BinaryOp, Range } from "../../parse/ast.ts";

/**
 * `left op right` where at least one side is a histogram (else the side's float counts). Undefined for no sample: a
 * comparison that does not hold, or types that do not go together, with an annotation at `range`.
 */
export function histogramBinary(
  op: BinaryOp,
  left: FloatHistogram | undefined,
  leftFloat: number,
  right: FloatHistogram | undefined,
  rightFloat: number,
  range: Range,
  annotations: Annotations,
): FloatHistogram | undefined {
  if (left !== undefined && right !== undefined) {
    switch (op) {
      case "+":
        return finish(addHistograms(left, right), op, "addition", range, annotations);
      case "-": {
        const result = finish(
          subtractHistograms(left, right),
          op,
          "subtraction",
          range,
          annotations,
        );
        return result === undefined ? undefined : withHint(result, "gauge");
      }
      case "==":
        return equalHistograms(left, right) ? left : undefined;
      case "!=":
        return equalHistograms(left, right) ? undefined : left;
    }
  } else if (left !== undefined) {
    switch (op) {
      case "*":
        return compactHistogram(multiplyHistogram(left, rightFloat));
      case "/":
        return compactHistogram(divideHistogram(left, rightFloat));
      case "</":
        return trimHistogram(left, rightFloat, false);
      case ">/":
        return trimHistogram(left, rightFloat, true);
    }
  } else if (right !== undefined && op === "*") {
    return compactHistogram(multiplyHistogram(right, leftFloat));
  }
  const leftType = left === undefined ? "float" : "histogram";
  const rightType = right === undefined ? "float" : "histogram";
  annotations.info(infos.incompatibleTypes(leftType, op, rightType), range);
  return undefined;
}

function finish(
  outcome: HistogramOutcome | null,
  op: BinaryOp,
  operation: HistogramOperation,
  range: Range,
  annotations: Annotations,
): FloatHistogram | undefined {
  if (outcome === null) {
    annotations.warn(warnings.incompatibleBucketLayout(op), range);
    return undefined;
  }
  if (outcome.hintsCollide) annotations.warn(warnings.counterResetCollision(operation), range);
  if (outcome.boundsReconciled) annotations.info(infos.mismatchedCustomBuckets(operation), range);
  return compactHistogram(outcome.histogram);
}
