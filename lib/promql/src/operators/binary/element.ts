// One pair of samples under a binary operator, floats or histograms, with what there is to say about it.
import { equalHistograms, type FloatHistogram } from "@deucalion/model";
import { Annotations } from "../../annotations/annotations.ts";
import { infos } from "../../annotations/messages.ts";
import { histogramBinary } from "../../functions/histograms/histogram-binary.ts";
import type { BinaryOp, Range } from "../../parse/ast.ts";
import { arithmetic, compare, isComparison } from "./float-operators.ts";

/** The result of a pair. Written anew for each. */
export class ElementResult {
  value = 0;
  histogram: FloatHistogram | undefined = undefined;
  /** The types go together: there is a sample, or a comparison that does not hold. */
  valid = true;
  /** The comparison holds, or the operator is none. */
  keep = true;
  /** What was said about the pair. */
  remarks: Annotations | null = null;
}

/** Computes `left op right` into `out`. */
export function elementBinary(
  op: BinaryOp,
  left: number,
  leftHistogram: FloatHistogram | undefined,
  right: number,
  rightHistogram: FloatHistogram | undefined,
  range: Range,
  out: ElementResult,
): void {
  out.histogram = undefined;
  out.value = 0;
  out.valid = true;
  out.keep = true;
  out.remarks = null;
  if (leftHistogram === undefined && rightHistogram === undefined) {
    if (isComparison(op)) {
      out.value = left;
      out.keep = compare(op, left, right);
    } else if (op === "</" || op === ">/") {
      out.valid = false;
      out.remarks = new Annotations();
      out.remarks.info(infos.incompatibleTypes("float", op, "float"), range);
    } else out.value = arithmetic(op, left, right);
    return;
  }
  const equality = op === "==" || op === "!=";
  if (equality && leftHistogram !== undefined && rightHistogram !== undefined) {
    out.histogram = leftHistogram;
    out.keep = equalHistograms(leftHistogram, rightHistogram) === (op === "==");
    return;
  }
  const remarks = new Annotations();
  out.histogram = histogramBinary(op, leftHistogram, left, rightHistogram, right, range, remarks);
  out.valid = out.histogram !== undefined;
  if (!remarks.isEmpty) out.remarks = remarks;
}
